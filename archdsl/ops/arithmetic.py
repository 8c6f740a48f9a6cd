"""Arithmetic of tensors: the operators of ``+ - * / **``, and the joins of several tensors.

Shapes broadcast as in ONNX and NumPy, axes aligned from the right; element types are never mixed. A number in an
equation becomes a ``constant`` of the other operand's element type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import ClassVar

from archdsl.diagnostics import Refusal
from archdsl.element_types import FLOATS, NUMBERS
from archdsl.ops.base import Ends, Op, Types, Work, arg
from archdsl.ops.estimates import EVERYTHING, Interval, Moments, hull, product_sign
from archdsl.ops.kinds import Number, Optional
from archdsl.ops.look import Window, pass_through
from archdsl.ops.operand_checks import need_dtype, same_dtype, times
from archdsl.shapes import TensorType, broadcast


class Broadcasting(Op):
    """Element by element on the inputs' common shape."""

    pointwise = True
    takes: ClassVar[frozenset[str]] = NUMBERS
    cost: ClassVar[Work] = Work()
    """The work of one element of the result; for joins: of every input after the first."""
    domain: ClassVar[tuple[float, float]] = (-4.0, 4.0)
    """Where examples are run: inside of it the function is defined and interesting."""

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        for type in ins:
            need_dtype(self.name, type, self.takes)
        return (TensorType(same_dtype(self.name, ins), broadcast([t.shape for t in ins])),)

    def work(self, ins: Types, outs: Types) -> Work:
        return times(self.cost, outs[0].elements)

    def window(self, ins: Types, outs: Types) -> Window:
        return pass_through(outs[0].rank)


class Join(Broadcasting):
    """A join of any number of tensors: a stage after a tuple, ``x -> add(y)``, or ``add(x, y)``."""

    arity = (1, None)
    role = "join"

    def work(self, ins: Types, outs: Types) -> Work:
        return times(self.cost, outs[0].elements * (len(ins) - 1))


def shifted(asked: Ends | None, entering: Sequence[Interval], sign: int) -> dict[int, Ends]:
    """What one term may be, where the others are known numbers and the sum is what is asked for."""
    known = [low if low == high and float(low).is_integer() else None for low, high in entering]
    open_ = [slot for slot, one in enumerate(known) if one is None]
    if asked is None or len(open_) != 1:
        return {}
    offset = sign * int(sum(one for one in known if one is not None))
    return {open_[0]: (asked[0] + offset, asked[1] + offset)}


class Add(Join):
    """The sum of all inputs; ``x + y``. One addition per element and input after the first."""

    name = "add"
    sources = "ONNX Add, Sum"
    infix = "+"
    accumulates = True
    cost = Work(add=1)
    examples = (
        "add : f32[2,3,4,4], f32[2,3,4,4] -> f32[2,3,4,4]",
        "add : f32[N,3,H,W], f32[N,3,1,1], f32[3,1,1] -> f32[N,3,H,W]",
        "add : i64[2,3], i64[3] -> i64[2,3]",
        "add : f32[2,3], f32[] -> f32[2,3]",
        "add : f32[2,3] -> f32[2,3]",
    )

    def integers(self, ins: Types, outs: Types, asked: Ends | None, entering: Sequence[Interval]) -> Mapping[int, Ends]:
        return shifted(asked, entering, -1)

    def range(self, entering: Sequence[Interval]) -> Interval:
        return sum(low for low, _ in entering), sum(high for _, high in entering)

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        return sum(mean for mean, _ in entering), sum(variance for _, variance in entering)


class Mul(Join):
    """The product of all inputs; ``x * y``. One multiplication per element and input after the first."""

    name = "mul"
    sources = "ONNX Mul"
    infix = "*"
    cost = Work(mul=1)
    examples = (
        "mul : f32[2,3,4,4], f32[2,3,1,1] -> f32[2,3,4,4]",
        "mul : f32[2,1,5], f32[4,1] -> f32[2,4,5]",
        "mul : f32[N,T,4], f32[], f32[4] -> f32[N,T,4]",
    )

    def range(self, entering: Sequence[Interval]) -> Interval:
        return product_sign(entering)

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        mean, second = 1.0, 1.0
        for one, variance in entering:
            mean *= one
            second *= one * one + variance
        return mean, max(second - mean * mean, 0.0)


class Max(Join):
    """The greatest of all inputs. One comparison per element and input after the first."""

    name = "max"
    sources = "ONNX Max"
    cost = Work(cmp=1)
    examples = (
        "max : f32[2,3,4], f32[2,3,4] -> f32[2,3,4]",
        "max : f32[N,3,H], f32[N,3,H], f32[3,1] -> f32[N,3,H]",
    )

    def range(self, entering: Sequence[Interval]) -> Interval:
        return max(low for low, _ in entering), max(high for _, high in entering)


class Min(Join):
    """The least of all inputs. One comparison per element and input after the first."""

    name = "min"
    sources = "ONNX Min"
    cost = Work(cmp=1)
    examples = (
        "min : f32[2,3,4], f32[2,3,4] -> f32[2,3,4]",
        "min : f32[N,3,H], f32[N,3,H], f32[3,1] -> f32[N,3,H]",
    )

    def range(self, entering: Sequence[Interval]) -> Interval:
        return min(low for low, _ in entering), min(high for _, high in entering)


class Average(Join):
    """The mean of all inputs: their sum, times one over their number (one multiplication per element)."""

    name = "average"
    sources = "ONNX Mean"
    takes = FLOATS
    examples = (
        "average : f32[2,3,4], f32[2,3,4] -> f32[2,3,4]",
        "average : f32[N,3,H], f32[N,3,H], f32[3,1] -> f32[N,3,H]",
    )

    def work(self, ins: Types, outs: Types) -> Work:
        elements = outs[0].elements
        return Work(add=elements * (len(ins) - 1), mul=elements if len(ins) > 1 else 0)

    def range(self, entering: Sequence[Interval]) -> Interval:
        return hull(entering)

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        count = len(entering)
        return sum(mean for mean, _ in entering) / count, sum(variance for _, variance in entering) / count**2


class Binary(Broadcasting):
    """An operator of exactly two tensors: ``x -> sub(y)`` is ``x - y``."""

    arity = (2, 2)


class Sub(Binary):
    """``x - y``. One addition per element."""

    name = "sub"
    sources = "ONNX Sub"
    role = "join"
    infix = "-"
    accumulates = True
    cost = Work(add=1)
    examples = (
        "sub : f32[2,3,4], f32[4] -> f32[2,3,4]",
        "sub : f32[], f32[2,3] -> f32[2,3]",
        "sub : f32[N,3], f32[N,3] -> f32[N,3]",
    )

    def integers(self, ins: Types, outs: Types, asked: Ends | None, entering: Sequence[Interval]) -> Mapping[int, Ends]:
        found = shifted(asked, entering, 1)
        return {0: found[0]} if 0 in found else {}

    def range(self, entering: Sequence[Interval]) -> Interval:
        (a, b), (c, d) = entering
        return a - d if -inf not in (a, -d) else -inf, b - c if inf not in (b, -c) else inf

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        (first, _), (second, _) = entering
        return first - second, sum(variance for _, variance in entering)


class Div(Binary):
    """``x / y`` of floats. One division per element."""

    name = "div"
    sources = "ONNX Div"
    role = "join"
    infix = "/"
    takes = FLOATS
    domain = (0.5, 4.0)
    cost = Work(special=1)
    examples = (
        "div : f32[2,3,4], f32[2,1,4] -> f32[2,3,4]",
        "div : f32[N,T,T], f32[] -> f32[N,T,T]",
    )

    def range(self, entering: Sequence[Interval]) -> Interval:
        return (0.0, inf) if entering[0][0] >= 0 and entering[1][0] > 0 else EVERYTHING


class Pow(Broadcasting):
    """``x ** exponent``, or ``x ** y`` with a second tensor instead of the number.

    A square is one multiplication per element, anything else one special function.
    """

    name = "pow"
    sources = "ONNX Pow"
    infix = "**"
    number = "exponent"
    arity = (1, 2)
    takes = FLOATS
    domain = (0.1, 4.0)
    examples = (
        "pow[2] : f32[2,3] -> f32[2,3]",
        "pow[-0.5] : f32[N,3,H] -> f32[N,3,H]",
        "pow : f32[2,3,4], f32[4] -> f32[2,3,4]",
    )

    exponent: float | None = arg(Optional(Number()), None, doc="the power, where no second tensor gives it")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        if (self.exponent is None) == (len(ins) == 1):
            raise Refusal("E0203", "`pow` needs either the argument `exponent` or a second tensor")
        return super().shape(*ins)

    def work(self, ins: Types, outs: Types) -> Work:
        return times(Work(mul=1) if self.exponent == 2 else Work(special=1), outs[0].elements)

    def range(self, entering: Sequence[Interval]) -> Interval:
        even = self.exponent is not None and self.exponent % 2 == 0
        return (0.0, inf) if even or entering[0][0] >= 0 else EVERYTHING
