"""Sizes that symbols are bound to, held against what the symbols allow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archdsl.diagnostics import Refusal, did_you_mean
from archdsl.size_symbol import Symbol
from archdsl.source import shortened

MAX_SIZE = 10**18


def check_sizes(bound: Mapping[str, int]) -> None:
    """Refuse (E0007) a value that is not a size."""
    for name, size in bound.items():
        if type(size) is not int or not 0 <= size < MAX_SIZE:
            raise not_allowed(Symbol.of(name), size)


def check_known(bound: Mapping[str, int], symbols: Iterable[Symbol]) -> None:
    """Refuse (E0007) to bind a name that is not a symbol of an input."""
    known = sorted(symbols)
    for name in bound:
        if name not in known:
            help = did_you_mean(name, known, f"the symbols are {', '.join(known) or 'none'}")
            raise Refusal("E0007", f"no input has the symbol `{name}`", help=help)


def check_bound(bound: Mapping[str, int], symbols: Iterable[Symbol]) -> None:
    """Refuse (E0007) to bind a name that is not a symbol of an input, or to a value that it does not allow."""
    known = set(symbols)
    check_sizes(bound)
    check_known(bound, known)
    for symbol in sorted(known):
        if symbol in bound and not symbol.allows(bound[symbol]):
            raise not_allowed(symbol, bound[symbol])


def not_allowed(symbol: Symbol, size: object) -> Refusal:
    """The refusal (E0007) of a size that a symbol cannot have."""
    shown = shortened(repr(size), 40)
    reason = f"it is declared as `{symbol.bounds}`" if symbol.bounded else "a dimension is a positive integer"
    return Refusal("E0007", f"`{symbol}` cannot be {shown}: {reason}")
