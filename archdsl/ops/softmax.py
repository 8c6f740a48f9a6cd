"""Softmax: activations that look along a whole axis."""

from __future__ import annotations

from math import inf

from archdsl import dims
from archdsl.element_types import FLOATS
from archdsl.ops.base import Empties, Op, Types, Work, arg
from archdsl.ops.kinds import Axis
from archdsl.ops.look import AxisWindow, Window
from archdsl.ops.operand_checks import need_dtype, times
from archdsl.shapes import TensorType, resolve_axis


class _Softmax(Op):
    """Along one axis."""

    sources = "ONNX Softmax, LogSoftmax"
    role = "activation"

    axis: int | str = arg(Axis(), -1, doc="the axis that is normalised")

    def empty_axes(self) -> Empties:
        return "all"

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        need_dtype(self.name, x, FLOATS)
        resolve_axis(self.axis, x)
        return (x,)

    def window(self, ins: Types, outs: Types) -> Window:
        whole = resolve_axis(self.axis, ins[0])
        return tuple(AxisWindow(i, whole=i == whole) for i in range(ins[0].rank))


class Softmax(_Softmax):
    """``exp(x - max(x)) / sum(exp(x - max(x)))`` along ``axis``, by default the last.

    Per element one comparison, two additions, one exponential and one division.
    """

    name = "softmax"
    limits = (0.0, 1.0)
    examples = (
        "softmax : f32[2,5] -> f32[2,5]",
        "softmax[axis=1] : f32[2,3,4,4] -> f32[2,3,4,4]",
        "softmax : f32[N,T,T] -> f32[N,T,T]",
    )

    def work(self, ins: Types, outs: Types) -> Work:
        return times(Work(add=2, cmp=1, special=2), outs[0].elements)


class LogSoftmax(_Softmax):
    """``x - max(x) - log(sum(exp(x - max(x))))`` along ``axis``, by default the last.

    Per element one comparison, three additions and one exponential, and one logarithm for each sum.
    """

    name = "log_softmax"
    limits = (-inf, 0.0)
    examples = (
        "log_softmax : f32[2,5] -> f32[2,5]",
        "log_softmax[axis=1] : f32[2,3,4] -> f32[2,3,4]",
        "log_softmax : f32[N,T] -> f32[N,T]",
    )

    def work(self, ins: Types, outs: Types) -> Work:
        axis = resolve_axis(self.axis, ins[0])
        sums = dims.product(size for i, size in enumerate(ins[0].shape) if i != axis)
        per_element = times(Work(add=3, cmp=1, special=1), outs[0].elements)
        return per_element.replace(special=per_element.special + sums)
