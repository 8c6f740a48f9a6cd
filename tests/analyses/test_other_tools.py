"""Other tools' counts of single operators: what the tools say themselves (``tests/reference/count_operators.py``)."""

from __future__ import annotations

import csv
from collections import defaultdict

import pytest
from paths import DATA

import archdsl
from archdsl.analyses import other_counters as tools
from archdsl.analyses.measure import Measures

TOLD_BY_NONE = {"onnx-tool", "torchinfo"}
"""What is exported as other operators, and what another module owns, cannot be told: such totals are lower bounds."""


def recorded() -> dict[str, list[tuple[str, str, int]]]:
    """Operator, shape and count by tool."""
    found: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
    with (DATA / "tool_operators.csv").open(newline="") as table:
        for row in csv.DictReader(table):
            if row["count"].isdecimal():
                found[row["tool"]].append((row["operator"], row["shape"], int(row["count"])))
    return found


def measures(operator: str, shape: str) -> Measures:
    """A network of one operator; ``(in)`` and ``param`` are further tensors."""
    dtype = "i64" if operator.startswith("embedding") else "f32"
    name, _, rest = operator.partition("(")
    body = f"y: x -> {operator}"
    if rest == "in)":
        body = f"y: {name}(x, x)"
    elif "transpose(in)" in rest:
        body = "y: x @ transpose(x)"
    elif "param" in rest:
        body = "let w = param([12, 3])\n  y: x @ w"
    sizes = shape.replace(" ", ", ")
    text = f"arch 1\nnetwork X() {{\n  input x: {dtype}[{sizes}]\n  {body}\n  output y\n}}\n"
    return Measures(archdsl.load(text).graph())


@pytest.mark.parametrize("tool", sorted(tools.CONVENTIONS.keys() - {"contractions"}))
def test_operators_are_counted_as_the_tool_counts_them(tool: str) -> None:
    told, untold = 0, 0
    for operator, shape, count in recorded()[tool]:
        m = measures(operator, shape)
        found = tools.count(m.bound, m.rows, tools.convention(tool))
        if None in found:
            untold += 1
            continue
        assert sum(n for n in found if n is not None) == count, f"{operator} on [{shape}]"
        told += 1
    assert told > 55
    assert not untold or tool in TOLD_BY_NONE
    assert untold <= {"onnx-tool": 24, "torchinfo": 1}.get(tool, 0)


def test_products_of_contractions_are_those_of_the_aten_backend() -> None:
    """``torch.utils.flop_counter``'s figure is ptflops' aten backend's without biases."""
    for operator, shape, count in recorded()["ptflops-aten"]:
        if "bias = false" in operator:
            m = measures(operator, shape)
            assert m.of("macs").value == count
