"""Elementary functions of tensors: signs, roundings, roots, exponentials.

Names shared with numbers (``abs``, ``sqrt``, ``floor`` …) are told apart by what they are given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, cos, erf, exp, floor, inf, isfinite, log, sin, sqrt, trunc

from archdsl.diagnostics import Refusal
from archdsl.element_types import INTEGERS, NUMBERS, SIGNED
from archdsl.ops.base import Ends, Types, Work, arg
from archdsl.ops.estimates import EVERYTHING, Interval
from archdsl.ops.kinds import DType, Number, Optional
from archdsl.ops.pointwise import Pointwise
from archdsl.shapes import TensorType


class Neg(Pointwise):
    """``-x``. A sign costs nothing."""

    name = "neg"
    cost = Work()
    sources = "ONNX Neg"
    prefix = "-"
    takes = SIGNED

    def function(self, x: float) -> float:
        return -x

    def range(self, entering: Sequence[Interval]) -> Interval:
        low, high = entering[0]
        return -high, -low


class Abs(Pointwise):
    """The absolute value. A sign costs nothing."""

    name = "abs"
    cost = Work()
    sources = "ONNX Abs"
    limits = (0.0, inf)
    takes = NUMBERS

    def function(self, x: float) -> float:
        return abs(x)


class Sign(Pointwise):
    """-1, 0 or 1. Two comparisons per element."""

    name = "sign"
    sources = "ONNX Sign"
    limits = (-1.0, 1.0)
    rises = True
    takes = SIGNED
    cost = Work(cmp=2)

    def function(self, x: float) -> float:
        return float((x > 0) - (x < 0))


class Exp(Pointwise):
    """``e**x``. One special function per element."""

    name = "exp"
    sources = "ONNX Exp"
    limits = (0.0, inf)
    rises = True
    cost = Work(special=1)

    def function(self, x: float) -> float:
        return exp(x)


class Log(Pointwise):
    """The natural logarithm. One special function per element."""

    name = "log"
    sources = "ONNX Log"
    rises = True
    domain = (0.1, 9.0)
    cost = Work(special=1)

    def function(self, x: float) -> float:
        return log(x)


class Sqrt(Pointwise):
    """The square root. One special function per element."""

    name = "sqrt"
    sources = "ONNX Sqrt"
    limits = (0.0, inf)
    rises = True
    domain = (0.0, 9.0)
    cost = Work(special=1)

    def function(self, x: float) -> float:
        return sqrt(x)


class Reciprocal(Pointwise):
    """``1 / x``. One division per element."""

    name = "reciprocal"
    sources = "ONNX Reciprocal"
    domain = (0.1, 4.0)
    cost = Work(special=1)

    def function(self, x: float) -> float:
        return 1 / x

    def range(self, entering: Sequence[Interval]) -> Interval:
        low, high = entering[0]
        return (1 / high, 1 / low) if low > 0 or high < 0 else EVERYTHING


class Erf(Pointwise):
    """The Gaussian error function. One special function per element."""

    name = "erf"
    sources = "ONNX Erf"
    limits = (-1.0, 1.0)
    rises = True
    cost = Work(special=1)

    def function(self, x: float) -> float:
        return erf(x)


class Sin(Pointwise):
    """The sine. One special function per element."""

    name = "sin"
    sources = "ONNX Sin"
    limits = (-1.0, 1.0)
    cost = Work(special=1)

    def function(self, x: float) -> float:
        return sin(x)


class Cos(Pointwise):
    """The cosine. One special function per element."""

    name = "cos"
    sources = "ONNX Cos"
    limits = (-1.0, 1.0)
    cost = Work(special=1)

    def function(self, x: float) -> float:
        return cos(x)


class Floor(Pointwise):
    """The greatest integer not above ``x``. Counted as one comparison per element."""

    name = "floor"
    sources = "ONNX Floor"
    rises = True
    cost = Work(cmp=1)

    def function(self, x: float) -> float:
        return float(floor(x)) if isfinite(x) else x


class Ceil(Pointwise):
    """The least integer not below ``x``. Counted as one comparison per element."""

    name = "ceil"
    sources = "ONNX Ceil"
    rises = True
    cost = Work(cmp=1)

    def function(self, x: float) -> float:
        return float(ceil(x)) if isfinite(x) else x


class Round(Pointwise):
    """The nearest integer, halves to the even one. Counted as one comparison per element.

    (Numbers are rounded by `round_half_even` and `round_half_up` while compiling.)
    """

    name = "round"
    sources = "ONNX Round"
    rises = True
    cost = Work(cmp=1)

    def function(self, x: float) -> float:
        return float(round(x)) if isfinite(x) else x


class Clip(Pointwise):
    """``min(max(x, low), high)``; either bound may be left out. One comparison per bound and element."""

    name = "clip"
    sources = "ONNX Clip"
    elsewhere = ("clamp",)
    rises = True
    examples = (
        "clip[-1, 1] : f32[2,3,4] -> f32[2,3,4]",
        "clip[low=0] : f32[N,3] -> f32[N,3]",
        "clip[high=0.5] : f32[2,3] -> f32[2,3]",
    )

    low: float | None = arg(Optional(Number()), None, doc="least value")
    high: float | None = arg(Optional(Number()), None, doc="greatest value")

    def validate(self) -> None:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise Refusal("E0205", f"`low` of `clip` must not exceed `high`, but {self.low:g} > {self.high:g}")

    def misread(self, ins: Types) -> tuple[str, str] | None:
        if self.high is not None or self.low is None or self.low < 1:
            return None
        low = f"{self.low:g}"
        help = f"for an upper bound, write `clip(high = {low})`; for the lower one, `max(x, constant({low}))`"
        return f"`clip({low})` gives the lower bound alone: what is below {low} becomes {low}", help

    def work(self, ins: Types, outs: Types) -> Work:
        bounds = (self.low is not None) + (self.high is not None)
        return Work(cmp=outs[0].elements * bounds)

    def function(self, x: float) -> float:
        above = x if self.low is None else max(x, self.low)
        return above if self.high is None else min(above, self.high)


class Cast(Pointwise):
    """The same values with another element type; floats are cut towards zero when they become integers."""

    name = "cast"
    cost = Work()
    sources = "ONNX Cast"
    rises = True
    examples = ("cast[f32] : i64[2,3] -> f32[2,3]", "cast[i64] : f32[N,3] -> i64[N,3]")

    dtype: str = arg(DType(), doc="the new element type")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        return (TensorType(self.dtype, x.shape),)

    def integers(self, ins: Types, outs: Types, asked: Ends | None, entering: Sequence[Interval]) -> Mapping[int, Ends]:
        return {} if asked is None else {0: asked}

    def function(self, x: float) -> float:
        if self.dtype == "bool":
            return float(x != 0)
        return float(trunc(x)) if self.dtype in INTEGERS and isfinite(x) else x
