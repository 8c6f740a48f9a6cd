"""Convolutions: 1-D, 2-D and 3-D; grouped, depthwise, dilated, asymmetric, transposed."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from archdsl import dims
from archdsl.diagnostics import Refusal
from archdsl.dim_order import at_least
from archdsl.dims import Dim
from archdsl.element_types import FLOATS
from archdsl.ops.base import ChannelLayout, Types, Weight, Work, arg, fan
from archdsl.ops.given_weight import check_init, looks_at_weight, need_weight, owned
from archdsl.ops.kinds import Boolean, Integer, Operand, Padding, PerAxis
from archdsl.ops.look import AxisWindow, Window
from archdsl.ops.operand_checks import check_groups, need_dtype, static_size
from archdsl.ops.start import WeightStart
from archdsl.ops.windows import Pads, Windowed, explicit_pads, output_size, per_axis, unslid
from archdsl.shapes import TensorType


def input_size_given(name: str, channels: int, kernel: object, stride: object, x: TensorType) -> tuple[str, str] | None:
    """A misreading: channels in and out and the kernel in PyTorch's order make a large even kernel and a stride."""
    if channels != x.shape[1] or not isinstance(kernel, int) or not isinstance(stride, int):
        return None
    if kernel < 8 or kernel % 2 or stride < 2 or (kernel % stride == 0 and stride > 4):
        return None
    return (
        f"`{name}({channels}, {kernel}, {stride})` makes {channels} channels with kernel {kernel} and stride {stride}",
        f"leave out the input size, which is known: `{name}({kernel}, {stride})`; "
        f"if this is meant, write the kernel of each axis: `[{', '.join([str(kernel)] * (x.rank - 2))}]`",
    )


def shown(sizes: Sequence[int]) -> str:
    """Kernels and strides as in papers: `3 x 3`."""
    return " x ".join(map(str, sizes))


class Conv(Windowed):
    """Convolution (cross-correlation) over the spatial axes of [N, C, spatial…].

    Output size per axis: ``floor((size + pads - dilation * (kernel - 1) - 1) / stride) + 1``.
    With ``weight = w`` the kernel is the tensor ``w``, [channels, C / groups, kernel…], and the layer owns at most a
    bias; [N, channels, C / groups, kernel…] is a kernel for each sample. ``init`` says how its own weight begins:
    ``frozen conv(8, 3, groups = 8, init = [[1, 2, 1], [2, 4, 2], [1, 2, 1]])`` is a blur.
    """

    name = "conv"
    sources = "ONNX Conv"
    elsewhere = (
        "Conv1d = conv(64, 3, pad = valid)",
        "Conv2d = conv(64, 3, pad = valid)",
        "Conv3d = conv(64, 3, pad = valid)",
        "convolution",
        "depthwise = conv(64, 3, groups = 64)",
        "depthwise_conv = conv(64, 3, groups = 64)",
        "dwconv = conv(64, 3, groups = 64)",
        "DepthwiseConv2D = conv(64, 3, groups = 64)",
    )
    role = "layer"
    examples = (
        "conv[64, 3, stride=2] : f32[N,3,224,224] -> f32[N,64,112,112]",
        "conv[96, 11, stride=4, pad=valid] : f32[N,3,227,227] -> f32[N,96,55,55]",
        "conv[32, 3, groups=32, bias=false] : f32[2,32,9,9] -> f32[2,32,9,9]",
        "conv[8, [1, 7], dilation=[1, 2]] : f32[2,4,9,20] -> f32[2,8,9,20]",
        "conv[8, 4, stride=2, pad=same_upper] : f32[2,4,9,10] -> f32[2,8,5,5]",
        "conv[8, 4, stride=2, pad=same_lower] : f32[2,4,9,10] -> f32[2,8,5,5]",
        "conv[8, 11, stride=4, pad=[1, 1, 2, 2]] : f32[1,3,224,224] -> f32[1,8,55,55]",
        "conv[8, 3] : f32[2,4,9] -> f32[2,8,9]",
        "conv[8, 3, stride=2] : f32[2,4,5,6,7] -> f32[2,8,3,3,4]",
        "conv[8, 3, stride=2] : f32[N,3,H,W] -> f32[N,8,(H + 1) // 2,(W + 1) // 2]",
        "conv[6, [1, 2], groups=6, pad=valid, init=[0.5, -0.5]] : f32[2,6,4,5] -> f32[2,6,4,4]",
        "conv[8, 3, weight=1] : f32[N,4,H,W], f32[8,4,3,3] -> f32[N,8,H,W]",
        "conv[8, 3, stride=2, groups=2, bias=false, weight=1] : f32[2,4,9], f32[2,8,2,3] -> f32[2,8,5]",
        "conv[1, [2, 3], pad=valid, weight=1] : f32[N,4,H,W], f32[N,1,4,2,3] -> f32[N,1,H - 1,W - 2]",
    )

    channels: int = arg(Integer(1), doc="output channels")
    kernel: int | tuple[int, ...] = arg(PerAxis(1), doc="window size")
    stride: int | tuple[int, ...] = arg(PerAxis(1), 1, doc="step of the window")
    pad: str | int | tuple[int, ...] = arg(Padding(), "same", doc="padding rule, or numbers: begins, then ends")
    dilation: int | tuple[int, ...] = arg(PerAxis(1), 1, doc="distance between the taps of the window")
    groups: int = arg(Integer(1), 1, doc="independent groups of channels")
    bias: bool = arg(Boolean(), True, doc="add a learned bias per channel")
    weight: int | None = arg(Operand(), None, doc="the weight, if it is computed; [N, …]: one for each sample")
    init: Any = arg(WeightStart(), "fan", doc="how the weight begins; numbers are repeated for leading axes")

    def validate(self) -> None:
        super().validate()
        check_init(self)
        check_groups(self.groups, self.channels, "output channels")

    def dilations(self, rank: int) -> tuple[int, ...]:
        return per_axis(self.dilation, rank, "`dilation`")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        x = ins[0]
        need_dtype(self.name, x, FLOATS)
        kernel, stride, dilation = self.geometry(x)
        fixed = explicit_pads(self.pad, kernel, dilation)
        channels = static_size(x, 1, "the channels")
        check_groups(self.groups, channels, "input channels")
        need_weight(self.name, ins, (self.channels, channels // self.groups, *kernel))
        sizes = [
            output_size(n, k, s, d, fixed[i] if fixed else None)
            for i, (n, k, s, d) in enumerate(zip(x.shape[2:], kernel, stride, dilation))
        ]
        return (x.with_shape([x.shape[0], self.channels, *sizes]),)

    def weights(self, *ins: TensorType) -> tuple[Weight, ...]:
        x = ins[0]
        kernel, _, _ = self.geometry(x)
        channels = x.shape[1]
        assert isinstance(channels, int)
        taps = prod(kernel)
        inputs = channels // self.groups
        init = fan(inputs * taps, self.channels // self.groups * taps)
        return owned(self, (self.channels, inputs, *kernel), init, self.channels)

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        return looks_at_weight(ins, outs) if source else self.window(ins, outs)

    def misread(self, ins: Types) -> tuple[str, str] | None:
        kernel, stride, _ = self.geometry(ins[0])
        if all(s > 4 and s > 2 * k for k, s in zip(kernel, stride)):
            seen, there = prod(kernel), prod(stride)
            message = (
                f"the stride {shown(stride)} leaps over the kernel {shown(kernel)}: {seen} of {there} positions enter"
            )
            return message, "the size of what enters is known, and does not come first: channels, kernel, stride"
        return input_size_given(self.name, self.channels, self.kernel, self.stride, ins[0])

    def channel_layout(self, weight: Sequence[int]) -> ChannelLayout:
        return ChannelLayout(block=prod(weight[1:]))

    def work(self, ins: Types, outs: Types) -> Work:
        kernel, _, _ = self.geometry(ins[0])
        inputs = dims.floordiv(ins[0].shape[1], self.groups)
        elements = outs[0].elements
        return Work(mac=elements * inputs * dims.product(kernel), add=elements if self.bias else 0)

    def window(self, ins: Types, outs: Types) -> Window:
        return (AxisWindow(0), None, *self.slides(ins[0]))


class ConvTranspose(Windowed):
    """Transposed convolution over the spatial axes of [N, C, spatial…]: a convolution's gradient.

    Output size per axis: ``(size - 1) * stride - pads + dilation * (kernel - 1) + output_pad + 1``. ``pad`` trims the
    output; ``same`` trims ``dilation * (kernel - 1) // 2`` on both sides (odd kernels), so that
    ``output_pad = stride - 1`` gives ``size * stride``; ``same_upper`` and ``same_lower`` give ``size * stride`` by
    themselves, as TensorFlow does.
    The weight is [C_in, C_out / groups, kernel…] as in PyTorch, and may be computed (``weight = w``; [N, C_in, …]: one
    for each sample). MACs are counted at the input positions:
    input elements * kernel * C_out / groups.
    """

    name = "conv_transpose"
    sources = "ONNX ConvTranspose; Zeiler et al., Deconvolutional Networks (2010)"
    elsewhere = (
        "ConvTranspose1d",
        "ConvTranspose2d",
        "ConvTranspose3d",
        "deconv",
        "deconvolution",
    )
    role = "layer"
    examples = (
        "conv_transpose[32, 2, stride=2] : f32[N,64,28,28] -> f32[N,32,56,56]",
        "conv_transpose[8, 3, stride=2, pad=same, output_pad=1] : f32[2,4,5,7] -> f32[2,8,10,14]",
        "conv_transpose[8, 4, stride=2, pad=1] : f32[2,4,5,7] -> f32[2,8,10,14]",
        "conv_transpose[8, 3, stride=2, pad=same_upper] : f32[2,4,5,7] -> f32[2,8,10,14]",
        "conv_transpose[8, 3, stride=2, pad=same_lower] : f32[2,4,5,7] -> f32[2,8,10,14]",
        "conv_transpose[6, 2, stride=3, pad=same_upper] : f32[2,4,5,7] -> f32[2,6,15,21]",
        "conv_transpose[8, 3, pad=[0, 1, 1, 2], groups=4, bias=false] : f32[2,4,5,7] -> f32[2,8,6,6]",
        "conv_transpose[8, [1, 3], dilation=[1, 2]] : f32[2,4,5,7] -> f32[2,8,5,11]",
        "conv_transpose[8, 2, dilation=3, pad=1, output_pad=2] : f32[2,4,5,7] -> f32[2,8,8,10]",
        "conv_transpose[8, 3, stride=2] : f32[2,4,5] -> f32[2,8,11]",
        "conv_transpose[8, 2, stride=2] : f32[2,4,3,4,5] -> f32[2,8,6,8,10]",
        "conv_transpose[8, 2, stride=2] : f32[N,4,H,W] -> f32[N,8,2 * H,2 * W]",
        "conv_transpose[8, 2, stride=2, weight=1] : f32[N,4,H,W], f32[4,8,2,2] -> f32[N,8,2 * H,2 * W]",
        "conv_transpose[6, 3, bias=false, weight=1] : f32[2,4,5], f32[4,6,3] -> f32[2,6,7]",
    )

    channels: int = arg(Integer(1), doc="output channels")
    kernel: int | tuple[int, ...] = arg(PerAxis(1), doc="window size")
    stride: int | tuple[int, ...] = arg(PerAxis(1), 1, doc="distance of the windows in the output")
    pad: str | int | tuple[int, ...] = arg(Padding(), "valid", doc="what is trimmed from the output: begins, then ends")
    output_pad: int | tuple[int, ...] = arg(PerAxis(0), 0, doc="positions added at the end of the output")
    dilation: int | tuple[int, ...] = arg(PerAxis(1), 1, doc="distance between the taps of the window")
    groups: int = arg(Integer(1), 1, doc="independent groups of channels")
    bias: bool = arg(Boolean(), True, doc="add a learned bias per channel")
    weight: int | None = arg(Operand(), None, doc="the weight, if it is computed; [N, …]: one for each sample")
    init: Any = arg(WeightStart(), "fan", doc="how the weight begins; numbers are repeated for leading axes")

    def validate(self) -> None:
        super().validate()
        check_init(self)
        check_groups(self.groups, self.channels, "output channels")
        if self.pad in ("same_upper", "same_lower") and self.output_pad != 0:
            raise Refusal(
                "E0205", f"`pad = {self.pad}` fixes the output at size * stride, so `output_pad` cannot be given",
                help="leave `output_pad` out, or give `pad` as a number",
            )  # fmt: skip

    def misread(self, ins: Types) -> tuple[str, str] | None:
        _, stride, _ = self.geometry(ins[0])
        if self.pad == "same" and self.output_pad == 0 and len({*stride}) == 1 and stride[0] > 1:
            times = f"{stride[0]} times"
            return (
                f"`pad = same` with stride {stride[0]} gives {stride[0] - 1} less than {times} the size",
                f"for {times} the size, write `pad = same_upper`, or add `output_pad = {stride[0] - 1}`",
            )
        return input_size_given(self.name, self.channels, self.kernel, self.stride, ins[0])

    def dilations(self, rank: int) -> tuple[int, ...]:
        return per_axis(self.dilation, rank, "`dilation`")

    def pads(self, type: TensorType) -> Pads:
        """What is trimmed at the begin and end of each output axis; never depends on the input's size."""
        kernel, stride, dilation = self.geometry(type)
        fixed = explicit_pads(self.pad, kernel, dilation)
        if fixed is not None:
            return fixed
        found = []
        for k, s, d in zip(kernel, stride, dilation):
            total = max(d * (k - 1) + 1 - s, 0)
            small, large = total // 2, total - total // 2
            found.append((small, large) if self.pad == "same_upper" else (large, small))
        return tuple(found)

    def output_pads(self, type: TensorType) -> tuple[int, ...]:
        """Positions added at the end of each output axis: ``output_pad``, or what ``same_upper`` needs."""
        kernel, stride, dilation = self.geometry(type)
        if self.pad in ("same_upper", "same_lower"):
            return tuple(max(s - d * (k - 1) - 1, 0) for k, s, d in zip(kernel, stride, dilation))
        found = per_axis(self.output_pad, len(kernel), "`output_pad`")
        for extra, s, d in zip(found, stride, dilation):
            if extra and extra >= max(s, d):
                limit = f"the stride or the dilation ({max(s, d)})"
                raise Refusal("E0205", f"`output_pad` must be below {limit}, not {extra}")
        return found

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        x = ins[0]
        need_dtype(self.name, x, FLOATS)
        kernel, stride, dilation = self.geometry(x)
        channels = static_size(x, 1, "the channels")
        check_groups(self.groups, channels, "input channels")
        need_weight(self.name, ins, (channels, self.channels // self.groups, *kernel))
        extras, sizes = self.output_pads(x), list[Dim]()
        for n, k, s, d, pads, extra in zip(x.shape[2:], kernel, stride, dilation, self.pads(x), extras):
            size = (n - 1) * s + d * (k - 1) + 1 + extra - sum(pads)
            if at_least(size, 1) is False:
                raise Refusal(
                    "E0302", f"the padding {pads[0]} + {pads[1]} leaves none of {size + sum(pads)} output positions"
                )
            sizes.append(size)
        return (x.with_shape([x.shape[0], self.channels, *sizes]),)

    def weights(self, *ins: TensorType) -> tuple[Weight, ...]:
        x = ins[0]
        kernel, stride, _ = self.geometry(x)
        channels, outputs = static_size(x, 1, "the channels"), self.channels // self.groups
        # Only every stride-th tap meets an input: an output position sums this many products on average.
        fan_in = max(channels // self.groups * prod(kernel) // prod(stride), 1)
        init = fan(fan_in, outputs * prod(kernel))
        return owned(self, (channels, outputs, *kernel), init, self.channels)

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        return looks_at_weight(ins, outs) if source else self.window(ins, outs)

    def channel_layout(self, weight: Sequence[int]) -> ChannelLayout:  # [in, out / groups, window]
        return ChannelLayout(block=prod(weight[2:]), groups=self.groups, rows=weight[0] // self.groups)

    def work(self, ins: Types, outs: Types) -> Work:
        kernel, _, _ = self.geometry(ins[0])
        macs = ins[0].elements * prod(kernel) * (self.channels // self.groups)
        return Work(mac=macs, add=outs[0].elements if self.bias else 0)

    def window(self, ins: Types, outs: Types) -> Window:
        return (
            AxisWindow(0), None,
            *(unslid(i + 2, *one) for i, one in enumerate(zip(*self.geometry(ins[0]), self.pads(ins[0])))),
        )  # fmt: skip
