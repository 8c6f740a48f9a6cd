"""Symbols from sizes: what ``H`` is where an axis that is declared as ``16 * H`` has 224 positions.

A symbol is bound by an axis in which it is the only one that is not known yet, to the first power and outside of any
division: ``H``, ``16 * H``, ``H + 4``, and ``H * W`` where another axis binds ``W``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

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


def unbound(shapes: Iterable[Sequence[Dim]]) -> dict[str, Dim]:
    """Symbols that no axis binds, each with a dimension that has it."""
    waiting = [dim for shape in shapes for dim in shape if not isinstance(dim, int)]
    known: set[str] = set()
    progress = True
    while progress:
        found = {name for dim in waiting if (name := bindable(dim, known)) is not None}
        progress = not found <= known
        known |= found
    return {name: dim for dim in waiting for name in dims.symbols(dim) if name not in known}


def _linear(dim: Dim, name: str) -> tuple[Dim, Dim]:
    """Factor and rest of a dimension that is linear in the symbol."""
    rest = dims.evaluate(dim, {name: 0})
    return dims.evaluate(dim, {name: 1}) - rest, rest
