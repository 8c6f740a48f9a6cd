"""Second sources of networks for speech, and of networks that make pictures: `transformers`, and PyTorch modules written
from their papers.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from second import Second
from second_words import hf


def wav2vec2() -> Second:
    """Its own frames only: what it learns in place of hidden ones is left out."""
    d = 32

    def other(**settings: Any) -> Callable[[], Any]:
        return hf("Wav2Vec2Model", "Wav2Vec2Config", mask_time_prob=0.0, mask_feature_prob=0.0, **settings)

    return Second(
        "wav2vec2_base", {"d": d, "depth": 2, "heads": 4, "c": 16}, "transformers",
        other(hidden_size=d, num_hidden_layers=2, num_attention_heads=4, intermediate_size=4 * d, conv_dim=(16,) * 7),
        lambda draw, n: {"samples": draw.normal(size=(n["N"], n["L"]))},
        lambda net, x: {"hidden": net(input_values=x["samples"]).last_hidden_state},
        {"N": 2, "L": 3000}, {"N": (1, 3), "L": (400, 1039, 2000)}, other(), ({"N": 1, "L": 16_000}, {"N": 2, "L": 5001}),
        lambda size, graph: size["N"] * prod(graph.parameters()["encoder.pos_conv_embed.conv.weight_v"].type.shape),
        unseen=("k_proj.bias",),
    )  # fmt: skip


SPEECH: dict[str, Callable[[], Second]] = {make.__name__: make for make in (wav2vec2,)}
