"""Padding and cropping: more or fewer positions at the ends of axes, without arithmetic."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from archdsl import dim_order, dims
from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.ops.base import Empties, Op, Types, arg
from archdsl.ops.estimates import Interval, hull
from archdsl.ops.kinds import Axis, Choice, Dimension, Integer, Like, ListOf, Number, OneOf, Optional, PerAxis
from archdsl.ops.look import AxisWindow, Window
from archdsl.ops.operand_checks import need_value, resolve_axes
from archdsl.ops.windows import per_axis, spatial
from archdsl.shapes import TensorType

Axes = int | str | tuple[int | str, ...]


class Padded(Op):
    """Base: positions added before and after each axis."""

    @abstractmethod
    def pads(self, type: TensorType) -> tuple[tuple[Dim, Dim], ...]:
        """Positions added before and after every axis of the input."""

    def filling(self) -> tuple[str, float]:
        """What the new positions hold: the mode, and the number of ``constant``."""
        return "constant", 0.0

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        pads = self.pads(x)
        mode, value = self.filling()
        if mode == "constant":
            need_value(self.name, value, x.dtype)
        for axis, (size, ends) in enumerate(zip(x.shape, pads)):
            for end in ends if self.filling()[0] == "reflect" else ():
                if dim_order.at_least(size, end + 1) is False:
                    most = f"`mode = reflect` can add at most {size - 1} positions to axis {axis} of {x}"
                    raise Refusal("E0205", f"{most}, not {end}")
        return (x.with_shape(size + begin + end for size, (begin, end) in zip(x.shape, pads)),)

    def window(self, ins: Types, outs: Types) -> Window:
        return tuple(AxisWindow(i, 0, 1, -begin) for i, (begin, _) in enumerate(self.pads(ins[0])))

    def range(self, entering: Sequence[Interval]) -> Interval:
        mode, value = self.filling()
        return hull((entering[0], (value, value))) if mode == "constant" else entering[0]


class Pad(Padded):
    """Positions added at the ends of the spatial axes, or of those named by ``axis``.

    ``amount`` is one number for all ends, one for each axis, or all begins and then all ends, as in convolutions.
    ``mode`` fills them with ``value`` (``constant``), with the mirrored inside without the border (``reflect``), or
    with the border (``edge``).
    """

    name = "pad_axes"
    moves_data = True
    sources = "ONNX Pad"
    elsewhere = (
        "pad = pad_axes([top, left, bottom, right])",
        "ZeroPad2d = pad_axes([top, left, bottom, right])",
        "ZeroPadding2D = pad_axes([top, left, bottom, right])",
        "ReflectionPad2d = pad_axes([top, left, bottom, right], mode = reflect)",
        "ReplicationPad2d = pad_axes([top, left, bottom, right], mode = edge)",
    )
    examples = (
        "pad_axes[1] : f32[2,3,4,5] -> f32[2,3,6,7]",
        "pad_axes[[0, 1, 2, 3]] : f32[N,3,H,W] -> f32[N,3,H + 2,W + 4]",
        "pad_axes[2, mode=reflect] : f32[2,3,4] -> f32[2,3,8]",
        "pad_axes[[2, 0], mode=edge] : f32[2,3,4,5] -> f32[2,3,8,5]",
        "pad_axes[[0, 2], axis=1, value=1] : f32[2,3] -> f32[2,5]",
        "pad_axes[[2, 0], axis=t] : f32[N,T,8] -> f32[N,T + 2,8]",
        "pad_axes[[0, 4 * ((T + 3) // 4) - T], axis=t] : f32[N,T,8] -> f32[N,4 * ((T + 3) // 4),8]",
    )

    amount: Dim | tuple[Dim, ...] = arg(
        PerAxis(0, sizes=True), doc="positions added: for all, for each axis, or begins then ends"
    )
    axis: Axes | None = arg(Optional(OneOf((Axis(), ListOf(Axis())))), None, doc="the axes; the spatial ones if none")
    mode: str = arg(Choice(("constant", "reflect", "edge")), "constant", doc="what fills them")
    value: float = arg(Number(), 0.0, doc="the number that `constant` fills with")

    def filling(self) -> tuple[str, float]:
        return self.mode, self.value

    def empty_axes(self) -> Empties:
        return "all" if self.mode == "constant" else "none"

    def pads(self, type: TensorType) -> tuple[tuple[Dim, Dim], ...]:
        if self.axis is None:
            axes = tuple(range(2, 2 + len(spatial(type, self.name))))
        else:
            axes = resolve_axes(self.axis, type)
        count = len(axes)
        amount = self.amount if isinstance(self.amount, tuple) else (self.amount,) * count
        if len(amount) not in (count, 2 * count):
            wanted = f"{count} axes take 1, {count} or {2 * count}" if count > 1 else "one axis takes 1 or 2"
            raise Refusal("E0205", f"`amount` of `pad_axes` has {len(amount)} entries; {wanted}")
        found: list[tuple[Dim, Dim]] = [(0, 0)] * type.rank
        for axis, begin, end in zip(axes, amount[:count], amount[-count:]):
            found[axis] = (begin, end)
        return tuple(found)


class PadChannels(Padded):
    """``count`` channels of zeros after the others: the parameter-free shortcut of residual networks."""

    name = "pad_channels"
    moves_data = True
    sources = "ONNX Pad; arXiv:1512.03385 (option A), arXiv:1610.02915"
    examples = ("pad_channels[2] : f32[2,3,4,4] -> f32[2,5,4,4]", "pad_channels[8] : f32[N,8,H,W] -> f32[N,16,H,W]")

    count: int = arg(Integer(0), doc="how many")

    def pads(self, type: TensorType) -> tuple[tuple[Dim, Dim], ...]:
        if type.rank < 2:
            raise Refusal("E0301", f"`pad_channels` needs a channel axis, not {type}")
        return ((0, 0), (0, self.count), *((0, 0),) * (type.rank - 2))


class Crop(Op):
    """A window of the spatial axes: ``size`` positions, or as many as another tensor has (``like``).

    It lies in the middle (``offset = center``, rounded towards the start) or begins at ``offset``.
    """

    name = "crop"
    moves_data = True
    sources = "ONNX Slice; arXiv:1505.04597"
    elsewhere = ("CenterCrop",)
    examples = (
        "crop[3] : f32[2,3,6,7] -> f32[2,3,3,3]",
        "crop[[2, 4], offset=[1, 0]] : f32[2,3,6,7] -> f32[2,3,2,4]",
        "crop[like=f32[2,8,4,5]] : f32[2,3,6,8] -> f32[2,3,4,5]",
        "crop[like=f32[N,8,H - 4,W - 4]] : f32[N,3,H,W] -> f32[N,3,H - 4,W - 4]",
    )

    size: Dim | tuple[Dim, ...] | None = arg(
        Optional(OneOf((Dimension(1), ListOf(Dimension(1))))), None, doc="positions on each spatial axis"
    )
    like: TensorType | None = arg(Like(), None, doc="a tensor with the wanted spatial sizes")
    offset: str | int | tuple[int, ...] = arg(
        OneOf((Choice(("center",)), PerAxis(0))), "center", doc="where the window begins"
    )

    def validate(self) -> None:
        if (self.size is None) == (self.like is None):
            raise Refusal("E0203", "`crop` needs either `size` or `like`")

    def sizes(self, type: TensorType) -> tuple[Dim, ...]:
        """The size of each spatial axis of the result."""
        return target(self.size, self.like, len(spatial(type, self.name)), self.name)

    def offsets(self, type: TensorType) -> tuple[Dim, ...]:
        """Where the window begins on each spatial axis."""
        if isinstance(self.offset, str):
            return tuple(dims.floordiv(n - size, 2) for n, size in zip(type.shape[2:], self.sizes(type)))
        return per_axis(self.offset, type.rank - 2, "`offset`")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        sizes = self.sizes(x)
        for n, size, begin in zip(x.shape[2:], sizes, self.offsets(x)):
            if dim_order.at_least(n, size) is False or dim_order.at_least(n, size + begin) is False:
                raise Refusal("E0303", f"{size} positions from {begin} on do not fit into the {n} positions of {x}")
        return (x.with_shape([*x.shape[:2], *sizes]),)

    def window(self, ins: Types, outs: Types) -> Window:
        moved = (AxisWindow(i + 2, 0, 1, begin) for i, begin in enumerate(self.offsets(ins[0])))
        return (AxisWindow(0), AxisWindow(1), *moved)

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0]


def target(size: Dim | tuple[Dim, ...] | None, like: TensorType | None, rank: int, name: str) -> tuple[Dim, ...]:
    """Spatial sizes given as one number, one for each axis, or by another tensor."""
    if like is not None:
        if like.rank != rank + 2:
            raise Refusal("E0301", f"`like` of `{name}` must have {rank + 2} axes as the input has, not {like}")
        return like.shape[2:]
    if isinstance(size, tuple):
        if len(size) != rank:
            raise Refusal("E0205", f"`size` of `{name}` has {len(size)} entries for {rank} spatial axes")
        return size
    assert size is not None
    return (size,) * rank
