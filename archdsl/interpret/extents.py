"""Sizes of lists. Nested lists share their parts, so a short text can describe more elements than can be visited."""

from __future__ import annotations

from typing import Any, NamedTuple

from archdsl.diagnostics import Refusal
from archdsl.interpret.values import Table
from archdsl.tape.limits import Bounds
from archdsl.tape.poison import POISON


class Extent(NamedTuple):
    """The number of elements of a value that are not lists, how deep they are, and whether one of them is poison."""

    leaves: int
    depth: int
    poisoned: bool


_ONE = Extent(1, 0, False)
_POISONED = Extent(1, 0, True)


class Lists:
    """The extents of lists, each measured once: lists are known by identity, and kept so that it stays their own."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._known: dict[int, tuple[Extent, tuple[Any, ...]]] = {}

    def extent(self, value: object) -> Extent:
        """The extent of a value; one leaf if it is not a list."""
        if type(value) is Table:
            value = value.rows
        if type(value) is str:
            return Extent(1 + len(value) // 8, 0, False)
        if type(value) is not tuple:
            return _POISONED if value is POISON else _ONE
        known = self._known.get(id(value))
        if known is None:
            known = self._known[id(value)] = self._measured(value), value
        return known[0]

    def made(self, items: tuple[Any, ...]) -> tuple[Any, ...]:
        """Account for a list that was made; refuse (E0503) one that holds too much: nested lists share their parts."""
        extent, limits = self.extent(items), self.bounds.limits
        if extent.leaves > limits.leaves:
            raise Refusal("E0503", f"nested lists of {extent.leaves:,} elements; at most {limits.leaves:,} are allowed")
        if extent.depth > limits.depth:
            raise Refusal("E0503", f"lists are nested more than {limits.depth} deep")
        return items

    def visit(self, value: object) -> None:
        """Account for work on every element of a value."""
        self.bounds.step(self.extent(value).leaves // 16)

    def _measured(self, items: tuple[Any, ...]) -> Extent:
        leaves, depth, poisoned = 1, 0, False
        for item in items:
            if type(item) is tuple or type(item) is Table or item is POISON:
                inner = self.extent(item)
                leaves += inner.leaves
                depth = max(depth, inner.depth)
                poisoned = poisoned or inner.poisoned
            else:
                leaves += 1
        return Extent(leaves, depth + 1, poisoned)
