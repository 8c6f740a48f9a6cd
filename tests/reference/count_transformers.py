"""Counts the definitions of `transformers` and torchvision: parameters, and products as PyTorch counts them.

    python tests/reference/count_transformers.py tests/data

writes ``counts_attention.csv`` there. The networks come from configurations, without weights, on PyTorch's meta device;
``torch.utils.flop_counter`` sees every matrix product and convolution that they make, of attention too, and counts two
operations for one multiply-accumulate. The tests read the file and need none of these libraries.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from torch_models import torchvision_models, transformers

LLAMA = {"vocab_size": 128_256, "num_key_value_heads": 8, "rms_norm_eps": 1e-5, "max_position_embeddings": 131_072}
MODELS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "bert_base": ("BertModel", "BertConfig", {}),
    "bert_large": (
        "BertModel", "BertConfig",
        {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096},
    ),
    "gpt2": ("GPT2LMHeadModel", "GPT2Config", {}),
    "gpt2_medium": ("GPT2LMHeadModel", "GPT2Config", {"n_embd": 1024, "n_layer": 24, "n_head": 16}),
    "gpt2_large": ("GPT2LMHeadModel", "GPT2Config", {"n_embd": 1280, "n_layer": 36, "n_head": 20}),
    "gpt2_xl": ("GPT2LMHeadModel", "GPT2Config", {"n_embd": 1600, "n_layer": 48, "n_head": 25}),
    "t5_small": ("T5ForConditionalGeneration", "T5Config", {}),
    "t5_base": (
        "T5ForConditionalGeneration", "T5Config", {"d_model": 768, "num_layers": 12, "num_heads": 12, "d_ff": 3072}
    ),
    "llama_3_2_1b": (
        "LlamaForCausalLM", "LlamaConfig",
        {**LLAMA, "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32,
         "head_dim": 64, "tie_word_embeddings": True},
    ),
    "llama_3_1_8b": (
        "LlamaForCausalLM", "LlamaConfig",
        {**LLAMA, "hidden_size": 4096, "intermediate_size": 14_336, "num_hidden_layers": 32, "num_attention_heads": 32},
    ),
    "llama_3_1_70b": (
        "LlamaForCausalLM", "LlamaConfig",
        {**LLAMA, "hidden_size": 8192, "intermediate_size": 28_672, "num_hidden_layers": 80, "num_attention_heads": 64},
    ),
    "qwen2_5_0_5b": (
        "Qwen2ForCausalLM", "Qwen2Config",
        {"hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14,
         "num_key_value_heads": 2, "tie_word_embeddings": True},
    ),
    "mistral_7b": ("MistralForCausalLM", "MistralConfig", {}),
    "gemma_2b": (
        "GemmaForCausalLM", "GemmaConfig",
        {"hidden_size": 2048, "intermediate_size": 16_384, "num_hidden_layers": 18, "num_attention_heads": 8,
         "num_key_value_heads": 1},
    ),
    "phi_2": (
        "PhiForCausalLM", "PhiConfig", {"hidden_size": 2560, "intermediate_size": 10_240, "num_hidden_layers": 32}
    ),
    "roberta_base": (
        "RobertaModel", "RobertaConfig", {"max_position_embeddings": 514, "type_vocab_size": 1, "layer_norm_eps": 1e-5}
    ),
    "distilbert_base": ("DistilBertModel", "DistilBertConfig", {}),
    "electra_small": ("ElectraModel", "ElectraConfig", {}),
    "bart_base": (
        "BartForConditionalGeneration", "BartConfig",
        {"d_model": 768, "encoder_layers": 6, "decoder_layers": 6, "encoder_attention_heads": 12,
         "decoder_attention_heads": 12, "encoder_ffn_dim": 3072, "decoder_ffn_dim": 3072},
    ),
    "modernbert_base": ("ModernBertForMaskedLM", "ModernBertConfig", {}),
    "whisper_tiny": ("WhisperForConditionalGeneration", "WhisperConfig", {}),
    "whisper_base": (
        "WhisperForConditionalGeneration", "WhisperConfig",
        {"d_model": 512, "encoder_layers": 6, "decoder_layers": 6, "encoder_attention_heads": 8,
         "decoder_attention_heads": 8, "encoder_ffn_dim": 2048, "decoder_ffn_dim": 2048},
    ),
    "whisper_small": (
        "WhisperForConditionalGeneration", "WhisperConfig",
        {"d_model": 768, "encoder_layers": 12, "decoder_layers": 12, "encoder_attention_heads": 12,
         "decoder_attention_heads": 12, "encoder_ffn_dim": 3072, "decoder_ffn_dim": 3072},
    ),
}  # fmt: skip
"""Variant -> model, configuration, and what differs from its defaults (which are those of the first of a family).

Where the numbers come from: BERT, arXiv:1810.04805, section 3; GPT-2, table 2 of its report; T5, arXiv:1910.10683, section
3.7; Llama 3, arXiv:2407.21783, table 3, and for the 1B of 3.2 the configuration that was published with it; Qwen2.5,
arXiv:2412.15115, table 1; Mistral, arXiv:2310.06825, table 1; Gemma, arXiv:2403.08295, table 1, where the hidden features
of both halves are counted; Phi-2, its published configuration; RoBERTa, arXiv:1907.11692, and the 514 positions of its
published table; DistilBERT, arXiv:1910.01108; ELECTRA, arXiv:2003.10555, table 6; BART, arXiv:1910.13461, section 2;
ModernBERT, arXiv:2412.13663, table 4; Whisper, arXiv:2212.04356, table 1.
"""
VISION = {
    "vit_b_16": "vit_b_16", "vit_b_32": "vit_b_32", "vit_l_16": "vit_l_16", "swin_t": "swin_t", "swin_s": "swin_s",
    "swin_b": "swin_b",
}  # fmt: skip


def tokens(length: int) -> torch.Tensor:
    return torch.zeros(1, length, dtype=torch.int64)


def text(model: str, length: int) -> dict[str, torch.Tensor]:
    """What enters a model of `transformers`, with sequences of this length."""
    if model.startswith(("T5", "Bart")):
        return {"input_ids": tokens(length), "decoder_input_ids": tokens(length)}
    if model.startswith("Whisper"):
        return {"input_features": torch.zeros(1, 80, 3000), "decoder_input_ids": tokens(length)}
    return {"input_ids": tokens(length)}


LENGTHS = {
    "bert": (128, 512), "gpt2": (1024, 128), "t5": (512, 100), "llama": (512, 77), "whisper": (448, 20),
    "qwen2": (512, 77), "mistral": (512, 77), "gemma": (512, 77), "phi": (512, 77), "roberta": (128, 512),
    "distilbert": (128, 512), "electra": (128, 512), "bart": (512, 100), "modernbert": (512, 77),
}  # fmt: skip
"""The length at which the spec reports costs, and another."""


def count(make: Callable[[], nn.Module], inputs: dict[str, torch.Tensor]) -> tuple[int, int]:
    """Parameters, each tensor once, and multiply-accumulates."""
    with torch.device("meta"):
        net = make().eval()
    if hasattr(net, "tie_weights"):
        net.tie_weights()
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad(), torch.device("meta"):
        net(**{name: value.to("meta") for name, value in inputs.items()})
    assert counter.get_total_flops() % 2 == 0
    return sum(p.numel() for p in net.parameters()), counter.get_total_flops() // 2


def rows() -> list[tuple[str, int, int, str]]:
    library = transformers()
    found = []
    for variant, (model, config, settings) in MODELS.items():
        for length in LENGTHS[variant.split("_")[0]]:
            settled = getattr(library, config)(**settings, attn_implementation="eager")
            params, macs = count(partial(getattr(library, model), settled), text(model, length))
            name = variant if length == LENGTHS[variant.split("_")[0]][0] else f"{variant} T={length}"
            if model.startswith(("T5", "Bart")) and "=" in name:
                name += f" S={length}"
            found.append((name, params, macs, f"transformers {library.__version__}"))
            print(*found[-1])
    image = {"x": torch.zeros(1, 3, 224, 224)}
    import torchvision

    for variant, name in VISION.items():
        params, macs = count(getattr(torchvision_models(), name), image)
        found.append((variant, params, macs, f"torchvision {torchvision.__version__}"))
        print(*found[-1])
    return found


if __name__ == "__main__":
    with (Path(sys.argv[1]) / "counts_attention.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("variant", "params", "macs", "source"))
        for name, params, macs, source in rows():
            table.writerow((name, params, macs, f"{source}, counted by tests/reference/count_transformers.py"))
