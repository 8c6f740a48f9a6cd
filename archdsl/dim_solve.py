"""Symbols from sizes: what ``H`` is where an axis that is declared as ``16 * H`` has 224 positions.

A symbol is bound by an axis in which it is the only one that is not known yet, to the first power and outside of any
division: ``H``, ``16 * H``, ``H + 4``, and ``H * W`` where another axis binds ``W``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from archdsl import dims
from archdsl.dims import Dim

Pair = tuple[Dim, Dim]
"""A declared dimension, and the size that it has."""


class UnequalError(Exception):
    """A declared dimension that cannot have its size, and what was known of its symbols."""

    def __init__(self, declared: Dim, actual: Dim, known: Mapping[str, Dim]) -> None:
        super().__init__(f"{actual} is not {declared}")
        self.declared = declared
        self.actual = actual
        self.known = {name: known[name] for name in sorted(dims.symbols(declared)) if name in known}


def solve(pairs: Iterable[Pair], known: Mapping[str, Dim] | None = None) -> dict[str, Dim]:
    """The values of all symbols that the pairs bind, those in ``known`` included; raises :class:`UnequalError`."""
    found = dict(known or {})
    waiting = list(pairs)
    while waiting:
        left: list[Pair] = []
        for declared, actual in waiting:
            here = dims.evaluate(declared, found)
            name = bindable(here, found)
            if name is not None:
                factor, rest = _linear(here, name)
                value = dims.floordiv(actual - rest, factor) if factor != 0 else 0
                if value * factor + rest != actual or (isinstance(value, int) and value < 1):
                    raise UnequalError(declared, actual, found)
                found[name] = value
            elif dims.symbols(declared) <= found.keys():
                if here != actual:
                    raise UnequalError(declared, actual, found)
            else:
                left.append((declared, actual))
        if len(left) == len(waiting):
            return found
        waiting = left
    return found


def bindable(dim: Dim, known: Iterable[str] = ()) -> str | None:
    """The symbol that an axis of this size binds, if there is exactly one that is not known, and it does."""
    if isinstance(dim, int):
        return None
    open_ = dims.symbols(dim) - set(known)
    if len(open_) != 1:
        return None
    (name,) = open_
    for monomial in dim.terms:
        for atom, power in monomial:
            if atom == name and power != 1:
                return None
            if not isinstance(atom, str) and name in dims.symbols(dims.Expr({((atom, 1),): 1})):
                return None
    return name


class Reading(NamedTuple):
    """Where a symbol can be read: ``(size of the axis of the tensor - rest) // factor``."""

    tensor: int
    axis: int
    factor: Dim
    rest: Dim


def readings(shapes: Iterable[Sequence[Dim]]) -> dict[str, Reading]:
    """Where each symbol can be read, in an order in which they can be; where an axis is the symbol, there."""
    axes = [
        (i, axis, dim) for i, shape in enumerate(shapes) for axis, dim in enumerate(shape) if not isinstance(dim, int)
    ]
    found: dict[str, Reading] = {}
    for tensor, axis, dim in axes:
        name = str(dim)
        if name in dims.symbols(dim):
            found.setdefault(name, Reading(tensor, axis, 1, 0))
    progress = True
    while progress:
        progress = False
        for tensor, axis, dim in axes:
            bound = bindable(dim, found)
            if bound is not None:
                found[bound] = Reading(tensor, axis, *_linear(dim, bound))
                progress = True
    return found


def unbound(dimensions: Sequence[Dim]) -> dict[str, Dim]:
    """Symbols that no axis of these dimensions binds, each with a dimension that has it."""
    found = readings([dimensions])
    return {name: dim for dim in dimensions for name in dims.symbols(dim) if name not in found}


def _linear(dim: Dim, name: str) -> tuple[Dim, Dim]:
    """Factor and rest of a dimension that is linear in the symbol."""
    rest = dims.evaluate(dim, {name: 0})
    return dims.evaluate(dim, {name: 1}) - rest, rest
