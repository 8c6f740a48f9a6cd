"""Symbols from sizes: what ``H`` is where an axis that is declared as ``16 * H`` has 224 positions.

A symbol is bound by an axis in which it is the only one that is not known yet, to the first power and outside of any
division: ``H``, ``16 * H``, ``H + 4``, and ``H * W`` where another axis binds ``W``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from archdsl import dims
from archdsl.diagnostics import Refusal
from archdsl.dims import Dim, Symbol
from archdsl.size_symbol import Ends

Pair = tuple[Dim, Dim]
"""A declared dimension, and the size that it has."""


class UnequalError(Exception):
    """A declared dimension that cannot have its size, and what was known of its symbols."""

    def __init__(self, declared: Dim, actual: Dim, known: Mapping[str, Dim]) -> None:
        super().__init__(f"{actual} is not {declared}")
        self.declared = declared
        self.actual = actual
        self.known = {name: known[name] for name in sorted(dims.symbols(declared)) if name in known}

    @property
    def note(self) -> str:
        """What makes the size impossible: what is known of the symbols, and their bounds."""
        where = " and ".join(f"{name} = {value}" for name, value in self.known.items())
        limits = ", ".join(name.bounds for name in sorted(dims.limits(self.declared)) if name.bounded)
        return ", ".join(filter(None, (f"where {where}" if where else "", limits)))


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
                factor, rest = linear(here, name)
                value = dims.floordiv(actual - rest, factor) if factor != 0 else -1
                if value * factor + rest != actual or (isinstance(value, int) and not name.allows(value)):
                    raise UnequalError(declared, actual, found)
                found[name.plain] = value
            elif dims.symbols(declared) <= found.keys():
                if here != actual:
                    raise UnequalError(declared, actual, found)
            else:
                left.append((declared, actual))
        if len(left) == len(waiting):
            return found
        waiting = left
    return found


def bindable(dim: Dim, known: Iterable[str] = ()) -> Symbol | None:
    """The symbol that an axis of this size binds, if there is exactly one that is not known, and it does."""
    if isinstance(dim, int):
        return None
    there = set(known)
    open_ = [name for name in dims.limits(dim) if name.plain not in there]
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
                found[bound.plain] = Reading(tensor, axis, *linear(dim, bound))
                progress = True
    return found


def unbound(dimensions: Sequence[Dim]) -> dict[str, Dim]:
    """Symbols that no axis of these dimensions binds, each with a dimension that has it."""
    found = readings([dimensions])
    return {name: dim for dim in dimensions for name in dims.symbols(dim) if name not in found}


def linear(dim: Dim, name: str) -> tuple[Dim, Dim]:
    """Factor and rest of a dimension that is linear in the symbol."""
    rest = dims.evaluate(dim, {name: 0})
    return dims.evaluate(dim, {name: 1}) - rest, rest


def bound_for(a: Dim, b: Dim) -> str:
    """The bound of a symbol, as a spec declares it, with which ``a >= b``; empty where no bound of one symbol does."""
    difference = a - b
    name = bindable(difference)
    if name is None:
        return ""
    factor, rest = linear(difference, name)
    if not isinstance(factor, int) or not isinstance(rest, int):
        return ""
    return f"{name} >= {-(rest // factor)}" if factor > 0 else f"{name} <= {rest // -factor}"


def limited_symbol(name: Symbol, dim: Dim, ends: Ends) -> Symbol:
    """The symbol between the bounds that let a dimension, which is linear in it, lie between ``ends``; refuses (E0205)
    what lets it be nothing.
    """
    factor, rest = linear(dim, name)
    if not isinstance(factor, int) or not isinstance(rest, int):
        raise Refusal("E0205", f"a bound is on a dimension of one symbol, not on {dim}")
    low, high = ends
    if factor < 0:
        factor, rest, low, high = -factor, -rest, None if high is None else -high, None if low is None else -low
    least = 1 if low is None else max(-((rest - low) // factor), 0)
    most = None if high is None else (high - rest) // factor
    if most is not None and most < least:
        raise Refusal("E0205", f"no `{name}` makes {dim} as the bounds allow".replace("'", ""))
    return Symbol.of(str(name), least, most)
