"""Second sources of the language models of today: `transformers`, made of small configurations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from second import Second, Sizes
from second_words import GRID, hf, named, seen, tokens

SMALL = {"d": 16, "depth": 2, "heads": 4, "kv": 2, "e": 8, "hidden": 24, "vocab": 50}
SAME = {
    "vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "head_dim": 8, "intermediate_size": 24, "max_position_embeddings": 4096,
}  # fmt: skip
"""The same for a configuration of `transformers`."""


def turning(theta: float, **more: Any) -> dict[str, Any]:
    return {"rope_type": "default", "rope_theta": theta, **more}


def decoder(variant: str, small: dict[str, Any], other: Callable[[], Any], map: str = "transformers") -> Second:
    return Second(
        variant, small, map, other, lambda draw, n: {"tokens": tokens(draw, n)},
        lambda net, x: named(net(input_ids=x["tokens"], use_cache=False), logits="logits"), {"N": 2, "T": 11}, GRID,
    )  # fmt: skip


def qwen2() -> Second:
    same = {name: value for name, value in SAME.items() if name != "head_dim"} | {"hidden_size": 32}
    return decoder(
        "qwen2_5_0_5b", {**SMALL, "d": 32},
        hf("Qwen2ForCausalLM", "Qwen2Config", **same, rms_norm_eps=1e-6, rope_parameters=turning(1e6),
           tie_word_embeddings=True),
    )  # fmt: skip


def mistral() -> Second:
    """With a window that is shorter than the text."""
    return decoder(
        "mistral_7b", {**SMALL, "window": 4},
        hf("MistralForCausalLM", "MistralConfig", **SAME, rms_norm_eps=1e-5, rope_parameters=turning(1e4), sliding_window=4),
    )  # fmt: skip


def mixtral_whole() -> Second:
    """Whose experts are stacked in `transformers`, and apart in checkpoints."""

    def other() -> Any:
        from torch import nn

        settings = {"rms_norm_eps": 1e-5, "rope_parameters": turning(1e6), "experts_implementation": "eager"}
        inner = hf(
            "MixtralForCausalLM", "MixtralConfig", **SAME, **settings, num_local_experts=8, num_experts_per_tok=2
        )()

        class Whole(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.inner = inner

            def forward(self, **given: Any) -> Any:
                return self.inner(**given)

            def state_dict(self, *args: Any, **kwargs: Any) -> Any:
                """Views, so that a value that is changed here is the network's."""
                found = {}
                for path, value in self.inner.state_dict().items():
                    layer, _, rest = path.partition(".mlp.")
                    if rest == "gate.weight":
                        found[f"{layer}.block_sparse_moe.gate.weight"] = value
                    elif rest:
                        for i in range(8):
                            parts = (
                                {"w1": value[i, :24], "w3": value[i, 24:]} if "gate_up" in rest else {"w2": value[i]}
                            )
                            for name, part in parts.items():
                                found[f"{layer}.block_sparse_moe.experts.{i}.{name}.weight"] = part
                    else:
                        found[path] = value
                return found

        return Whole()

    return decoder("mixtral_8x7b", SMALL, other, "hf")


def gemma() -> Second:
    return decoder(
        "gemma_2b", {**SMALL, "kv": 1},
        hf("GemmaForCausalLM", "GemmaConfig", **{**SAME, "num_key_value_heads": 1}, rope_parameters=turning(1e4),
           hidden_activation="gelu_pytorch_tanh", tie_word_embeddings=True),
    )  # fmt: skip


def phi() -> Second:
    """Four of the ten features of a head turn."""
    return decoder(
        "phi_2", {"d": 40, "depth": 2, "heads": 4, "turned": 4, "vocab": 50},
        hf("PhiForCausalLM", "PhiConfig", vocab_size=50, hidden_size=40, num_hidden_layers=2, num_attention_heads=4,
           intermediate_size=160, rope_parameters=turning(1e4, partial_rotary_factor=0.4)),
    )  # fmt: skip


BERT = {"vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}


def roberta() -> Second:
    """`transformers` counts positions from words that are not padding, which is word 1."""
    return Second(
        "roberta_base", {"d": 16, "depth": 2, "heads": 4, "vocab": 50, "longest": 130}, "transformers",
        hf("RobertaModel", "RobertaConfig", **BERT, max_position_embeddings=130, type_vocab_size=1, layer_norm_eps=1e-5),
        lambda draw, n: {"tokens": tokens(draw, n, words=48) + 2, "seen": seen(n)},
        lambda net, x: named(
            net(input_ids=x["tokens"], attention_mask=x["seen"]), hidden="last_hidden_state", pooled="pooler_output"
        ),
        {"N": 3, "T": 9}, GRID, unseen=("self.key.bias",),
    )  # fmt: skip


def electra() -> Second:
    return Second(
        "electra_small", {"d": 16, "depth": 2, "heads": 4, "vocab": 50, "longest": 128, "narrow": 8}, "transformers",
        hf("ElectraModel", "ElectraConfig", **BERT, embedding_size=8, max_position_embeddings=128),
        lambda draw, n: {"tokens": tokens(draw, n), "kinds": tokens(draw, n, words=2), "seen": seen(n)},
        lambda net, x: named(
            net(input_ids=x["tokens"], token_type_ids=x["kinds"], attention_mask=x["seen"]), hidden="last_hidden_state"
        ),
        {"N": 3, "T": 9}, GRID, unseen=("self.key.bias",),
    )  # fmt: skip


def distilbert() -> Second:
    return Second(
        "distilbert_base", {"d": 16, "depth": 2, "heads": 4, "vocab": 50, "longest": 128}, "hf",
        hf("DistilBertModel", "DistilBertConfig", vocab_size=50, dim=16, n_layers=2, n_heads=4, hidden_dim=64,
           max_position_embeddings=128),
        lambda draw, n: {"tokens": tokens(draw, n), "seen": seen(n)},
        lambda net, x: named(net(input_ids=x["tokens"], attention_mask=x["seen"]), hidden="last_hidden_state"),
        {"N": 3, "T": 9}, GRID, unseen=("k_lin.bias",),
    )  # fmt: skip


def bart() -> Second:
    """The bias of the head is a buffer, which is nothing in what is published."""
    return Second(
        "bart_base", {"d": 16, "depth": 2, "heads": 4, "vocab": 50}, "transformers",
        hf("BartForConditionalGeneration", "BartConfig", vocab_size=50, d_model=16, encoder_layers=2, decoder_layers=2,
           encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=64, decoder_ffn_dim=64,
           max_position_embeddings=1024),
        lambda draw, n: {"source": tokens(draw, n, "S"), "target": tokens(draw, n), "seen": seen(n, "S")},
        lambda net, x: named(
            net(input_ids=x["source"], attention_mask=x["seen"], decoder_input_ids=x["target"], use_cache=False),
            logits="logits",
        ),
        {"N": 2, "S": 12, "T": 9}, {**GRID, "S": (1, 3, 4)},
        unseen=("k_proj.bias", "final_logits_bias"),
    )  # fmt: skip


def modernbert() -> Second:
    """Of four layers the first and the last see all, and the others less than the text. Where a layer sees nothing but
    padding, the library's outputs are no numbers: none is further from the text than a layer sees.
    """

    def nearly(size: Sizes) -> Any:
        return (np.arange(size["T"]) < np.maximum(size["T"] - np.arange(size["N"])[:, None], 1)).astype(np.int64)

    return Second(
        "modernbert_base", {"d": 16, "depth": 4, "heads": 4, "hidden": 24, "vocab": 50, "reach": 2}, "",
        hf("ModernBertForMaskedLM", "ModernBertConfig", vocab_size=50, hidden_size=16, num_hidden_layers=4,
           num_attention_heads=4, intermediate_size=24, local_attention=4, max_position_embeddings=8192, pad_token_id=0,
           bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2),
        lambda draw, n: {"tokens": tokens(draw, n), "seen": nearly(n)},
        lambda net, x: named(net(input_ids=x["tokens"], attention_mask=x["seen"]), logits="logits"),
        {"N": 3, "T": 11}, GRID,
    )  # fmt: skip


LANGUAGE: dict[str, Callable[[], Second]] = {
    make.__name__: make
    for make in (qwen2, mistral, mixtral_whole, gemma, phi, roberta, electra, distilbert, bart, modernbert)
}
