"""Positions in reverse order: of whole axes, and of the beginnings of sequences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archdsl.diagnostics import Refusal
from archdsl.ops.base import Ends, Op, Types, arg
from archdsl.ops.estimates import Interval
from archdsl.ops.kinds import Axis, ListOf, OneOf
from archdsl.ops.look import AxisWindow, Window
from archdsl.ops.operand_checks import need_equal, need_positions, need_rank, resolve_axes
from archdsl.shapes import TensorType, resolve_axis

Axes = int | str | tuple[int | str, ...]


class Reverse(Op):
    """The positions of ``axis`` in reverse order."""

    name = "reverse"
    moves_data = True
    sources = "ONNX Slice with step -1"
    examples = ("reverse[1] : f32[2,3] -> f32[2,3]", "reverse[axis=t] : f32[N,T,8] -> f32[N,T,8]")

    axis: Axes = arg(OneOf((Axis(), ListOf(Axis()))), doc="the axis, or a list of axes")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        resolve_axes(self.axis, ins[0])
        return (ins[0],)

    def window(self, ins: Types, outs: Types) -> Window:
        turned = resolve_axes(self.axis, ins[0])
        sizes = enumerate(ins[0].shape)
        return tuple(AxisWindow(i, 0, -1, size - 1) if i in turned else AxisWindow(i) for i, size in sizes)

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0]


class ReverseSequence(Op):
    """The first positions of each sequence in reverse order, as many as a second tensor says; the others stay.

    Lengths are i64 or i32, one for each position of ``batch``, from 0 to the size of ``axis``.
    """

    name = "reverse_sequence"
    moves_data = True
    arity = (2, 2)
    sources = "ONNX ReverseSequence; tf.reverse_sequence"
    examples = (
        "reverse_sequence : f32[N,T,8], i64[N] -> f32[N,T,8]",
        "reverse_sequence[axis=0, batch=1] : f32[T,3,8], i32[3] -> f32[T,3,8]",
    )

    axis: int | str = arg(Axis(), 1, doc="the axis of positions")
    batch: int | str = arg(Axis(), 0, doc="the axis of sequences")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        x, lengths = ins
        axes = resolve_axes((self.axis, self.batch), x)
        if set(axes) != {0, 1}:
            raise Refusal("E0205", f"`{self.name}` takes sequences and positions on the first two axes, not on {axes}")
        batch = axes[1]
        need_positions(self.name, lengths)
        need_rank(self.name, lengths, 1, "of lengths, one for each sequence")
        need_equal("the number of lengths and of sequences", lengths.shape[0], x.shape[batch], (lengths, x))
        return (x,)

    def integers(self, ins: Types, outs: Types, asked: Ends | None, entering: Sequence[Interval]) -> Mapping[int, Ends]:
        lengths: dict[int, Ends] = {1: (0, ins[0].shape[resolve_axis(self.axis, ins[0])])}
        return lengths if asked is None else {0: asked, **lengths}

    def window(self, ins: Types, outs: Types) -> Window:
        axis = resolve_axis(self.axis, ins[0])
        return tuple([None if i == axis else AxisWindow(i) for i in range(ins[0].rank)])

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        if source == 0:
            return self.window(ins, outs)
        batch = resolve_axis(self.batch, ins[0])
        return tuple(AxisWindow(0) if i == batch else None for i in range(ins[0].rank))

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0]
