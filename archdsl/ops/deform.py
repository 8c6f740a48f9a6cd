"""Convolutions that look where the network says."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from archdsl import dims
from archdsl.diagnostics import Refusal
from archdsl.element_types import FLOATS
from archdsl.ops.base import ChannelLayout, Types, Weight, Work, arg, fan
from archdsl.ops.given_weight import check_init, need_weight, owned
from archdsl.ops.kinds import Boolean, Integer, Operand, Padding, PerAxis
from archdsl.ops.look import AxisWindow, Window
from archdsl.ops.operand_checks import (
    check_groups,
    need_dtype,
    need_equal,
    need_rank,
    same_dtype,
    static_size,
    undecided,
)
from archdsl.ops.start import WeightStart
from archdsl.ops.windows import Pads, Windowed, output_size, per_axis
from archdsl.shapes import Shape, TensorType


class DeformConv(Windowed):
    """A convolution of [N, C, H, W] whose taps are moved: ``x -> deform_conv(offsets, 64, 3, mask = m)``.

    The offsets are [N, g * taps * 2, h, w], one for each position of the result: of each of g groups of input channels
    the taps in row-major order, and of each how far down, then how far to the right, in pixels. What lies between
    pixels is interpolated; beyond the border there are zeros. The mask (version 2) is [N, g * taps, h, w], a factor for
    the input at each tap. The numbers of channels say what g is. MACs: those of ``conv``; interpolation is 4
    multiplications and 3 additions for each tap and input channel, the mask one more multiplication.
    """

    name = "deform_conv"
    arity = (2, 2)
    sources = "ONNX DeformConv; arXiv:1703.06211 (version 1), arXiv:1811.11168 (version 2, with a mask)"
    elsewhere = ("DeformConv2d", "DCN", "DCNv2", "ModulatedDeformConv2d")
    role = "layer"
    examples = (
        "deform_conv[8, 3] : f32[N,4,H,W], f32[N,18,H,W] -> f32[N,8,H,W]",
        "deform_conv[8, 3, mask=1] : f32[N,4,H,W], f32[N,18,H,W], f32[N,9,H,W] -> f32[N,8,H,W]",
        "deform_conv[8, 3, stride=2, groups=2, bias=false] : f32[2,4,9,7], f32[2,36,5,4] -> f32[2,8,5,4]",
        "deform_conv[6, [1, 2], pad=valid, dilation=2] : f32[2,3,5,6], f32[2,4,5,4] -> f32[2,6,5,4]",
        "deform_conv[6, 2, pad=[0, 1, 1, 0]] : f32[2,3,5,6], f32[2,8,5,6] -> f32[2,6,5,6]",
        "deform_conv[8, 3, weight=1, mask=1] : f32[2,4,5,5], f32[2,18,5,5], f32[8,4,3,3], f32[2,9,5,5] -> f32[2,8,5,5]",
    )

    channels: int = arg(Integer(1), doc="output channels")
    kernel: int | tuple[int, ...] = arg(PerAxis(1), doc="window size")
    stride: int | tuple[int, ...] = arg(PerAxis(1), 1, doc="step of the window")
    pad: str | int | tuple[int, ...] = arg(Padding(), "same", doc="padding rule, or numbers: begins, then ends")
    dilation: int | tuple[int, ...] = arg(PerAxis(1), 1, doc="distance between the taps of the window")
    groups: int = arg(Integer(1), 1, doc="independent groups of channels")
    bias: bool = arg(Boolean(), True, doc="add a learned bias per channel")
    weight: int | None = arg(Operand(), None, doc="the weight, if it is computed")
    init: Any = arg(WeightStart(), "fan", doc="how the weight begins; numbers are repeated for leading axes")
    mask: int | None = arg(Operand(), None, doc="a factor for the input at each tap")

    def validate(self) -> None:
        super().validate()
        check_init(self)
        check_groups(self.groups, self.channels, "output channels")

    def dilations(self, rank: int) -> tuple[int, ...]:
        return per_axis(self.dilation, rank, "`dilation`")

    def known_pads(self, type: TensorType) -> Pads:
        """The padding; refuses one that depends on a size that is not known."""
        pads = self.pads(type)
        if pads is None:
            raise undecided(f"`pad = {self.pad}` of `deform_conv`", type.shape[2:])
        return pads

    def offset_groups(self, type: TensorType, offsets: TensorType) -> int:
        """The groups of input channels that have offsets of their own."""
        taps = prod(self.geometry(type)[0])
        count = static_size(offsets, 1, "the channels")
        if count % (2 * taps):
            raise Refusal(
                "E0303", f"the offsets of `deform_conv` have {count} channels, and not a multiple of {2 * taps}",
                help=f"make them by `conv({2 * taps}, …)`",
            )  # fmt: skip
        groups = count // (2 * taps)
        check_groups(groups, static_size(type, 1, "the channels"), "input channels (by their offsets)")
        return groups

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        x, offsets = ins[:2]
        need_dtype(self.name, x, FLOATS)
        need_rank(self.name, x, 4, "[N, C, H, W]")
        need_rank("the offsets of deform_conv", offsets, 4, "[N, 2 * taps, h, w]")
        same_dtype(self.name, ins)
        kernel, stride, dilation = self.geometry(x)
        channels = static_size(x, 1, "the channels")
        check_groups(self.groups, channels, "input channels")
        for weight in self.operand("weight", ins):
            need_weight(self.name, (x, weight), (self.channels, channels // self.groups, *kernel), samples=False)
        sizes = [
            output_size(n, k, s, d, pads)
            for n, k, s, d, pads in zip(x.shape[2:], kernel, stride, dilation, self.known_pads(x))
        ]
        out = x.with_shape([x.shape[0], self.channels, *sizes])
        groups = self.offset_groups(x, offsets)
        self._need(offsets, (x.shape[0], 2 * groups * prod(kernel), *sizes), "the offsets")
        for mask in self.operand("mask", ins):
            self._need(mask, (x.shape[0], groups * prod(kernel), *sizes), "`mask`")
        return (out,)

    def _need(self, type: TensorType, shape: Shape, what: str) -> None:
        need_rank(f"{what} of deform_conv", type, 4, "[N, taps, h, w]")
        for axis, size in enumerate(shape):
            need_equal(f"{what} of `deform_conv` and what they are for, on axis {axis},", type.shape[axis], size,
                       (type, type.with_shape(shape)))  # fmt: skip

    def weights(self, *ins: TensorType) -> tuple[Weight, ...]:
        kernel, taps = self.geometry(ins[0])[0], prod(self.geometry(ins[0])[0])
        inputs = static_size(ins[0], 1, "the channels") // self.groups
        return owned(
            self,
            (self.channels, inputs, *kernel),
            fan(inputs * taps, self.channels // self.groups * taps),
            self.channels,
        )

    def channel_layout(self, weight: Sequence[int]) -> ChannelLayout:
        return ChannelLayout(block=prod(weight[1:]))

    def work(self, ins: Types, outs: Types) -> Work:
        taps, inputs = prod(self.geometry(ins[0])[0]), ins[0].shape[1]
        elements, read = outs[0].elements, dims.product([outs[0].shape[0], inputs, taps, *outs[0].shape[2:]])
        return Work(
            mac=elements * dims.floordiv(inputs, self.groups) * taps,
            mul=read * (5 if self.mask else 4),
            add=read * 3 + (elements if self.bias else 0),
        )

    def window(self, ins: Types, outs: Types) -> Window:
        return (AxisWindow(0), None, None, None)

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        # Where it looks is anywhere; offsets and mask are those of the position itself.
        moves = source == 1 or source in self.operand("mask", range(len(ins)))
        if moves:
            return (AxisWindow(0), None, AxisWindow(2), AxisWindow(3))
        return self.window(ins, outs) if source == 0 else (None,) * 4
