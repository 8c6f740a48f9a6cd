"""The order of dimensions: which of two is larger, whatever the values of their symbols."""

from __future__ import annotations

from collections.abc import Callable

from archdsl.dims import Dim, Expr, Monomial


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


def greatest(dim: Dim) -> int | None:
    """What a dimension is at most; ``None`` where nothing bounds it."""
    return _bounds(dim)[1]


def equal(a: Dim, b: Dim) -> bool | None:
    """Whether two dimensions are equal for all values of the symbols; ``None`` where it depends."""
    if a == b:
        return True
    return False if compare(a, b) is not None else None


def stretches(size: Dim, to: Dim) -> bool | None:
    """Whether an axis is 1 or ``to`` positions long, as broadcasting needs it; ``None`` where it depends."""
    answers = (equal(size, to), equal(size, 1))
    return True if True in answers else None if None in answers else False


def _bounds(dim: Dim) -> tuple[int | None, int | None]:
    """A lower and an upper bound over all values of the symbols within their bounds; ``None`` where there is none."""
    if isinstance(dim, int):
        return dim, dim
    low, high = _by_term(dim)
    without = _without_floors(dim)
    if without is not None:
        smooth, (least, most) = without
        other_low, other_high = _bounds(smooth)
        low = _best(max, low, None if other_low is None else other_low + least)
        high = _best(min, high, None if other_high is None else other_high + most)
    return low, high


def _best(choose: Callable[[int, int], int], a: int | None, b: int | None) -> int | None:
    return a if b is None else b if a is None else choose(a, b)


def _without_floors(dim: Expr) -> tuple[Dim, tuple[int, int]] | None:
    """The dimension with each ``d * (n // d)`` taken for ``n``, and between what the difference lies: ``n % d``."""
    smooth: Dim = dim
    least = most = 0
    for monomial, factor in dim.terms.items():
        if len(monomial) != 1 or monomial[0][1] != 1 or isinstance(monomial[0][0], str):
            continue
        atom = monomial[0][0]
        if not isinstance(atom.divisor, int) or factor % atom.divisor:
            continue
        times = factor // atom.divisor
        smooth = smooth - Expr({monomial: factor}) + atom.numerator * times
        least, most = least - max(times, 0) * (atom.divisor - 1), most - min(times, 0) * (atom.divisor - 1)
    return None if smooth is dim else (smooth, (least, most))


def _by_term(dim: Expr) -> tuple[int | None, int | None]:
    """The bounds that follow from those of each term."""
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
            low: int | None = atom.least
            high: int | None = atom.most
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
