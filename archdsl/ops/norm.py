"""Normalisation: batch, layer, group, instance, root mean square, local response, unit length.

Work is counted in the inference form; what the norms that take their statistics from the data count is in
:mod:`archdsl.ops.norm_parts`.
"""

from __future__ import annotations

from collections.abc import Sequence

from archdsl import dims
from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.element_types import FLOATS
from archdsl.ops.base import ONES, ZEROS, Op, Types, Weight, Work, arg
from archdsl.ops.estimates import EVERYTHING, Interval, hull
from archdsl.ops.kinds import Axis, Boolean, Integer, ListOf, Number, OneOf
from archdsl.ops.look import AxisWindow, Window, pass_through
from archdsl.ops.norm_parts import Norm, affine, data_work
from archdsl.ops.operand_checks import at_least_rank, check_groups, need_dtype, resolve_axes, static_size
from archdsl.ops.windows import sliding, spatial
from archdsl.shapes import TensorType, resolve_axis

Axes = int | str | tuple[int | str, ...]


class _ChannelNorm(Norm):
    """Base of the norms of [N, C, …] whose scale and shift are per channel."""

    channels_second = True

    def channels(self, type: TensorType) -> tuple[int, ...]:
        """The shape of the parameters."""
        return (static_size(type, self.channel_axis(type), "the channels"),)

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        need_dtype(self.name, x, FLOATS)
        at_least_rank(self.name, x, 2, "[N, C, …]")
        self.channels(x)
        return (x,)


class BatchNorm(_ChannelNorm):
    """``(x - running_mean) / sqrt(running_var + eps) * weight + bias`` per channel of [N, C, …].

    ``axis = f`` takes the last axis for the channels, as sequences [N, T, F] have them.
    At inference the statistics are constants: one multiplication and one addition per element. ``momentum`` matters to
    training only (PyTorch's sense: the share of the new batch). The running statistics are buffers.
    """

    name = "batch_norm"
    sources = "ONNX BatchNormalization; Ioffe and Szegedy (arXiv:1502.03167)"
    sized_elsewhere = "first"
    elsewhere = ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "bn")
    folds = True
    centres_channels = True
    examples = (
        "batch_norm : f32[N,64,56,56] -> f32[N,64,56,56]",
        "batch_norm[eps=1e-3, momentum=0.01] : f32[N,8,H,W] -> f32[N,8,H,W]",
        "batch_norm[scale=false] : f32[2,8,5,5] -> f32[2,8,5,5]",
        "batch_norm[scale=false, shift=false] : f32[2,8,5] -> f32[2,8,5]",
        "batch_norm : f32[4,10] -> f32[4,10]",
        "batch_norm : f32[2,3,4,5,6] -> f32[2,3,4,5,6]",
        "batch_norm[axis=f] : f32[N,T,8] -> f32[N,T,8]",
    )

    eps: float = arg(Number(0, 1), 1e-5, doc="added to the variance")
    momentum: float = arg(Number(0, 1), 0.1, doc="share of the new batch in the running statistics")
    scale: bool = arg(Boolean(), True, doc="multiply by a learned weight")
    shift: bool = arg(Boolean(), True, doc="add a learned bias")
    axis: int | str = arg(Axis(), "c", doc="the axis of the channels")

    @property
    def channels_second(self) -> bool:  # type: ignore[override]
        """Whether no other axis is named."""
        return self.axis == "c"

    def channel_axis(self, type: TensorType) -> int:
        axis = resolve_axis(self.axis, type)
        if axis == 0:
            raise Refusal("E0308", f"`batch_norm` takes its statistics over axis 0 of {type}: it has no channels")
        return axis

    def weights(self, *ins: TensorType) -> tuple[Weight, ...]:
        channels = self.channels(ins[0])
        mean = Weight("running_mean", channels, ZEROS, buffer=True)
        variance = Weight("running_var", channels, ONES, buffer=True)
        return (*affine(channels, self.scale, self.shift), mean, variance)

    def misread(self, ins: Types) -> tuple[str, str] | None:
        if self.momentum <= 0.5:
            return None
        message = f"`momentum = {self.momentum:g}` is the share of the new batch, so that old ones are nearly forgotten"
        return message, f"what Keras and TensorFlow call {self.momentum:g} is `momentum = {1 - self.momentum:.6g}`"

    def work(self, ins: Types, outs: Types) -> Work:
        return Work(mul=outs[0].elements, add=outs[0].elements)


class GroupNorm(_ChannelNorm):
    """``(x - mean) / sqrt(var + eps) * weight + bias`` over groups of channels of one sample, [N, C, …].

    Weight and bias are per channel. Counted by the formula of its module, with N * groups groups.
    """

    name = "group_norm"
    sources = "ONNX GroupNormalization; Wu and He (arXiv:1803.08494)"
    sized_elsewhere = "last"
    examples = (
        "group_norm[32] : f32[N,64,56,56] -> f32[N,64,56,56]",
        "group_norm[4] : f32[N,8,H,W] -> f32[N,8,H,W]",
        "group_norm[2, scale=false, shift=false] : f32[2,6,5] -> f32[2,6,5]",
        "group_norm[1, eps=1e-3] : f32[2,6,3,4,5] -> f32[2,6,3,4,5]",
    )

    groups: int = arg(Integer(1), doc="number of groups of channels")
    eps: float = arg(Number(0, 1), 1e-5, doc="added to the variance")
    scale: bool = arg(Boolean(), True, doc="multiply by a learned weight")
    shift: bool = arg(Boolean(), True, doc="add a learned bias")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        found = super().shape(*ins)
        check_groups(self.groups, static_size(ins[0], 1, "the channels"), "channels")
        return found

    def weights(self, *ins: TensorType) -> tuple[Weight, ...]:
        return affine(self.channels(ins[0]), self.scale, self.shift)

    def work(self, ins: Types, outs: Types) -> Work:
        return data_work(ins[0].elements, ins[0].shape[0] * self.groups, self.scale, self.shift)

    def window(self, ins: Types, outs: Types) -> Window:
        return (AxisWindow(0), *(AxisWindow(i, whole=True) for i in range(1, outs[0].rank)))


class InstanceNorm(_ChannelNorm):
    """``(x - mean) / sqrt(var + eps) * weight + bias`` over each map of [N, C, spatial…].

    Weight and bias are per channel, on by default (PyTorch's ``affine = True``). Counted by the formula of its module,
    with N * C groups.
    """

    name = "instance_norm"
    sources = "ONNX InstanceNormalization; Ulyanov et al. (arXiv:1607.08022)"
    sized_elsewhere = "first"
    elsewhere = (*(f"InstanceNorm{rank}d = instance_norm(scale = false, shift = false)" for rank in (1, 2, 3)),)
    centres_channels = True
    examples = (
        "instance_norm : f32[N,8,14,14] -> f32[N,8,14,14]",
        "instance_norm[scale=false, shift=false] : f32[N,8,H,W] -> f32[N,8,H,W]",
        "instance_norm[eps=1e-3] : f32[2,6,5] -> f32[2,6,5]",
    )

    eps: float = arg(Number(0, 1), 1e-5, doc="added to the variance")
    scale: bool = arg(Boolean(), True, doc="multiply by a learned weight")
    shift: bool = arg(Boolean(), True, doc="add a learned bias")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        spatial(ins[0], self.name)
        return super().shape(*ins)

    def weights(self, *ins: TensorType) -> tuple[Weight, ...]:
        return affine(self.channels(ins[0]), self.scale, self.shift)

    def work(self, ins: Types, outs: Types) -> Work:
        return data_work(ins[0].elements, ins[0].shape[0] * ins[0].shape[1], self.scale, self.shift)

    def window(self, ins: Types, outs: Types) -> Window:
        return (AxisWindow(0), AxisWindow(1), *(AxisWindow(i, whole=True) for i in range(2, outs[0].rank)))


class _OverAxes(Norm):
    """Base of the norms over chosen axes; the parameters have the sizes of those axes, in order."""

    axes: Axes = arg(OneOf((Axis(), ListOf(Axis()))), -1, doc="axis or axes to normalise over; the last by default")
    eps: float = arg(Number(0, 1), 1e-5, doc="added to the variance")
    scale: bool = arg(Boolean(), True, doc="multiply by a learned weight")
    shift: bool = arg(Boolean(), True, doc="add a learned bias")

    def resolved(self, type: TensorType) -> tuple[int, ...]:
        """The axes as sorted non-negative numbers."""
        return tuple(sorted(resolve_axes(self.axes, type)))

    def affine_shape(self, type: TensorType) -> tuple[int, ...]:
        """The shape of the weight and the bias; refuses symbolic sizes."""
        return tuple(static_size(type, axis, f"axis {axis}") for axis in self.resolved(type))

    def groups(self, type: TensorType) -> Dim:
        """How many groups of elements share their statistics."""
        axes = self.resolved(type)
        return dims.product(size for axis, size in enumerate(type.shape) if axis not in axes)

    def validate(self) -> None:
        if self.axes == ():
            raise Refusal("E0205", f"`axes` of `{self.name}` must name at least one axis")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        need_dtype(self.name, x := ins[0], FLOATS)
        if isinstance(self.axes, int) and self.axes >= x.rank:
            raise Refusal("E0308", f"{x} has no axis {self.axes}", help="leave out the input size, which is known")
        self.resolved(x)
        if self.scale or self.shift:
            self.affine_shape(x)
        return (x,)

    def weights(self, *ins: TensorType) -> tuple[Weight, ...]:
        if not self.scale and not self.shift:
            return ()
        return affine(self.affine_shape(ins[0]), self.scale, self.shift)

    def window(self, ins: Types, outs: Types) -> Window:
        axes = self.resolved(ins[0])
        return tuple(AxisWindow(axis, whole=axis in axes) for axis in range(outs[0].rank))


class LayerNorm(_OverAxes):
    """``(x - mean) / sqrt(var + eps) * weight + bias`` over ``axes`` of one sample: the last, or e.g. ``[c, h, w]``.

    Weight and bias have the shape of the normalised axes and broadcast over the others. Counted by the formula of its
    module.
    """

    name = "layer_norm"
    sources = "ONNX LayerNormalization; Ba et al. (arXiv:1607.06450)"
    examples = (
        "layer_norm : f32[N,T,64] -> f32[N,T,64]",
        "layer_norm[axes=[c, h, w]] : f32[N,8,5,6] -> f32[N,8,5,6]",
        "layer_norm[axes=c, eps=1e-6] : f32[N,8,5,6] -> f32[N,8,5,6]",
        "layer_norm[shift=false] : f32[2,8,5] -> f32[2,8,5]",
        "layer_norm[scale=false, shift=false] : f32[4,10] -> f32[4,10]",
    )

    def work(self, ins: Types, outs: Types) -> Work:
        return data_work(ins[0].elements, self.groups(ins[0]), self.scale, self.shift)


class RmsNorm(_OverAxes):
    """``x / sqrt(mean(x^2) + eps) * weight`` over ``axes``, the last by default; no shift unless asked for.

    E elements in G groups: squares (E mul), mean (E - G add, G mul), eps (G add), root and division (2 G special),
    scaling (E mul, and E more for the weight).
    """

    name = "rms_norm"
    sources = "ONNX RMSNormalization; Zhang and Sennrich (arXiv:1910.07467)"
    examples = (
        "rms_norm : f32[N,T,64] -> f32[N,T,64]",
        "rms_norm[axes=c, eps=1e-6] : f32[2,8,5,6] -> f32[2,8,5,6]",
        "rms_norm[scale=false] : f32[4,10] -> f32[4,10]",
    )

    shift: bool = arg(Boolean(), False, doc="add a learned bias")

    def work(self, ins: Types, outs: Types) -> Work:
        elements, groups = ins[0].elements, self.groups(ins[0])
        mul = elements * (2 + self.scale) + groups
        return Work(add=elements * (1 + self.shift), mul=mul, special=2 * groups)


class LocalResponseNorm(Op):
    """``x / (k + alpha / size * sum(x^2))^beta``, the sum over ``size`` neighbouring channels of [N, C, spatial…].

    As in ONNX, Caffe and PyTorch ``alpha`` is divided by ``size``; the AlexNet paper and TensorFlow do not divide, so
    multiply their alpha by ``size``. Channel c looks at c - (size - 1) // 2 to c + size // 2, zeros outside (ONNX's
    rule for even sizes). Per element: one square, ``size - 1`` additions, one multiplication by ``alpha / size``,
    one addition of ``k``, a power and a division.
    """

    name = "lrn"
    sources = "ONNX LRN; Krizhevsky et al., ImageNet classification with deep CNNs (2012)"
    elsewhere = ("LocalResponseNorm",)
    role = "norm"
    channels_second = True
    examples = (
        "lrn[5] : f32[N,96,55,55] -> f32[N,96,55,55]",
        "lrn[3, alpha=0.5, beta=0.5, k=2] : f32[2,8,5,6] -> f32[2,8,5,6]",
        "lrn[4, alpha=1] : f32[2,8,5,6] -> f32[2,8,5,6]",
        "lrn[5] : f32[N,8,H,W] -> f32[N,8,H,W]",
        "lrn[3] : f32[2,8,5] -> f32[2,8,5]",
    )

    size: int = arg(Integer(1), doc="number of neighbouring channels")
    alpha: float = arg(Number(), 1e-4, doc="weight of the sum, divided by `size`")
    beta: float = arg(Number(), 0.75, doc="exponent")
    k: float = arg(Number(0), 1.0, doc="what is added to the sum")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        need_dtype(self.name, x, FLOATS)
        spatial(x, self.name)
        return (x,)

    def work(self, ins: Types, outs: Types) -> Work:
        elements = ins[0].elements
        return Work(add=elements * self.size, mul=elements * 2, special=elements * 2)

    def window(self, ins: Types, outs: Types) -> Window:
        axes = list(pass_through(outs[0].rank))
        axes[1] = sliding(1, self.size, 1, 1, (self.size - 1) // 2)
        return tuple(axes)

    def range(self, entering: Sequence[Interval]) -> Interval:
        shrinks = self.alpha >= 0 and self.beta >= 0 and self.k >= 1
        return hull((entering[0], (0.0, 0.0))) if shrinks else EVERYTHING


class L2Norm(Norm):
    """``x / max(sqrt(sum(x^2)), eps)`` over one axis, by default the channels (SSD then multiplies by a learned scale).

    E elements in G groups: squares (E mul), sums (E - G add), root and division (2 G special), a comparison (G cmp),
    scaling (E mul).
    """

    name = "l2_norm"
    sources = "ONNX LpNormalization; PyTorch normalize; Liu et al., ParseNet (arXiv:1506.04579)"
    examples = (
        "l2_norm : f32[N,512,38,38] -> f32[N,512,38,38]",
        "l2_norm[axis=f] : f32[4,10] -> f32[4,10]",
        "l2_norm[axis=T, eps=1e-6] : f32[2,T,8] -> f32[2,T,8]",
    )

    axis: int | str = arg(Axis(), "c", doc="axis along which the length becomes 1")
    eps: float = arg(Number(0), 1e-12, doc="smallest length to divide by")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        need_dtype(self.name, x, FLOATS)
        resolve_axis(self.axis, x)
        return (x,)

    def work(self, ins: Types, outs: Types) -> Work:
        (x,) = ins
        elements, axis = x.elements, resolve_axis(self.axis, x)
        groups = dims.product(size for i, size in enumerate(x.shape) if i != axis)
        return Work(add=elements - groups, mul=2 * elements, special=2 * groups, cmp=groups)

    def window(self, ins: Types, outs: Types) -> Window:
        axis = resolve_axis(self.axis, ins[0])
        return tuple(AxisWindow(i, whole=i == axis) for i in range(outs[0].rank))

    def range(self, entering: Sequence[Interval]) -> Interval:
        low, high = entering[0]
        return max(-1.0, min(low, 0.0)), min(1.0, max(high, 0.0))
