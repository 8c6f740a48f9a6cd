"""What is told of a file before anything runs."""

from __future__ import annotations

import pytest

from archdsl import load

HEAD = "arch 1\nnetwork Net() {{ input x: f32[N, T = 5, 8]\n{}\n}}\n"


@pytest.mark.parametrize("value", ["lstm(4, final = true)", "lstm(x, 4, final = true)", "x -> lstm(4, final = true)"])
def test_results_of_a_layer_are_no_layer(value: str) -> None:
    """Several names take a layer's results, so that it is applied there: reading them twice makes nothing."""
    program = load(HEAD.format(f"let y, h, c = {value}\ny * y\noutput a, b = y, d = h + h, e = c"))
    assert not program.warnings and len(program.graph().parameters()) == 4


def test_a_layer_is_told() -> None:
    program = load(HEAD.format("let f = lstm(8)\nf -> f\noutput a"))
    assert [one.code for one in program.warnings] == ["W0214"] and len(program.graph().parameters()) == 8
