"""Reductions along axes, and other operators along an axis: positions of extremes, running sums.

A reduction drops its axes, as NumPy and PyTorch do; ``keep = true`` leaves them with size 1, so that the result
broadcasts against the input (spatial attention needs that).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import ClassVar, Self

from archdsl import dim_order
from archdsl.diagnostics import Refusal
from archdsl.dims import Dim, Symbol
from archdsl.element_types import FLOATS, NUMBERS
from archdsl.ops.base import Empties, Ends, Op, Types, Work, arg
from archdsl.ops.counted import Counted
from archdsl.ops.estimates import EVERYTHING, Interval, Moments, greatest, hull, least, same_sign, share
from archdsl.ops.kinds import Axis, Boolean, Dimension, ListOf, OneOf, Operand
from archdsl.ops.look import AxisWindow, Window
from archdsl.ops.operand_checks import need_dtype, resolve_axes, times, undecided
from archdsl.shapes import TensorType, resolve_axis

Axes = int | str | tuple[int | str, ...]


class Reduction(Op):
    """Along one axis or several."""

    takes: ClassVar[frozenset[str]] = NUMBERS
    combine: ClassVar[Work] = Work(cmp=1)
    """The work of taking one more element into a result: one less than the elements of each."""
    each: ClassVar[Work] = Work()
    """The work on every element of the input before that."""
    last: ClassVar[Work] = Work()
    """The work on every element of the result after that."""

    axis: Axes = arg(OneOf((Axis(), ListOf(Axis()))), doc="the axis, or a list of axes")
    keep: bool = arg(Boolean(), False, doc="leave the axes in place with size 1")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        need_dtype(self.name, x, self.takes)
        gone = resolve_axes(self.axis, x)
        return (x.with_shape(_drop(x.shape, gone, self.keep)),)

    def work(self, ins: Types, outs: Types) -> Work:
        inputs, results = ins[0].elements, outs[0].elements
        parts = times(self.combine, inputs - results), times(self.each, inputs), times(self.last, results)
        return Work(*(sum((getattr(p, c) for p in parts), 0) for c in ("mac", "add", "mul", "cmp", "special")))

    def window(self, ins: Types, outs: Types) -> Window:
        gone = resolve_axes(self.axis, ins[0])
        axes: list[AxisWindow | None] = []
        for i in range(ins[0].rank):
            if i not in gone:
                axes.append(AxisWindow(i))
            elif self.keep:
                axes.append(None)
        return tuple(axes)


def _drop(shape: tuple[Dim, ...], gone: tuple[int, ...], keep: bool) -> list[Dim]:
    return [1 if i in gone else size for i, size in enumerate(shape) if keep or i not in gone]


def _examples(name: str) -> tuple[str, ...]:
    return (
        f"{name}[axis=1] : f32[2,3,4] -> f32[2,4]",
        f"{name}[axis=c, keep=true] : f32[N,3,H,W] -> f32[N,1,H,W]",
        f"{name}[axis=[h, w]] : f32[2,3,4,5] -> f32[2,3]",
    )


class ReduceSum(Reduction):
    """The sum of n elements: n - 1 additions for each result."""

    name = "reduce_sum"
    sources = "ONNX ReduceSum"
    combine = Work(add=1)
    examples = (*_examples("reduce_sum"), "reduce_sum[-1] : i64[2,3] -> i64[2]")

    def range(self, entering: Sequence[Interval]) -> Interval:
        return same_sign(entering[0])


class ReduceMean(Reduction):
    """The mean of n elements: n - 1 additions and one multiplication for each result."""

    name = "reduce_mean"
    sources = "ONNX ReduceMean"
    takes = FLOATS
    combine = Work(add=1)
    last = Work(mul=1)
    examples = _examples("reduce_mean")

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0]


class ReduceMax(Reduction):
    """The greatest of n elements: n - 1 comparisons for each result."""

    name = "reduce_max"
    sources = "ONNX ReduceMax"
    examples = _examples("reduce_max")

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0]

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        return greatest(entering[0], share(ins[0].elements, outs[0].elements))


class ReduceMin(Reduction):
    """The least of n elements: n - 1 comparisons for each result."""

    name = "reduce_min"
    sources = "ONNX ReduceMin"
    examples = _examples("reduce_min")

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0]

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        return least(entering[0], share(ins[0].elements, outs[0].elements))


class ReduceProd(Reduction):
    """The product of n elements: n - 1 multiplications for each result."""

    name = "reduce_prod"
    sources = "ONNX ReduceProd"
    combine = Work(mul=1)
    examples = _examples("reduce_prod")

    def range(self, entering: Sequence[Interval]) -> Interval:
        return (0.0, inf) if entering[0][0] >= 0 else EVERYTHING


class ReduceL1(Reduction):
    """The sum of n absolute values: n - 1 additions for each result; the absolute value is free."""

    name = "reduce_l1"
    sources = "ONNX ReduceL1"
    limits = (0.0, inf)
    takes = FLOATS
    combine = Work(add=1)
    examples = _examples("reduce_l1")


class ReduceL2(Reduction):
    """The Euclidean norm of n elements: n multiplications, n - 1 additions and one root for each result."""

    name = "reduce_l2"
    sources = "ONNX ReduceL2"
    limits = (0.0, inf)
    takes = FLOATS
    combine = Work(add=1)
    each = Work(mul=1)
    last = Work(special=1)
    examples = _examples("reduce_l2")


class _Position(Reduction):
    """The position of an extreme along one axis, as ``i64``; the first of equals."""

    limits = (0.0, inf)

    axis: int | str = arg(Axis(), doc="the axis")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = super().shape(*ins)
        return (TensorType("i64", x.shape),)


class ArgMax(_Position):
    """The position of the greatest element, ``i64``; the first of equals. Counted as ``reduce_max``."""

    name = "argmax"
    sources = "ONNX ArgMax"
    examples = ("argmax[-1] : f32[2,5] -> i64[2]", "argmax[axis=c, keep=true] : f32[N,3,H,W] -> i64[N,1,H,W]")


class ArgMin(_Position):
    """The position of the least element, ``i64``; the first of equals. Counted as ``reduce_max``."""

    name = "argmin"
    sources = "ONNX ArgMin"
    examples = ("argmin[-1] : f32[2,5] -> i64[2]", "argmin[axis=c, keep=true] : f32[N,3,H,W] -> i64[N,1,H,W]")


class TopK(Counted):
    """The ``k`` greatest elements along ``axis``, greatest first, and their positions (``i64``): two outputs.

    With ``only``, one integer of the data, they are that many, and at most ``k``. Counted as ``k`` comparisons per
    element of the input (insertion into a list of ``k``).
    """

    name = "top_k"
    sources = "ONNX TopK"
    results = 2
    examples = (
        "top_k[2] : f32[2,5] -> f32[2,2], i64[2,2]",
        "top_k[3, axis=1] : f32[N,4,T] -> f32[N,3,T], i64[N,3,T]",
        "top_k[4, only=1] : f32[2,5], i64[] -> f32[2,K], i64[2,K]",
    )

    k: Dim = arg(Dimension(1), doc="how many; with `only`, how many at most")
    axis: int | str = arg(Axis(), -1, doc="the axis")
    only: int | None = arg(Operand(), None, doc="how many of them, i64[] or i64[1]")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        x = ins[0]
        need_dtype(self.name, x, NUMBERS)
        axis = resolve_axis(self.axis, x)
        for number in ins[1:]:
            if number.dtype != "i64" or number.shape not in ((), (1,)):
                raise Refusal("E0309", f"`only` of `{self.name}` must be one integer, i64[] or i64[1], not {number}")
        enough = dim_order.at_least(x.shape[axis], self.k)
        if enough is None:
            raise undecided(
                f"whether axis {axis} of {x} has {self.k} elements", (x.shape[axis],), (x.shape[axis], self.k)
            )
        if not enough:
            raise Refusal("E0205", f"`k` of `top_k` is {self.k}, but axis {axis} of {x} has {x.shape[axis]} elements")
        sizes = [self.count if i == axis else size for i, size in enumerate(x.shape)]
        return x.with_shape(sizes), TensorType("i64", tuple(sizes))

    @property
    def count(self) -> Dim:
        return self.k if self.only is None else super().count

    @property
    def symbol(self) -> Symbol | None:
        return None if self.only is None else super().symbol

    def named(self, path: str, ins: Types) -> Self:
        return self if self.only is None else super().named(path, ins)

    def limit(self, *ins: TensorType) -> Dim:
        return self.k

    def integers(self, ins: Types, outs: Types, asked: Ends | None, entering: Sequence[Interval]) -> Mapping[int, Ends]:
        return {1: (0, self.k)} if len(ins) > 1 else {}

    def work(self, ins: Types, outs: Types) -> Work:
        return Work(cmp=ins[0].elements * self.count)

    def window(self, ins: Types, outs: Types) -> Window:
        return _all_but(resolve_axis(self.axis, ins[0]), ins[0].rank)

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        return (None,) * ins[0].rank if source else self.window(ins, outs)

    def range(self, entering: Sequence[Interval]) -> Interval:
        return hull((entering[0], (0.0, inf)))  # the positions


class CumSum(Op):
    """The running sum along ``axis``, each element included. One addition per element."""

    name = "cumsum"
    sources = "ONNX CumSum"
    examples = ("cumsum[1] : f32[2,5] -> f32[2,5]", "cumsum[axis=t] : f32[N,T,3] -> f32[N,T,3]")

    axis: int | str = arg(Axis(), doc="the axis")

    def empty_axes(self) -> Empties:
        return "all"

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        need_dtype(self.name, x, NUMBERS)
        resolve_axis(self.axis, x)
        return (x,)

    def work(self, ins: Types, outs: Types) -> Work:
        return Work(add=outs[0].elements)

    def window(self, ins: Types, outs: Types) -> Window:
        summed = resolve_axis(self.axis, ins[0])
        return tuple(AxisWindow(i, whole=i == summed) for i in range(ins[0].rank))

    def range(self, entering: Sequence[Interval]) -> Interval:
        return same_sign(entering[0])


def _all_but(whole: int, rank: int) -> Window:
    return tuple(None if i == whole else AxisWindow(i) for i in range(rank))
