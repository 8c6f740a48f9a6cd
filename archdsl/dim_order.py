"""The order of dimensions: which of two is larger, whatever the values of their symbols."""

from __future__ import annotations

from archdsl.dims import Dim, Monomial


def compare(a: Dim, b: Dim) -> int | None:
    """-1, 0 or 1 where ``a`` is always below, equal to or above ``b``; ``None`` where that depends on a symbol."""
    difference = a - b
    if isinstance(difference, int):
        return (difference > 0) - (difference < 0)
    low, high = _bounds(difference)
    if low is not None and low > 0:
        return 1
    if high is not None and high < 0:
        return -1
    return None


def at_least(a: Dim, b: Dim) -> bool | None:
    """Whether ``a >= b`` for all values of the symbols; ``None`` where it depends."""
    difference = a - b
    if isinstance(difference, int):
        return difference >= 0
    low, high = _bounds(difference)
    if low is not None and low >= 0:
        return True
    if high is not None and high < 0:
        return False
    return None


def equal(a: Dim, b: Dim) -> bool | None:
    """Whether two dimensions are equal for all values of the symbols; ``None`` where it depends."""
    if a == b:
        return True
    return False if compare(a, b) is not None else None


def _bounds(dim: Dim) -> tuple[int | None, int | None]:
    """A lower and an upper bound over all positive values of the symbols; ``None`` where there is none."""
    if isinstance(dim, int):
        return dim, dim
    low: int | None = 0
    high: int | None = 0
    for monomial, factor in dim.terms.items():
        least, most = _monomial_bounds(monomial)
        if factor < 0:
            least, most = most, least
        low = None if low is None or least is None else low + factor * least
        high = None if high is None or most is None else high + factor * most
    return low, high


def _monomial_bounds(monomial: Monomial) -> tuple[int | None, int | None]:
    least: int | None = 1
    most: int | None = 1
    for atom, power in monomial:
        if isinstance(atom, str):
            low: int | None = 1
            high: int | None = None
        else:
            low, high = _bounds(atom.numerator)
            divisor = atom.divisor if isinstance(atom.divisor, int) else None
            low = low // divisor if low is not None and divisor else (0 if low is not None and low >= 0 else None)
            high = high // divisor if high is not None and divisor else None
        if low is None or low < 0:
            return None, None
        least = None if least is None else least * low**power
        most = None if most is None or high is None else most * high**power
    return least, most
