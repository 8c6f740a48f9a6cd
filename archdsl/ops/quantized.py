"""Integers that stand for numbers, ``(integer - zero) * scale``, and products of such integers.

Their products count as MACs like those of floats; the parameters keep their own element types, and so their bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archdsl.diagnostics import Refusal
from archdsl.dims import Dim, ceildiv
from archdsl.ops.base import Empties, Op, Types, Work, arg
from archdsl.ops.conv import Conv
from archdsl.ops.estimates import EVERYTHING, Interval, Moments, product_sign
from archdsl.ops.kinds import Axis, Choice, Integer, Operand, Optional, Padding, PerAxis
from archdsl.ops.linear import MatMul
from archdsl.ops.look import Window, pass_through
from archdsl.ops.operand_checks import need_equal, times
from archdsl.ops.windows import Windowed, per_axis
from archdsl.shapes import TensorType, resolve_axis

STORED = ("u8", "i8", "u16", "i16")
"""What quantisation gives, and is undone of; ``i32``, as integer products give it, is undone too."""
ENDS = {"u8": (0.0, 255.0), "i8": (-128.0, 127.0), "u16": (0.0, 65535.0), "i16": (-32768.0, 32767.0)}


class _Scaled(Op):
    """Base of both directions: the second input is the scale, of the whole tensor, of an axis, or of blocks of it."""

    arity = (2, 2)

    if TYPE_CHECKING:
        axis: int | str
        block: int | None
        zero: int | None

    def per(self, x: TensorType, scale: TensorType) -> int | None:
        """The axis that the scale belongs to; ``None`` where it is one number."""
        alone = scale.shape == (1,) or (scale.rank == 0 and self.block is None)
        return None if alone and (self.block is None or x.rank == 1) else resolve_axis(self.axis, x)

    def check(self, ins: Types, integers: TensorType) -> None:
        """Refuse scales and zeros that do not fit."""
        x, scale = ins[:2]
        if scale.dtype not in ("f32", "f16"):
            raise Refusal("E0309", f"the scale of `{self.name}` must be f32 or f16, not {scale}")
        axis = self.per(x, scale)
        if axis is not None:
            wanted = [x.shape[axis]] if self.block is None else self._blocks(x, axis)
            if scale.rank != len(wanted):
                shown = f"[] or [{wanted[0]}]" if self.block is None else f"{scale.with_shape(wanted)}"
                raise Refusal("E0301", f"the scale of `{self.name}` of {x} must be {shown}, not {scale}")
            for have, want in zip(scale.shape, wanted):
                need_equal(f"the numbers of scales of `{self.name}`", have, want, (scale, x))
        for zero in self.operand("zero", ins):
            if zero.dtype != integers.dtype or zero.shape != scale.shape:
                wanted_zero = TensorType(integers.dtype, scale.shape)
                raise Refusal("E0309", f"`zero` of `{self.name}` must be {wanted_zero}, as the scale, not {zero}")

    def _blocks(self, x: TensorType, axis: int) -> list[Dim]:
        assert self.block is not None
        return [ceildiv(size, self.block) if i == axis else size for i, size in enumerate(x.shape)]

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        return pass_through(outs[0].rank) if source == 0 else (None,) * outs[0].rank


class Quantize(_Scaled):
    """``round(x / scale) + zero``, within the bounds of ``dtype``: floats become integers. Halves go to even numbers.

    Per element one division and two comparisons, and with ``zero`` one addition.
    """

    name = "quantize"
    sources = "ONNX QuantizeLinear; Jacob et al., arXiv:1712.05877"
    elsewhere = ("QuantizeLinear", "quantize_per_tensor", "quantize_per_channel")
    examples = (
        "quantize : f32[N,3,H], f32[] -> u8[N,3,H]",
        "quantize[i8, axis=1, zero=1] : f32[N,3,5], f32[3], i8[3] -> i8[N,3,5]",
        "quantize[u8, zero=1] : f32[2,3], f32[], u8[] -> u8[2,3]",
        "quantize[i16, axis=0] : f32[4,3], f32[4] -> i16[4,3]",
        "quantize[i8, axis=1, block=2] : f32[3,4], f32[3,2] -> i8[3,4]",
    )

    dtype: str = arg(Choice(STORED), "u8", doc="the integers")
    axis: int | str = arg(Axis(), 1, doc="the axis that a scale of several numbers belongs to")
    block: int | None = arg(Optional(Integer(1)), None, doc="positions of the axis that share a number of the scale")
    zero: int | None = arg(Operand(), None, doc="the integer that stands for 0, as many as scales; 0 if none")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        x = ins[0]
        if x.dtype not in ("f32", "f16") or x.dtype != ins[1].dtype:
            raise Refusal("E0309", f"`{self.name}` takes f32 or f16 and a scale of that type, not {x} and {ins[1]}")
        made = TensorType(self.dtype, x.shape)
        self.check(ins, made)
        return (made,)

    def work(self, ins: Types, outs: Types) -> Work:
        return times(Work(add=1 if self.zero else 0, cmp=2, special=1), outs[0].elements)

    def range(self, entering: Sequence[Interval]) -> Interval:
        low, high = ENDS[self.dtype]
        (shift, _), *_ = self.operand("zero", entering) or ((0.0, 0.0),)
        risen = entering[0][0] >= 0 and entering[1][0] >= 0
        return (min(max(low, shift), high) if risen else low), high


class Dequantize(_Scaled):
    """``(x - zero) * scale``: integers become floats, of the scale's type. One multiplication per element, and with
    ``zero`` one addition.
    """

    name = "dequantize"
    sources = "ONNX DequantizeLinear; Jacob et al., arXiv:1712.05877"
    elsewhere = ("DequantizeLinear",)
    examples = (
        "dequantize : u8[N,3,H], f32[] -> f32[N,3,H]",
        "dequantize[axis=1, zero=1] : i8[N,3,5], f32[3], i8[3] -> f32[N,3,5]",
        "dequantize[axis=0] : i32[4,3], f32[4] -> f32[4,3]",
        "dequantize[axis=1, block=2, zero=1] : i8[3,4], f32[3,2], i8[3,2] -> f32[3,4]",
    )

    axis: int | str = arg(Axis(), 1, doc="the axis that a scale of several numbers belongs to")
    block: int | None = arg(Optional(Integer(1)), None, doc="positions of the axis that share a number of the scale")
    zero: int | None = arg(Operand(), None, doc="the integer that stands for 0, as many as scales; 0 if none")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        x, scale = ins[:2]
        if x.dtype not in (*STORED, "i32"):
            raise Refusal("E0309", f"`{self.name}` takes {', '.join(STORED)} or i32, not {x}")
        if x.dtype == "i32" and self.zero:
            raise Refusal("E0309", f"`{self.name}` of {x} has no `zero`: sums of products are around 0")
        self.check(ins, x)
        return (TensorType(scale.dtype, x.shape),)

    def work(self, ins: Types, outs: Types) -> Work:
        return times(Work(add=1 if self.zero else 0, mul=1), outs[0].elements)

    def range(self, entering: Sequence[Interval]) -> Interval:
        return EVERYTHING if self.zero else product_sign(entering)


class DynamicQuantize(Op):
    """A tensor as u8, with the scale and the zero that it needs: its least and its greatest element, and 0, are held.

    The results are the integers, the scale (f32) and the zero (u8). Per element one division, one addition and four
    comparisons.
    """

    name = "dynamic_quantize"
    results = 3
    sources = "ONNX DynamicQuantizeLinear"
    elsewhere = ("DynamicQuantizeLinear", "quantize_dynamic")
    examples = (
        "dynamic_quantize : f32[N,3,H] -> u8[N,3,H], f32[], u8[]",
        "dynamic_quantize : f32[2,3] -> u8[2,3], f32[], u8[]",
    )

    def empty_axes(self) -> Empties:
        return "none"

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        if x.dtype != "f32":
            raise Refusal("E0309", f"`{self.name}` takes f32, not {x}", help="convert it first: `cast(f32)`")
        return TensorType("u8", x.shape), TensorType("f32", ()), TensorType("u8", ())

    def work(self, ins: Types, outs: Types) -> Work:
        return times(Work(add=1, cmp=4, special=1), outs[0].elements)

    def range(self, entering: Sequence[Interval]) -> Interval:
        return (0.0, float("inf"))

    def window(self, ins: Types, outs: Types) -> Window:
        return (None,) * outs[0].rank

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        return (None,) * outs[result].rank


class _Product(Op):
    """Base of the products of integers: i8 or u8, less their zeros, exact in i32."""

    def check_integers(self, ins: Types) -> None:
        """Refuse other types, and zeros that do not fit."""
        for one in ins[:2]:
            if one.dtype not in ("u8", "i8"):
                raise Refusal("E0309", f"`{self.name}` takes u8 or i8, not {one}")
        for name, side in (("zero", ins[0]), ("weight_zero", ins[1])):
            for zero in self.operand(name, ins):
                if zero.dtype != side.dtype or zero.shape not in self.zeros(name, ins):
                    raise Refusal("E0309", f"`{name}` of `{self.name}` must be {side.dtype}[], not {zero}")

    def zeros(self, name: str, ins: Types) -> tuple[tuple[Dim, ...], ...]:
        """The shapes that a zero may have."""
        return ((), (1,))

    def range(self, entering: Sequence[Interval]) -> Interval:
        return EVERYTHING

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        return entering[0]


class MatMulInteger(_Product):
    """``(a - zero) @ (b - weight_zero)`` of integers, exact in i32. MACs as of :class:`MatMul`."""

    name = "matmul_integer"
    arity = (2, 2)
    sources = "ONNX MatMulInteger"
    elsewhere = ("MatMulInteger", "int_mm")
    examples = (
        "matmul_integer : u8[N,5,8], i8[8,3] -> i32[N,5,3]",
        "matmul_integer[zero=1, weight_zero=1] : u8[5,8], i8[8,3], u8[], i8[] -> i32[5,3]",
        "matmul_integer[weight_zero=1] : u8[5,8], u8[8,3], u8[3] -> i32[5,3]",
    )

    zero: int | None = arg(Operand(), None, doc="the integer that stands for 0 on the left")
    weight_zero: int | None = arg(Operand(), None, doc="that on the right, one or one for each column")

    def zeros(self, name: str, ins: Types) -> tuple[tuple[Dim, ...], ...]:
        columns = (ins[1].shape[-1],) if name == "weight_zero" and ins[1].rank == 2 else ()
        return ((), (1,), columns)

    def empty_axes(self) -> Empties:
        return "all"

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        self.check_integers(ins)
        (made,) = MatMul().shape(*[TensorType("f32", one.shape) for one in ins[:2]])
        return (TensorType("i32", made.shape),)

    def work(self, ins: Types, outs: Types) -> Work:
        return MatMul().work(ins[:2], outs)

    def window(self, ins: Types, outs: Types) -> Window:
        return MatMul().window(ins[:2], outs)

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        return MatMul().looks(ins[:2], outs, source, result) if source < 2 else (None,) * outs[0].rank


class ConvInteger(_Product, Windowed):
    """A convolution of integers, exact in i32: of ``x - zero`` with the weight ``w - weight_zero``, its second input.

    The weight is [channels, C / groups, kernel…]; what is padded stands for 0. MACs as of ``conv``.
    """

    name = "conv_integer"
    arity = (2, 2)
    sources = "ONNX ConvInteger"
    elsewhere = ("ConvInteger",)
    examples = (
        "conv_integer[8, 3] : u8[N,4,H,W], i8[8,4,3,3] -> i32[N,8,H,W]",
        "conv_integer[8, 3, stride=2, groups=2, zero=1] : u8[2,4,9], i8[8,2,3], u8[] -> i32[2,8,5]",
        "conv_integer[6, [1, 2], pad=valid, zero=1, weight_zero=1] : u8[2,6,4,5], u8[6,6,1,2], u8[], u8[]"
        " -> i32[2,6,4,4]",
    )

    channels: int = arg(Integer(1), doc="output channels")
    kernel: int | tuple[int, ...] = arg(PerAxis(1), doc="window size")
    stride: int | tuple[int, ...] = arg(PerAxis(1), 1, doc="step of the window")
    pad: str | int | tuple[int, ...] = arg(Padding(), "same", doc="padding rule, or numbers: begins, then ends")
    dilation: int | tuple[int, ...] = arg(PerAxis(1), 1, doc="distance between the taps of the window")
    groups: int = arg(Integer(1), 1, doc="independent groups of channels")
    zero: int | None = arg(Operand(), None, doc="the integer that stands for 0 in the map")
    weight_zero: int | None = arg(Operand(), None, doc="that in the weight")

    @property
    def of_floats(self) -> Conv:
        """The same convolution of floats."""
        return Conv(
            channels=self.channels, kernel=self.kernel, stride=self.stride, pad=self.pad, dilation=self.dilation,
            groups=self.groups, bias=False, weight=1,
        )  # fmt: skip

    def validate(self) -> None:
        self.of_floats.validate()

    def dilations(self, rank: int) -> tuple[int, ...]:
        return per_axis(self.dilation, rank, "`dilation`")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        self.check_integers(ins)
        if ins[1].rank != ins[0].rank:
            raise Refusal("E0301", f"the weight of `{self.name}` of {ins[0]} needs as many axes, not {ins[1]}")
        (made,) = self.of_floats.shape(*[TensorType("f32", one.shape) for one in ins[:2]])
        return (TensorType("i32", made.shape),)

    def work(self, ins: Types, outs: Types) -> Work:
        return self.of_floats.work(ins[:2], outs)

    def window(self, ins: Types, outs: Types) -> Window:
        return self.of_floats.window(ins[:2], outs)

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        return self.window(ins, outs) if source == 0 else (None,) * outs[0].rank
