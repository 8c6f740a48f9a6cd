"""What takes axis 1 for the channels is told where that axis holds the positions of a sequence [N, T, F]."""

from __future__ import annotations

import pytest

import archdsl
from archdsl import ops
from archdsl.design_rules import lint
from archdsl.ops.base import Op
from archdsl.rewrites.fold import foldable

CHANNELS = {
    "avg_pool": "(2)", "batch_norm": "", "concat": "", "conv": "(6, 3)", "conv_transpose": "(6, 3)",
    "gather": "([0, 1])", "global_avg_pool": "", "global_lp_pool": "", "global_max_pool": "", "group_norm": "(2)",
    "instance_norm": "", "l2_norm": "", "lp_pool": "(2)", "lrn": "(3)", "max_pool": "(2)", "max_pool_indices": "(2)",
    "min_pool": "(2)", "prelu": "", "split": "(2)", "unfold": "(3)",
}  # fmt: skip
"""Every operator that works on axis 1 by default (or on the positions behind it), and arguments for [N, 6, 8]."""
ELSE = {"flatten", "stack", "deform_conv", "quantize", "dequantize", "conv_integer", "reverse_sequence"}
"""Whose axis is the first that is merged, or new, or that of time: nothing is mistaken; what takes maps [N, C, H, W] only;
and what quantised files hold, whose scales have the size of the axis that is meant.
"""


def _takes_channels(card: type[Op]) -> bool:
    axis = card.signature.get("axis")
    by_default = axis is not None and axis.default in ("c", 1)
    layer = card.role == "layer" and card.feature_axis == 1 and card.arity == (1, 1)
    return bool(by_default or card.channels_second or card.pools_maps or layer)


def test_the_list_is_complete() -> None:
    cards = {name: ops.load(name) for name in ops.names()}
    assert {name for name, card in cards.items() if _takes_channels(card)} - ELSE == CHANNELS.keys()


def told(body: str, type: str = "f32[N, 6, 4]") -> list[str]:
    """The help of the warnings W0211 of a network with this body."""
    text = f"arch 1\nblock net {{ {body} }}\nnetwork Net() {{ input x: {type}; x -> net; output y }}"
    return [d.help for d in archdsl.load(text).check() if d.code == "W0211"]


@pytest.mark.parametrize("name", CHANNELS)
def test_it_is_told(name: str) -> None:
    call = (
        f"parallel({name}) {{ | linear(8) | linear(8) }}"
        if name == "concat"
        else f"linear(8) -> {name}{CHANNELS[name]}"
    )
    (help,) = told(call)
    assert "axis = f" in help or "transpose" in help


SAID = {
    "behind an embedding": ("embedding(9, 8) -> batch_norm", "i64[N, 6]"),
    "of time that is a symbol": ("l2_norm", "f32[N, T, 4]"),
    "before the layer that tells": ("batch_norm -> relu -> linear(4)", "f32[N, 6, 4]"),
    "behind a map that was turned": ("conv(8, 3) -> transpose -> split(2) -> add", "f32[N, 4, 6]"),
}
UNSAID = {
    "named features": ("linear(8) -> batch_norm(axis = f) -> split(2, axis = f) -> add", "f32[N, 6, 4]"),
    "named time": ("linear(8) -> split(2, axis = t) -> concat(axis = t)", "f32[N, 6, 4]"),
    "maps": ("conv(8, 3) -> batch_norm -> prelu -> split(2) -> concat", "f32[N, 4, 6]"),
    "turned for it": ("linear(8) -> transpose -> conv(4, 3) -> batch_norm -> transpose -> linear(4)", "f32[N, 6, 4]"),
    "another length": (
        "let a = in -> linear(8); (in -> select(t, 0) -> unsqueeze(1) -> linear(8), a) -> concat",
        "f32[N, 6, 4]",
    ),
    "one weight for all": ("linear(8) -> prelu(shared = true)", "f32[N, 6, 4]"),
}


@pytest.mark.parametrize("name", SAID)
def test_other_sequences(name: str) -> None:
    assert len(told(*SAID[name])) == 1


@pytest.mark.parametrize("name", UNSAID)
def test_what_is_meant(name: str) -> None:
    assert told(*UNSAID[name]) == []


def test_features_of_sequences_are_normalised_and_folded() -> None:
    text = "arch 1\nnetwork Net() { input x: f32[N, 6, 4]; linear(8) -> batch_norm(axis = f); output y }"
    graph = archdsl.load(text).graph()
    assert [p.type.shape for p in graph.nodes[-1].params.values()] == [(8,)] * 4
    assert [layer.op.name for layer in foldable(graph)] == ["linear"]
    other = archdsl.load(text.replace("axis = f", "axis = t")).graph()
    assert foldable(other) == {}, "the layer's features are none of its channels"
    assert [d.code for d in lint(graph, ["W0401"])] == ["W0401"]
    assert lint(other, ["W0401"]) == [], "a bias for each feature is not removed again by a norm of the positions"
