"""Convolutions: 1-D, 2-D and 3-D; grouped, depthwise, dilated, asymmetric, transposed."""

from __future__ import annotations

from archdsl import dims
from archdsl.diagnostics import Refusal
from archdsl.ops.base import ZEROS, AxisWindow, Op, Types, Weight, Window, Work, arg, fan
from archdsl.ops.kinds import Boolean, Integer, Padding, PerAxis
from archdsl.ops.windows import (
    Pads, data_dependent_pads, explicit_pads, output_size, per_axis, sliding, spatial,
)  # fmt: skip
from archdsl.shapes import TensorType


class Conv(Op):
    """Convolution (cross-correlation) over the spatial axes of [N, C, spatial…].

    Output size per axis: ``floor((size + pads - dilation * (kernel - 1) - 1) / stride) + 1``.
    """

    name = "conv"
    sources = "ONNX Conv"
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
    )

    channels: int = arg(Integer(1), doc="output channels")
    kernel: int | tuple[int, ...] = arg(PerAxis(1), doc="window size")
    stride: int | tuple[int, ...] = arg(PerAxis(1), 1, doc="step of the window")
    pad: str | int | tuple[int, ...] = arg(Padding(), "same", doc="padding rule, or numbers: begins, then ends")
    dilation: int | tuple[int, ...] = arg(PerAxis(1), 1, doc="distance between the taps of the window")
    groups: int = arg(Integer(1), 1, doc="independent groups of channels")
    bias: bool = arg(Boolean(), True, doc="add a learned bias per channel")

    def geometry(self, type: TensorType) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Kernel, stride and dilation with one entry per spatial axis."""
        rank = len(spatial(type, self.name))
        return (
            per_axis(self.kernel, rank, "`kernel`"),
            per_axis(self.stride, rank, "`stride`"),
            per_axis(self.dilation, rank, "`dilation`"),
        )

    def pads(self, type: TensorType) -> Pads | None:
        """Begin and end padding per axis; ``None`` while it depends on a symbolic size."""
        kernel, stride, dilation = self.geometry(type)
        fixed = explicit_pads(self.pad, kernel, dilation)
        if fixed is not None:
            return fixed
        sizes = [size for size in type.shape[2:] if isinstance(size, int)]
        if len(sizes) != len(kernel):
            return None
        upper = self.pad == "same_upper"
        return tuple(data_dependent_pads(upper, n, k, s, d) for n, k, s, d in zip(sizes, kernel, stride, dilation))

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        kernel, stride, dilation = self.geometry(x)
        fixed = explicit_pads(self.pad, kernel, dilation)
        self._check_groups(x)
        sizes = [
            output_size(n, k, s, d, fixed[i] if fixed else None)
            for i, (n, k, s, d) in enumerate(zip(x.shape[2:], kernel, stride, dilation))
        ]
        return (x.with_shape([x.shape[0], self.channels, *sizes]),)

    def _check_groups(self, x: TensorType) -> None:
        channels = x.shape[1]
        if not isinstance(channels, int):
            raise Refusal("E0306", f"the channels of {x} must be known while compiling")
        for count, what in ((channels, "input"), (self.channels, "output")):
            if count % self.groups:
                raise Refusal(
                    "E0305", f"{self.groups} groups do not divide {count} {what} channels",
                    help=f"{count} channels allow groups of {_divisors(count)}",
                )  # fmt: skip

    def weights(self, *ins: TensorType) -> tuple[Weight, ...]:
        (x,) = ins
        kernel, _, _ = self.geometry(x)
        channels = x.shape[1]
        assert isinstance(channels, int)
        taps = int(dims.product(kernel))  # type: ignore[call-overload]
        inputs = channels // self.groups
        init = fan(inputs * taps, self.channels // self.groups * taps)
        found = [Weight("weight", (self.channels, inputs, *kernel), init)]
        if self.bias:
            found.append(Weight("bias", (self.channels,), ZEROS))
        return tuple(found)

    def work(self, ins: Types, outs: Types) -> Work:
        kernel, _, _ = self.geometry(ins[0])
        inputs = dims.floordiv(ins[0].shape[1], self.groups)
        elements = outs[0].elements
        return Work(mac=elements * inputs * dims.product(kernel), add=elements if self.bias else 0)

    def window(self, ins: Types, outs: Types) -> Window:
        kernel, stride, dilation = self.geometry(ins[0])
        pads = self.pads(ins[0])
        axes: list[AxisWindow | None] = [AxisWindow(0), None]
        for i, (k, s, d) in enumerate(zip(kernel, stride, dilation)):
            axes.append(sliding(i + 2, k, s, d, pads[i][0] if pads else 0))
        return tuple(axes)


def _divisors(count: int) -> str:
    found = [d for d in range(1, min(count, 4096) + 1) if count % d == 0]
    return ", ".join(map(str, found if len(found) <= 8 else [*found[:7], "…", count]))
