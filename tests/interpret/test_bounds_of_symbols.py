"""Symbols with bounds: what is decided by them holds at both ends, and what may be empty is what is said of nothing."""

from __future__ import annotations

import random
from collections import Counter
from functools import cache

import pytest
from op_examples import examples_of
from sized_networks import BOUNDS, Sized, drawn

from archdsl import ops
from tests.interpret.test_symbolic_against_bound import later, outcome

pytestmark = pytest.mark.slow

OPEN = {"E0306", "E0307"}
"""What a symbol, bounded or not, may leave open."""


def at_ends(network: Sized, text: str, counts: Counter[str]) -> None:
    """The network with bounds, bound to each end, is what numbers in the places of the symbols are."""
    for end in (0, 1):
        sizes = {name: BOUNDS["bounded"](size)[end] for name, size in network.sizes.items()}
        if any(size is None for size in sizes.values()):
            continue
        there = network._replace(sizes={name: int(size or 0) for name, size in sizes.items()})
        fixed, _ = outcome(there.text("fixed"))
        bound, _ = outcome(text, there.sizes)
        assert bound == fixed, f"at {there.sizes}\n{text}"
        counts["ends"] += 1


def check(network: Sized, counts: Counter[str]) -> None:
    fixed, _ = outcome(network.text("fixed"))
    without, _ = outcome(network.text("declared"))
    for form in ("bounded", "exact"):
        text = network.text(form)
        told, graph = outcome(text)
        open_ = isinstance(told, set) and ({code for code, _ in told} <= OPEN or told == without)
        refused = isinstance(told, set) and isinstance(
            fixed, set
        )  # within the bounds no size may do, for a reason of its own
        assert open_ or refused or told == fixed, f"{form}: {network.sizes}\n{text}"
        counts[f"{form} open" if open_ else form] += 1
        if form == "bounded":
            at_ends(network, text, counts)
        if graph is not None:
            assert later(graph, network.sizes) == fixed, f"{form}, bound later: {network.sizes}\n{text}"
    nothing(network, fixed, counts)


def nothing(network: Sized, fixed: object, counts: Counter[str]) -> None:
    """Where sizes may be 0, other sizes give what they give elsewhere, and 0 the same in each way to say it."""
    text = network.text("empty")
    told, graph = outcome(text)
    if isinstance(told, set):
        counts["empty refused"] += 1
        return
    assert told == fixed, f"{network.sizes}\n{text}"
    assert graph is not None
    for name in network.sizes:
        sizes = {**network.sizes, name: 0}
        bound, _ = outcome(text, sizes)
        assert _plain(later(graph, sizes)) == _plain(bound), f"{name} = 0\n{text}"
        counts["empty"] += 1


def _plain(told: object) -> object:
    """What is told without places: of a size that is not allowed, only a text has one."""
    return {code for code, _ in told} if isinstance(told, set) else told


@cache
def run(name: str, count: int) -> Counter[str]:
    """What became of that many networks of each example; the tests of this file share it."""
    counts: Counter[str] = Counter()
    draw = random.Random(f"bounds of {name}")
    for example in examples_of(name):
        for _ in range(count):
            check(drawn(example, draw), counts)
    return counts


COUNTS = [2, pytest.param(8, marks=pytest.mark.nightly)]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("name", ops.names())
def test_bounds_decide_what_holds_within_them(name: str, count: int) -> None:
    run(name, count)


@pytest.mark.parametrize("count", COUNTS)
def test_each_way_is_met_often(count: int) -> None:
    total = sum((run(name, count) for name in ops.names()), Counter[str]())
    assert min(total[one] for one in ("bounded", "exact", "ends", "empty", "empty refused")) > 75 * count, total
