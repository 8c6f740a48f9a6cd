"""Single elements: numbers, sizes with symbols, and quotients of such sizes, as scale factors need them."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from archdsl.dim_order import compare
from archdsl.dims import Dim, Expr, floordiv
from archdsl.record import Record


class UndecidedError(Exception):
    """What depends on the value of a symbol; ``items`` are the sizes."""

    def __init__(self, *items: Any) -> None:
        super().__init__()
        self.items = items


class UnknownError(Exception):
    """What cannot be computed here, and is left to run time."""


class Quotient(Record):
    """``above / below`` of a size with symbols and a number."""

    above: Expr
    below: int


Element = Any
"""A Python number, a size, or a quotient."""


def symbolic(item: Element) -> bool:
    """Whether it depends on a symbol."""
    return isinstance(item, Expr | Quotient)


def quotient(above: Dim, below: int) -> Element:
    """``above / below``, as simple as possible."""
    if below < 0:
        above, below = above * -1, -below
    if isinstance(above, int):
        return above / below
    shared = math.gcd(below, *above.terms.values())
    if shared > 1:
        above, below = floordiv(above, shared), below // shared
    return above if below == 1 or isinstance(above, int) else Quotient(above, below)


def split(item: Element) -> tuple[Dim, int]:
    """An element as a size above a number."""
    if isinstance(item, Quotient):
        return item.above, item.below
    if isinstance(item, float):
        if not math.isfinite(item):
            raise UnknownError
        ratio = Fraction(item).limit_denominator(1 << 20)
        if float(ratio) != item:
            raise UnknownError
        return ratio.numerator, ratio.denominator
    return (int(item), 1) if isinstance(item, bool | int) else (item, 1)


def add(a: Element, b: Element) -> Element:
    """The sum."""
    (x, over), (y, under) = split(a), split(b)
    return quotient(x * under + y * over, over * under)


def subtract(a: Element, b: Element) -> Element:
    """The difference."""
    return add(a, multiply(b, -1))


def multiply(a: Element, b: Element) -> Element:
    """The product."""
    (x, over), (y, under) = split(a), split(b)
    return quotient(x * y, over * under)


def divide_floats(a: Element, b: Element) -> Element:
    """The quotient of floats."""
    (x, over), (y, under) = split(a), split(b)
    above, below = x * under, y * over
    if isinstance(below, int):
        if not below:
            raise UnknownError
        return quotient(above, below)
    exact = floordiv(above, below)
    if exact * below == above:
        return exact
    raise UnknownError


def divide(a: Element, b: Element) -> Element:
    """The quotient of integers, towards zero."""
    if isinstance(a, int) and isinstance(b, int):
        if b == 0:
            raise UnknownError
        return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    above, below = sign(a), sign(b)
    if above is None or not below:
        raise UndecidedError(a, b)
    found = floordiv(a * (above or 1), b * below)
    return found * ((above or 1) * below)


def modulo(a: Element, b: Element) -> Element:
    """The remainder, with the sign of ``b``."""
    if isinstance(a, int) and isinstance(b, int):
        if b == 0:
            raise UnknownError
        return a % b
    return a - floordiv(a, b) * b


def sign(item: Element) -> int | None:
    """-1, 0 or 1: a size is at least 0. ``None`` where it depends on a symbol."""
    if not symbolic(item):
        return int(item > 0) - int(item < 0)
    above = item.above if isinstance(item, Quotient) else item
    found = compare(above, 0)
    if found is None and compare(above, -1) == 1:
        return 1
    return found


def order(a: Element, b: Element) -> int:
    """-1, 0 or 1; refuses (:class:`UndecidedError`) what depends on a symbol."""
    if not symbolic(a) and not symbolic(b):
        return int(a > b) - int(a < b)
    if a == b:
        return 0
    if any(isinstance(one, float) and not math.isfinite(one) for one in (a, b)):
        if math.inf in (b, -a if isinstance(a, float) else 0):
            return -1
        return 1
    (x, over), (y, under) = split(a), split(b)
    found = compare(x * under, y * over)
    if found is None:
        raise UndecidedError(a, b)
    return found


def equals(a: Element, b: Element) -> bool:
    """Whether two are equal."""
    return order(a, b) == 0


def floor(item: Element) -> Element:
    """The greatest integer below."""
    if isinstance(item, Quotient):
        return floordiv(item.above, item.below)
    return item if isinstance(item, Expr) else math.floor(item)


def ceil(item: Element) -> Element:
    """The least integer above."""
    if isinstance(item, Quotient):
        return floordiv(item.above + (item.below - 1), item.below)
    return item if isinstance(item, Expr) else math.ceil(item)


def truncate(item: Element) -> Element:
    """A float as an integer."""
    if isinstance(item, Quotient):
        return floor(item) if sign(item) in (0, 1) else _undecided(item)
    return item if isinstance(item, Expr) else int(item)


def _undecided(item: Element) -> Element:
    raise UndecidedError(item)


def larger(a: Element, b: Element) -> Element:
    """The larger of two."""
    return a if order(a, b) >= 0 else b


def smaller(a: Element, b: Element) -> Element:
    """The smaller of two."""
    return a if order(a, b) <= 0 else b


TWO: dict[str, Callable[[Element, Element], Element]] = {
    "Add": add, "Sub": subtract, "Mul": multiply, "Max": larger, "Min": smaller, "Sum": add, "Mod": modulo,
    "Equal": equals, "Less": lambda a, b: order(a, b) < 0, "LessOrEqual": lambda a, b: order(a, b) <= 0,
    "Greater": lambda a, b: order(a, b) > 0, "GreaterOrEqual": lambda a, b: order(a, b) >= 0,
}  # fmt: skip
"""Operators of two elements."""
