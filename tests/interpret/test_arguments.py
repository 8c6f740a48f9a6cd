"""Calls are remembered with their plain arguments: what is remembered is of the same block, and was no fault."""

from __future__ import annotations

import pytest

import archdsl
from archdsl import driver

NET = "arch 1\n{top}\nnetwork Net() {{\n  input x: f32[N, 3, 8, 8]\n  {body}\n  output y\n}}\n"


@pytest.mark.parametrize(
    ("top", "body"),
    [
        ("", "for act in [relu, tanh, sigmoid, relu] { act() }"),
        ("block u(act) { act() }", "for act in [relu, tanh, sigmoid, relu] { u(act) }"),
        ("block u(act: block) = act()", "for act in [relu, tanh, sigmoid, relu] { u(act) }"),
        ("block u() = sigmoid", "for act in [relu, tanh, u, relu] { act() }"),
    ],
)
def test_operators_without_parameters_are_not_taken_for_one_another(top: str, body: str) -> None:
    program = archdsl.load(NET.format(top=top, body=body))
    for _ in range(3):
        assert [node.op.name for node in program.graph().nodes] == ["relu", "tanh", "sigmoid", "relu"]


@pytest.mark.parametrize(
    ("top", "body"),
    [
        ("block u(a: block = relu) { a }", "u(4)"),
        ("block u(a: int = 3) { conv(a, 1) }", "u(4.5)"),
        ("block u(a: int = 3) { conv(a, 1) }", "repeat 4 { u(4.5) }"),
    ],
)
def test_a_refused_argument_is_refused_every_time(top: str, body: str) -> None:
    program = driver.open_program(NET.format(top=top, body=body))
    for _ in range(4):
        result = program.elaborate("Net")
        assert result.graph is None and {d.code for d in result.diagnostics} == {"E0204"}


@pytest.mark.parametrize("size", [0, -1, True, 3.5, None, "x", 2**70])
def test_symbols_are_bound_to_sizes_only(size: object) -> None:
    program = archdsl.load(NET.format(top="", body="conv(4, 1)"))
    with pytest.raises(archdsl.DiagnosticError, match="E0007"):
        program.graph(bind={"N": size})  # type: ignore[dict-item]
    with pytest.raises(archdsl.DiagnosticError, match="E0007"):
        archdsl.cost(program.graph(), {"N": size})  # type: ignore[dict-item]
