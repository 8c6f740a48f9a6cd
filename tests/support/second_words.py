"""Second sources of the Transformers: `transformers`, torchvision and timm, made of small configurations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from second import Arrays, Second, Sizes

GRID = {"N": (1, 3), "T": (1, 2, 5)}


def tokens(draw: np.random.Generator, size: Sizes, along: str = "T", words: int = 50) -> Any:
    return draw.integers(0, words, (size["N"], size[along]))


def seen(size: Sizes, along: str = "T") -> Any:
    """Sequences of different lengths, the longest first, padded behind."""
    lengths = [max(size[along] * (size["N"] - i) // size["N"], 1) for i in range(size["N"])]
    return (np.arange(size[along]) < np.array(lengths)[:, None]).astype(np.int64)


def named(found: Any, **names: str) -> Arrays:
    return {ours: found[theirs] for ours, theirs in names.items()}


def hf(model: str, config: str, **settings: Any) -> Callable[[], Any]:
    def make() -> Any:
        from torch_models import transformers

        library = transformers()
        return getattr(library, model)(getattr(library, config)(**settings, attn_implementation="eager"))

    return make


def bert() -> Second:
    return Second(
        "bert_base", {"d": 16, "depth": 2, "heads": 4, "vocab": 50, "longest": 128}, "transformers",
        hf("BertModel", "BertConfig", vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=4,
           intermediate_size=64, max_position_embeddings=128),
        lambda draw, n: {"tokens": tokens(draw, n), "kinds": tokens(draw, n, words=2), "seen": seen(n)},
        lambda net, x: named(
            net(input_ids=x["tokens"], token_type_ids=x["kinds"], attention_mask=x["seen"]),
            hidden="last_hidden_state", pooled="pooler_output",
        ),
        {"N": 3, "T": 9}, GRID, unseen=("self.key.bias",),
    )  # fmt: skip


def gpt2() -> Second:
    return Second(
        "gpt2", {"d": 16, "depth": 2, "heads": 4, "vocab": 50, "longest": 1024}, "transformers",
        hf("GPT2LMHeadModel", "GPT2Config", vocab_size=50, n_embd=16, n_layer=2, n_head=4, n_positions=1024),
        lambda draw, n: {"tokens": tokens(draw, n)},
        lambda net, x: named(net(input_ids=x["tokens"], use_cache=False), logits="logits"), {"N": 2, "T": 11}, GRID,
    )  # fmt: skip


def t5() -> Second:
    """Longer than the reach of the buckets."""
    return Second(
        "t5_small", {"d": 16, "depth": 2, "heads": 4, "e": 8, "hidden": 24, "vocab": 50}, "transformers",
        hf("T5ForConditionalGeneration", "T5Config", vocab_size=50, d_model=16, d_kv=8, d_ff=24, num_layers=2, num_heads=4,
           tie_word_embeddings=True),
        lambda draw, n: {"source": tokens(draw, n, "S"), "target": tokens(draw, n), "seen": seen(n, "S")},
        lambda net, x: named(
            net(input_ids=x["source"], attention_mask=x["seen"], decoder_input_ids=x["target"], use_cache=False),
            logits="logits",
        ),
        {"N": 2, "S": 150, "T": 140}, {**GRID, "S": (1, 3, 4)},
    )  # fmt: skip


ROPE = {
    "rope_type": "llama3", "rope_theta": 500_000.0, "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}  # fmt: skip


def llama() -> Second:
    return Second(
        "llama_3_2_1b", {"d": 16, "depth": 2, "heads": 4, "kv": 2, "e": 8, "hidden": 24, "vocab": 50}, "transformers",
        hf("LlamaForCausalLM", "LlamaConfig", vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=4,
           num_key_value_heads=2, head_dim=8, intermediate_size=24, rms_norm_eps=1e-5, rope_parameters=ROPE,
           tie_word_embeddings=True, max_position_embeddings=131_072),
        lambda draw, n: {"tokens": tokens(draw, n)},
        lambda net, x: named(net(input_ids=x["tokens"], use_cache=False), logits="logits"), {"N": 2, "T": 70}, GRID,
    )  # fmt: skip


def whisper() -> Second:
    return Second(
        "whisper_tiny", {"d": 16, "depth": 2, "heads": 4, "vocab": 50, "longest": 448, "mels": 8}, "transformers",
        hf("WhisperForConditionalGeneration", "WhisperConfig", vocab_size=50, num_mel_bins=8, d_model=16,
           encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=64,
           decoder_ffn_dim=64, max_target_positions=448, pad_token_id=0, bos_token_id=1, eos_token_id=2,
           decoder_start_token_id=1),
        lambda draw, n: {"mel": draw.normal(size=(n["N"], 8, 3000)), "tokens": tokens(draw, n)},
        lambda net, x: named(
            net(input_features=x["mel"], decoder_input_ids=x["tokens"], use_cache=False), logits="logits"
        ),
        {"N": 1, "T": 11}, {"N": (1, 2), "T": (1, 2, 4)},
    )  # fmt: skip


def image(draw: np.random.Generator, size: Sizes, side: int) -> Arrays:
    return {"image": draw.normal(size=(size["N"], 3, side, side))}


def vit() -> Second:
    def other() -> Any:
        from torch_models import timm

        return timm().create_model(
            "vit_base_patch16_224", depth=2, embed_dim=24, num_heads=3, img_size=48, num_classes=7
        )

    return Second(
        "vit_b_16", {"d": 24, "depth": 2, "heads": 3, "res": 48, "classes": 7}, "", other,
        lambda draw, n: image(draw, n, 48), lambda net, x: {"logits": net(x["image"])}, {"N": 2}, {"N": (1, 3)},
    )  # fmt: skip


def vit_torchvision() -> Second:
    def other() -> Any:
        from torch_models import torchvision_models

        kind = torchvision_models().VisionTransformer
        return kind(image_size=48, patch_size=16, num_layers=2, num_heads=3, hidden_dim=24, mlp_dim=96, num_classes=7)

    return vit()._replace(map="torchvision", other=other)


def swin() -> Second:
    def other() -> Any:
        from torch_models import torchvision_models

        models = torchvision_models()
        return models.SwinTransformer([4, 4], 12, [2, 2], [2, 3], [7, 7], num_classes=7, stochastic_depth_prob=0.0)

    return Second(
        "swin_t", {"d": 12, "depths": [2, 2], "heads": [2, 3], "res": 56, "classes": 7}, "torchvision", other,
        lambda draw, n: image(draw, n, 56), lambda net, x: {"logits": net(x["image"])}, {"N": 2}, {"N": (1, 3)},
    )  # fmt: skip


def mixtral() -> Second:
    """A layer's mixture as `transformers` has it, whose experts are stacked, and apart in checkpoints."""

    def other() -> Any:
        from torch import nn
        from torch_models import transformers

        library = transformers()
        config = library.MixtralConfig(
            hidden_size=16, intermediate_size=24, num_local_experts=5, num_experts_per_tok=2, num_attention_heads=4,
            num_key_value_heads=2, attn_implementation="eager", experts_implementation="eager",
        )  # fmt: skip
        kind = library.models.mixtral.modeling_mixtral.MixtralSparseMoeBlock

        class Layer(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.block_sparse_moe = kind(config)

            def state_dict(self, *args: Any, **kwargs: Any) -> Any:
                """Views, so that a value that is changed here is the layer's."""
                found = {"block_sparse_moe.gate.weight": self.block_sparse_moe.gate.weight}
                both, down = self.block_sparse_moe.experts.gate_up_proj, self.block_sparse_moe.experts.down_proj
                for i in range(5):
                    parts = (("w1", both[i, :24]), ("w3", both[i, 24:]), ("w2", down[i]))
                    found |= {f"block_sparse_moe.experts.{i}.{name}.weight": value for name, value in parts}
                return {name: value.detach() for name, value in found.items()}

        return Layer()

    return Second(
        "mixtral_layer", {"d": 16, "hidden": 24, "count": 5}, "transformers", other,
        lambda draw, n: {"x": draw.normal(size=(n["N"], n["T"], 16))},
        lambda net, x: {"y": sole(net.block_sparse_moe(x["x"]))}, {"N": 2, "T": 7}, GRID,
    )  # fmt: skip


def sole(found: Any) -> Any:
    return found[0] if isinstance(found, tuple) else found


def transformer() -> Second:
    """The paper's, of PyTorch's parts: it has no biases in attention, which `nn.Transformer` cannot leave out alone."""

    def make(*given: int) -> Any:
        from torch_transformer import Transformer

        return Transformer(*given)

    return Second(
        "transformer_base", {"d": 16, "depth": 2, "heads": 4, "hidden": 24, "vocab": 50}, "",
        lambda: make(50, 16, 24, 4, 2),
        lambda draw, n: {"source": tokens(draw, n, "S"), "target": tokens(draw, n)},
        lambda net, x: {"logits": net(x["source"], x["target"])}, {"N": 2, "S": 13, "T": 9}, {**GRID, "S": (1, 3, 4)},
        lambda: make(37_000, 512, 2048, 8, 6), ({"N": 1, "S": 128, "T": 128}, {"N": 2, "S": 3, "T": 5}),
    )  # fmt: skip


WORDS: dict[str, Callable[[], Second]] = {
    make.__name__: make for make in (bert, gpt2, t5, llama, whisper, vit, vit_torchvision, swin, mixtral, transformer)
}
