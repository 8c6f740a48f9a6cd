"""Receptive fields of sequences: [N, T, F], [N, C, T] and tokens; causal convolutions; attention sees everything."""

from __future__ import annotations

import pytest

import archdsl
from archdsl.analyses.measure import Measures

PROGRAMS = {
    "time_behind_transpose": ("f32[N, 100, 8]", "transpose -> conv(8, 3) -> conv(8, 3) -> transpose", 5),
    "channels_first": ("f32[N, 8, 100]", "conv(8, 3) -> conv(8, 3)", 5),
    "features_alone": ("f32[N, T = 100, 8]", "linear(16) -> relu -> layer_norm", 1),
    "tokens": ("i64[N, T = 100]", "embedding(10, 8) -> transpose -> conv(8, 5) -> transpose -> linear(4)", 5),
    "dilated_causal": ("f32[N, 8, 100]", "conv(8, 3, pad = [2, 0]) -> conv(8, 3, dilation = 4, pad = [8, 0])", 11),
    "linear_attention": ("f32[N, T = 100, 8]", "q: linear(8); let k = softmax(q, axis = t); q @ (transpose(k) @ q)", 1),
}
"""Name -> input, body, and the field: 1 + the sum of (k - 1) * dilation. A linear attention's sums are the same for all
positions, as a gate is."""


@pytest.mark.parametrize("name", PROGRAMS)
def test_positions_are_those_of_time(name: str) -> None:
    type, body, size = PROGRAMS[name]
    graph = archdsl.load(f"arch 1\nnetwork Net() {{ input x: {type}; {body}; output y }}").graph()
    assert Measures(graph).of("receptive_field").value == size


ATTENTION = "softmax(q @ transpose(q)) @ q"


@pytest.mark.parametrize(
    "body",
    [
        f"let q = x; {ATTENTION}",
        f"q: linear(8); {ATTENTION} -> linear(4) -> relu",
        f"residual {{ q: layer_norm -> linear(8); {ATTENTION} }}",
        "let h = x -> reshape([in.n, in.t, 2, 4]) -> transpose(1, 2); softmax(h @ transpose(h)) @ h -> transpose(1, 2)",
    ],
    ids=["of_the_input", "projected", "residual", "heads"],
)
def test_attention_sees_everything(body: str) -> None:
    text = f"arch 1\nblock net {{ let x = in; {body} }}\n"
    text += "network Net() { input x: f32[N, T = 100, 8]; y: net; output y }"
    measures = Measures(archdsl.load(text).graph())
    assert measures.of("receptive_field").value == (None,), "all positions"
    assert measures.fields.axes == (1,)


def test_patches_of_a_picture_that_attend_see_all_of_it() -> None:
    text = """arch 1
    network Net(attends = true) {
      input x: f32[N, 3, 32, 32]
      conv(8, 8, stride = 8, pad = valid) -> flatten(h) -> transpose
      q: linear(8)
      if attends { softmax(q @ transpose(q)) @ q }
      reduce_mean(axis = t) -> linear(2)
      output y
    }"""
    program = archdsl.load(text)
    assert Measures(program.graph()).of("receptive_field").value == (None, None)


@pytest.mark.parametrize(
    ("pad", "joins"), [("[2, 0]", 0), ("[0, 2]", 1), ("[1, 1]", 0)], ids=["causal", "ahead", "same"]
)
def test_a_residual_around_a_causal_convolution_is_aligned(pad: str, joins: int) -> None:
    text = f"arch 1\nnetwork Net() {{ input x: f32[N, 8, 100]; residual {{ conv(8, 3, pad = {pad}) }}; output y }}"
    assert len(Measures(archdsl.load(text).graph()).fields.misaligned) == joins


def test_reports_name_the_axis_of_time() -> None:
    text = "arch 1\nnetwork Net() { input x: i64[N, T = 9]; tap: embedding(10, 8); output y }"
    shown = str(archdsl.fields(archdsl.load(text).graph(), ["tap"]))
    assert "tap  t" in shown
