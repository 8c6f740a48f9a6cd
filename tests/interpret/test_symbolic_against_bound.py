"""Sizes in the text, bound, declared, given by a variant or bound in a graph: the same shapes, costs and refusals.

Networks are drawn from the examples of every operator, with sizes near the bounds of what it takes. What a text with
numbers in the places of the symbols is told is the truth.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from functools import cache
from typing import Any

import pytest
from op_examples import examples_of
from sized_networks import Sized, drawn

import archdsl
from archdsl import data, ops
from archdsl.diagnostics import DiagnosticError
from archdsl.driver import open_program
from archdsl.graph import Graph
from archdsl.source import Source

pytestmark = pytest.mark.slow

MEASURED = ("params", "macs", "flops", "comparisons", "activations", "weights", "nodes")


def outcome(text: str, bind: dict[str, int] | None = None) -> tuple[Any, Graph | None]:
    """What a text is told: the code and line of each error, or shapes and costs."""
    program = open_program(text, name="net.arch")
    found = program.errors
    if not found:
        result = program.elaborate(bind=bind)
        if result.graph is not None:
            return measured(result.graph), result.graph
        found = [d for d in result.diagnostics if d.severity == "error"]
    return {(d.code, d.span.line if d.span else 0) for d in found}, None


def measured(graph: Graph) -> Any:
    """Shapes at the declared sizes, and costs."""
    table = archdsl.cost(graph)
    types = [str(table.measures.bound.type(value)) for value in graph.values()]
    return types, {quantity: table.total(quantity) for quantity in MEASURED}


def later(graph: Graph, bind: dict[str, int]) -> Any:
    """What a graph is told that is bound when it is there."""
    try:
        return measured(data.read(Source("net.json", data.to_json(graph)), bind))
    except DiagnosticError as error:
        return {(d.code, d.span.line if d.span else 0) for d in error.diagnostics}


def check(network: Sized, counts: Counter[str]) -> None:
    fixed, _ = outcome(network.text("fixed"))
    counts["refused" if isinstance(fixed, set) else "accepted"] += 1
    text = network.text("free")
    bound, _ = outcome(text, network.sizes)
    assert bound == fixed, f"bound: {network.sizes}\n{text}"
    _, graph = outcome(text)
    if graph is None:
        counts["undecided"] += 1  # what symbols leave open is refused where they are free
        return
    for form in ("declared", "variant", "multiple"):
        counts[form] += 1
        told, _ = outcome(network.text(form))
        if (
            form == "multiple"
            and isinstance(told, set)
            and told != fixed
            and {code for code, _ in told} <= {"E0306", "E0307"}
        ):
            continue  # another symbol, of which less can be decided
        assert told == fixed, f"{form}\n{network.text(form)}"
    assert later(graph, network.sizes) == fixed, f"a graph, bound: {network.sizes}\n{text}"


@cache
def run(name: str, count: int) -> Counter[str]:
    """What became of that many networks of each example; the tests of this file share it."""
    counts: Counter[str] = Counter()
    draw = random.Random(name)
    for example in examples_of(name):
        for _ in range(count):
            check(drawn(example, draw), counts)
    return counts


COUNTS = [3, pytest.param(12, marks=pytest.mark.nightly)]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("name", ops.names())
def test_every_form_of_a_size_is_held_to_the_same_rules(name: str, count: int) -> None:
    run(name, count)


@pytest.mark.parametrize("count", COUNTS)
def test_both_ends_are_met_often(count: int) -> None:
    """The draws are worth something: many are accepted and many are refused, in each form."""
    total = sum((run(name, count) for name in ops.names()), Counter[str]())
    assert min(total["accepted"], total["refused"], total["declared"]) > 40 * count, json.dumps(total)
