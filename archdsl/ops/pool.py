"""Pooling over sliding windows of [N, C, spatial…]: maximum, minimum, average, Lp norm; pooling with switches."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, prod

from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.element_types import FLOATS
from archdsl.ops.base import Empties, Op, Types, Work, arg
from archdsl.ops.estimates import Interval, Moments, greatest, hull, least
from archdsl.ops.kinds import Boolean, Integer, Like, Optional, Padding, PerAxis
from archdsl.ops.look import AxisWindow, Window, pass_through
from archdsl.ops.operand_checks import need_dtype
from archdsl.ops.windows import Pads, Windowed, explicit_pads, output_size, per_axis, spatial, unslid
from archdsl.shapes import TensorType, show_shape

_GLOBAL = {"max_pool": "global_max_pool", "lp_pool": "global_lp_pool"}


class Pooling(Windowed):
    """Base of the windowed poolings: shape and receptive field."""

    kernel: int | tuple[int, ...] = arg(PerAxis(1), doc="window size")
    stride: int | tuple[int, ...] | None = arg(Optional(PerAxis(1)), None, doc="step of the window; the kernel if none")
    pad: str | int | tuple[int, ...] = arg(Padding(), "valid", doc="padding rule, or numbers: begins, then ends")
    ceil: bool = arg(Boolean(), False, doc="round the output size up; the last window starts inside input or left pad")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        x = ins[0]
        need_dtype(self.name, x, FLOATS)
        kernel, stride, dilation = self.geometry(x)
        fixed = explicit_pads(self.pad, kernel, dilation)
        sizes: list[Dim] = []
        for i, (n, k, s, d) in enumerate(zip(x.shape[2:], kernel, stride, dilation)):
            pads = fixed[i] if fixed else None
            reach = d * (k - 1) + 1
            if pads and max(pads) >= reach:
                raise Refusal(
                    "E0205", f"`pad` must be below the window of {reach}, not {max(pads)}",
                    note="a window would see nothing but padding",
                )  # fmt: skip
            sizes.append(output_size(n, k, s, d, pads, ceil=self.ceil))
        return (x.with_shape([*x.shape[:2], *sizes]),)

    def misread(self, ins: Types) -> tuple[str, str] | None:
        kernel, stride, _ = self.geometry(ins[0])
        if {*kernel, *stride} != {1} or self.pad not in ("valid", "same", 0):
            return None
        return (
            f"`{self.name}({self.kernel})` does nothing: its first argument is the window, of one position",
            f"one value per channel is `{_GLOBAL.get(self.name, 'global_avg_pool')}`",
        )

    def taps(self, type: TensorType) -> int:
        """Elements of one window; those on padding count (the dense formula)."""
        return prod(self.geometry(type)[0])

    def window(self, ins: Types, outs: Types) -> Window:
        return (AxisWindow(0), AxisWindow(1), *self.slides(ins[0]))


class _Extremum(Pooling):
    """Maximum or minimum: ``taps - 1`` comparisons per output."""

    dilation: int | tuple[int, ...] = arg(PerAxis(1), 1, doc="distance between the taps of the window")

    def dilations(self, rank: int) -> tuple[int, ...]:
        return per_axis(self.dilation, rank, "`dilation`")

    def work(self, ins: Types, outs: Types) -> Work:
        return Work(cmp=outs[0].elements * (self.taps(ins[0]) - 1))

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0]

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        return greatest(entering[0], self.taps(ins[0]))


class MaxPool(_Extremum):
    """The maximum of every window; padding is minus infinity. ``kernel - 1`` comparisons per output and axis."""

    name = "max_pool"
    sources = "ONNX MaxPool"
    elsewhere = (
        "MaxPool1d",
        "MaxPool2d",
        "MaxPool3d",
        "maxpooling",
    )
    examples = (
        "max_pool[2] : f32[N,64,224,224] -> f32[N,64,112,112]",
        "max_pool[3, stride=2, pad=1] : f32[N,64,112,112] -> f32[N,64,56,56]",
        "max_pool[3, stride=2, ceil=true] : f32[2,3,14,15] -> f32[2,3,7,7]",
        "max_pool[3, stride=1, pad=same] : f32[2,3,7,9] -> f32[2,3,7,9]",
        "max_pool[2, stride=2, pad=same_upper] : f32[2,3,7,9] -> f32[2,3,4,5]",
        "max_pool[3, stride=2, pad=same_lower] : f32[2,3,8,9] -> f32[2,3,4,5]",
        "max_pool[[2, 3], stride=[2, 1], pad=[0, 1, 1, 1], dilation=[1, 2]] : f32[2,3,7,9] -> f32[2,3,4,7]",
        "max_pool[3, stride=2, pad=1, ceil=true] : f32[2,3,6] -> f32[2,3,4]",
        "max_pool[2] : f32[2,3,4,5,6] -> f32[2,3,2,2,3]",
        "max_pool[3, stride=2, pad=1] : f32[N,8,H,W] -> f32[N,8,(H + 1) // 2,(W + 1) // 2]",
        "max_pool[3, stride=2, ceil=true] : f32[N,8,H,W] -> f32[N,8,H // 2,W // 2]",
        "max_pool[1, stride=2, pad=same_upper] : f32[N,8,H,W] -> f32[N,8,(H + 1) // 2,(W + 1) // 2]",
    )


class MinPool(_Extremum):
    """The minimum of every window: ``-max_pool(-x)``; padding is plus infinity."""

    name = "min_pool"
    sources = "ONNX Neg, MaxPool, Neg"
    examples = (
        "min_pool[2] : f32[N,8,12,12] -> f32[N,8,6,6]",
        "min_pool[3, stride=2, pad=1, ceil=true] : f32[2,3,6,7] -> f32[2,3,4,4]",
        "min_pool[2, dilation=3] : f32[2,3,9] -> f32[2,3,3]",
    )

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        return least(entering[0], self.taps(ins[0]))


class AvgPool(Pooling):
    """The mean of every window: ``taps - 1`` additions and one multiplication per output.

    ``count_pad = true`` (PyTorch's and Caffe's default) divides by the window's positions on the input and its padding,
    ``false`` (TensorFlow's and ONNX's) by those on the input alone. What only ceil mode reaches, beyond the padding, is
    never counted.
    """

    name = "avg_pool"
    sources = "ONNX AveragePool"
    elsewhere = (
        "AvgPool1d",
        "AvgPool2d",
        "AvgPool3d",
        "average_pool",
    )
    examples = (
        "avg_pool[2] : f32[N,64,28,28] -> f32[N,64,14,14]",
        "avg_pool[5, stride=3] : f32[N,32,14,14] -> f32[N,32,4,4]",
        "avg_pool[3, stride=1, pad=1, count_pad=false] : f32[2,3,7,9] -> f32[2,3,7,9]",
        "avg_pool[3, stride=1, pad=same] : f32[2,3,7,9] -> f32[2,3,7,9]",
        "avg_pool[2, ceil=true] : f32[2,3,7,9] -> f32[2,3,4,5]",
        "avg_pool[3, stride=2, pad=1, ceil=true] : f32[2,3,6,8] -> f32[2,3,4,5]",
        "avg_pool[3, stride=2, pad=1, ceil=true, count_pad=false] : f32[2,3,6,8] -> f32[2,3,4,5]",
        "avg_pool[2, stride=2, pad=same_upper, count_pad=false] : f32[2,3,7,9] -> f32[2,3,4,5]",
        "avg_pool[[2, 3], stride=[1, 2], pad=[0, 1, 1, 0]] : f32[2,3,5,8] -> f32[2,3,5,4]",
        "avg_pool[3] : f32[2,3,10] -> f32[2,3,3]",
        "avg_pool[2] : f32[2,3,4,5,6] -> f32[2,3,2,2,3]",
        "avg_pool[2] : f32[N,8,H,W] -> f32[N,8,H // 2,W // 2]",
    )

    count_pad: bool = arg(Boolean(), True, doc="count the padding in the mean")

    def work(self, ins: Types, outs: Types) -> Work:
        elements = outs[0].elements
        return Work(add=elements * (self.taps(ins[0]) - 1), mul=elements)

    def range(self, entering: Sequence[Interval]) -> Interval:
        return hull((entering[0], (0.0, 0.0)))  # where padding counts


class LpPool(Pooling):
    """``(sum |x|^p)^(1/p)`` of every window, without a mean; padding is zero.

    Per output and tap: for p = 2 one multiplication, for p > 2 one power; then ``taps - 1`` additions and, but for
    p = 1, one root. The absolute value is free.
    """

    name = "lp_pool"
    sources = "ONNX LpPool; Sermanet et al., Convolutional neural networks applied to house numbers (2012)"
    limits = (0.0, inf)
    examples = (
        "lp_pool[2] : f32[N,8,12,12] -> f32[N,8,6,6]",
        "lp_pool[3, stride=2, pad=1, p=3] : f32[2,3,7,9] -> f32[2,3,4,5]",
        "lp_pool[2, stride=1, p=1] : f32[2,3,7] -> f32[2,3,6]",
        "lp_pool[2, ceil=true] : f32[2,3,7,9] -> f32[2,3,4,5]",
    )

    p: int = arg(Integer(1), 2, doc="exponent of the norm")

    def work(self, ins: Types, outs: Types) -> Work:
        return lp_work(self.p, outs[0].elements * self.taps(ins[0]), outs[0].elements)


def lp_work(p: int, terms: Dim, results: Dim) -> Work:
    """The work of ``results`` Lp norms over ``terms`` elements in all."""
    add = terms - results
    if p == 1:
        return Work(add=add)
    if p == 2:
        return Work(add=add, mul=terms, special=results)
    return Work(add=add, special=terms + results)


class MaxPoolIndices(_Extremum):
    """The maximum of every window, and where it was: the switches for ``max_unpool``.

    The second output (i64) holds positions in the whole input read in row-major order, [N, C, spatial…] flattened; the
    first of equal maxima wins. ``let y, at = x -> max_pool_indices(2)``.
    """

    name = "max_pool_indices"
    results = 2
    sources = "ONNX MaxPool, second output"
    examples = (
        "max_pool_indices[2] : f32[N,8,12,12] -> f32[N,8,6,6], i64[N,8,6,6]",
        "max_pool_indices[3, stride=2, pad=1] : f32[2,3,7,9] -> f32[2,3,4,5], i64[2,3,4,5]",
    )

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (y,) = super().shape(*ins)
        return (y, TensorType("i64", y.shape))

    def range(self, entering: Sequence[Interval]) -> Interval:
        return hull((entering[0], (0.0, inf)))  # the positions


class MaxUnpool(Op):
    """Every element at the place that ``max_pool_indices`` took it from; zeros elsewhere.

    Inputs are the values and the positions (i64, in the whole output flattened). The output has the shape of ``like``,
    or ``(size - 1) * stride - pads + kernel`` per axis.
    """

    name = "max_unpool"
    moves_data = True
    arity = (2, 2)
    sources = "ONNX MaxUnpool; Zeiler and Fergus, Visualizing and understanding convolutional networks (2013)"
    elsewhere = (
        "MaxUnpool1d",
        "MaxUnpool2d",
        "MaxUnpool3d",
    )
    examples = (
        "max_unpool[2] : f32[N,8,6,6], i64[N,8,6,6] -> f32[N,8,12,12]",
        "max_unpool[2, like=f32[2,3,7,9]] : f32[2,3,3,4], i64[2,3,3,4] -> f32[2,3,7,9]",
    )

    kernel: int | tuple[int, ...] = arg(PerAxis(1), doc="window size of the pooling")
    stride: int | tuple[int, ...] | None = arg(Optional(PerAxis(1)), None, doc="its step; the kernel if none")
    pad: str | int | tuple[int, ...] = arg(Padding(), "valid", doc="its padding")
    like: TensorType | None = arg(Like(), None, doc="the tensor that was pooled, for its shape")

    def unpooling(self, type: TensorType) -> tuple[tuple[int, ...], tuple[int, ...], Pads]:
        """Kernel, stride and padding with one entry per spatial axis."""
        rank = len(spatial(type, self.name))
        kernel = per_axis(self.kernel, rank, "`kernel`")
        stride = kernel if self.stride is None else per_axis(self.stride, rank, "`stride`")
        pads = explicit_pads(self.pad, kernel, (1,) * rank)
        if pads is None:
            raise Refusal(
                "E0205", f"`{self.name}` needs its padding as numbers, not `{self.pad}`",
                help="give the numbers: begins, then ends",
            )  # fmt: skip
        return kernel, stride, pads

    def empty_axes(self) -> Empties:
        return "none"

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        x, at = ins
        need_dtype(self.name, x, FLOATS)
        if at.dtype != "i64":
            raise Refusal("E0309", f"the positions of `{self.name}` must be i64, not {at}")
        if at.shape != x.shape:
            raise Refusal("E0303", f"values {show_shape(x.shape)} and positions {show_shape(at.shape)} differ in shape")
        kernel, stride, pads = self.unpooling(x)
        if self.like is None:
            sizes = [(n - 1) * s - sum(p) + k for n, k, s, p in zip(x.shape[2:], kernel, stride, pads)]
            return (x.with_shape([*x.shape[:2], *sizes]),)
        self._check_like(self.like, x)
        return (x.with_shape(self.like.shape),)

    def _check_like(self, like: TensorType, x: TensorType) -> None:
        pooled = MaxPool(kernel=self.kernel, stride=self.stride, pad=self.pad)
        ceiled = pooled.replace(ceil=True)
        if like.rank != x.rank or x.shape not in (pooled.shape(like)[0].shape, ceiled.shape(like)[0].shape):
            raise Refusal(
                "E0303", f"{x} cannot be the result of pooling `like`, which is {like}",
                help="`like` is the tensor that `max_pool_indices` was applied to, with the same kernel and stride",
            )  # fmt: skip

    def window(self, ins: Types, outs: Types) -> Window:
        kernel, stride, pads = self.unpooling(ins[0])
        reach = (unslid(i + 2, k, s, 1, one) for i, (k, s, one) in enumerate(zip(kernel, stride, pads)))
        return (*pass_through(2), *reach)

    def range(self, entering: Sequence[Interval]) -> Interval:
        return hull((entering[0], (0.0, 0.0)))
