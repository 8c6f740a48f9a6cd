"""Parts of a tensor: slices, single positions, chosen positions, repetitions. None of it is arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archdsl import dim_order, dims
from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.ops.base import Empties, Ends, Op, Types, arg
from archdsl.ops.estimates import Interval
from archdsl.ops.kinds import Axis, Dimension, Integer, ListOf, Optional
from archdsl.ops.look import AxisWindow, Window, pass_through
from archdsl.ops.operand_checks import (
    along_elements,
    at_least_rank,
    common,
    need_positions,
    static_size,
    undecided,
)
from archdsl.shapes import TensorType, resolve_axis

Axes = int | str | tuple[int | str, ...]


def inside(value: Dim, size: Dim, last: int, what: str) -> Dim:
    """``value`` as a position from the start (negative ones count from the end), at most ``size + last``."""
    position = size + value if isinstance(value, int) and value < 0 else value
    for pair in ((position, 0), (size + last, position)):
        answer = dim_order.at_least(*pair)
        if answer is False:
            raise Refusal("E0205", f"{what} is {value}, outside of an axis of {size} positions")
        if answer is None:
            raise undecided(f"whether {what} = {value} lies on an axis of {size} positions", (size, value), pair)
    return position


class Slice(Op):
    """Every ``step``-th position of ``axis`` from ``start`` up to, but without, ``stop``.

    Negative bounds count from the end. Unlike Python's, bounds outside of the axis are errors.
    """

    name = "slice"
    moves_data = True
    sources = "ONNX Slice"
    examples = (
        "slice[axis=1, stop=2] : f32[2,5] -> f32[2,2]",
        "slice[1, 1, -1] : f32[2,5,3] -> f32[2,3,3]",
        "slice[axis=h, step=2] : f32[2,3,5,5] -> f32[2,3,3,5]",
        "slice[axis=w, start=1] : f32[N,3,H,W] -> f32[N,3,H,W - 1]",
        "slice[axis=t, start=-1] : f32[N,T,8] -> f32[N,1,8]",
    )

    axis: int | str = arg(Axis(), doc="the axis")
    start: Dim = arg(Dimension(None), 0, doc="the first position")
    stop: Dim | None = arg(Optional(Dimension(None)), None, doc="the first position after the last; the end if none")
    step: int = arg(Integer(1), 1, doc="distance of the positions")

    def bounds(self, type: TensorType) -> tuple[Dim, Dim]:
        """First position and the one after the last, both from the start of the axis."""
        size = type.shape[resolve_axis(self.axis, type)]
        stop = size
        if self.stop is not None:
            from_end = isinstance(self.stop, int) and self.stop < 0
            stop = size + self.stop if from_end else inside(self.stop, size, 0, "`stop` of `slice`")
        # A start counted from the front leaves a size that shows what it needs (T - 5): nothing to decide.
        counted = isinstance(self.start, int) and self.start >= 0 and not isinstance(size, int)
        start = self.start if counted else inside(self.start, size, 0, "`start` of `slice`")
        if dim_order.at_least(stop - start, 1) is False:
            raise Refusal("E0205", f"`slice` from {start} to {stop} of {size} positions is empty")
        return start, stop

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        axis = resolve_axis(self.axis, x)
        start, stop = self.bounds(x)
        size = dims.ceildiv(stop - start, self.step)
        return (x.with_shape([*x.shape[:axis], size, *x.shape[axis + 1 :]]),)

    def window(self, ins: Types, outs: Types) -> Window:
        axis = resolve_axis(self.axis, ins[0])
        start, _ = self.bounds(ins[0])
        axes = list(pass_through(ins[0].rank))
        axes[axis] = AxisWindow(axis, 0, self.step, start)
        return tuple(axes)

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0]


class Select(Op):
    """One position of ``axis``, which goes away: [N, T, F] -> [N, F] with ``select(axis = t, -1)``."""

    name = "select"
    moves_data = True
    sources = "ONNX Gather"
    examples = (
        "select[1, 2] : f32[2,5,3] -> f32[2,3]",
        "select[axis=t, index=-1] : f32[N,T,8] -> f32[N,8]",
        "select[axis=0, index=0] : f32[N,3] -> f32[3]",
    )

    axis: int | str = arg(Axis(), doc="the axis")
    index: int = arg(Integer(), doc="the position; negative ones count from the end")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        axis = resolve_axis(self.axis, x)
        inside(self.index, x.shape[axis], -1, "`index` of `select`")
        return (x.with_shape([*x.shape[:axis], *x.shape[axis + 1 :]]),)

    def window(self, ins: Types, outs: Types) -> Window:
        gone = resolve_axis(self.axis, ins[0])
        return tuple(AxisWindow(i) for i in range(ins[0].rank) if i != gone)

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0]


class Gather(Op):
    """These positions of ``axis``, by default channels, in this order: ``gather([0, 2, 4])``. They may repeat."""

    name = "gather"
    moves_data = True
    sources = "ONNX Gather"
    examples = (
        "gather[[0, 2, 4]] : f32[2,6,4,4] -> f32[2,3,4,4]",
        "gather[[1, 0], axis=-1] : f32[N,T,2] -> f32[N,T,2]",
        "gather[[-1, 0, 0], axis=1] : f32[2,3] -> f32[2,3]",
    )

    indices: tuple[int, ...] = arg(ListOf(Integer()), doc="the positions; negative ones count from the end")
    axis: int | str = arg(Axis(), "c", doc="the axis")

    def validate(self) -> None:
        if not self.indices:
            raise Refusal("E0205", "`gather` needs at least one position")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        axis = resolve_axis(self.axis, x)
        for index in self.indices:
            inside(index, x.shape[axis], -1, "a position of `gather`")
        return (x.with_shape([*x.shape[:axis], len(self.indices), *x.shape[axis + 1 :]]),)

    def window(self, ins: Types, outs: Types) -> Window:
        return _all_but((resolve_axis(self.axis, ins[0]),), ins[0].rank)

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0]


class Take(Op):
    """The positions of ``axis`` that a second tensor names: ``take(x, at, axis = 1)``.

    The axis gives way to the axes of ``at`` (i64 or i32): [N, S, F] and [T] give [N, T, F]. With ``batch = n`` the
    first n axes of both are the same ones, and each row has positions of its own: [N, T, F] and [N] give [N, F].
    """

    name = "take"
    moves_data = True
    sources = "ONNX Gather, GatherND; numpy.take; the batch_dims of tf.gather"
    elsewhere = ("index_select",)
    arity = (2, 2)
    examples = (
        "take[axis=1] : f32[2,5,3], i64[4] -> f32[2,4,3]",
        "take[axis=0] : f32[6,3], i64[N,T] -> f32[N,T,3]",
        "take[axis=-1] : f32[2,5], i64[] -> f32[2]",
        "take[axis=1, batch=1] : f32[N,5,3], i64[N] -> f32[N,3]",
        "take[axis=1, batch=1] : f32[2,5,3], i64[2,4,2] -> f32[2,4,2,3]",
        "take[axis=2, batch=1] : f32[N,T,4,6], i32[N,3] -> f32[N,T,3,6]",
    )

    axis: int | str = arg(Axis(), doc="the axis")
    batch: int = arg(Integer(0), 0, doc="how many of the first axes are common to both")

    def empty_axes(self) -> Empties:
        return "none"

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        x, at = ins
        need_positions(self.name, at)
        axis = resolve_axis(self.axis, x)
        common(self.name, self.batch, axis, x, at)
        return (x.with_shape([*x.shape[:axis], *at.shape[self.batch :], *x.shape[axis + 1 :]]),)

    def integers(self, ins: Types, outs: Types, asked: Ends | None, entering: Sequence[Interval]) -> Mapping[int, Ends]:
        positions: dict[int, Ends] = {1: (0, ins[0].shape[resolve_axis(self.axis, ins[0])] - 1)}
        return positions if asked is None else {0: asked, **positions}

    def window(self, ins: Types, outs: Types) -> Window:
        x, at = ins
        axis = resolve_axis(self.axis, x)
        before, after = range(axis), range(axis + 1, x.rank)
        return (*map(AxisWindow, before), *(None,) * (at.rank - self.batch), *map(AxisWindow, after))

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        if source == 0:
            return self.window(ins, outs)
        x, at = ins
        axis = resolve_axis(self.axis, x)
        before = (AxisWindow(i) if i < self.batch else None for i in range(axis))
        return (*before, *map(AxisWindow, range(self.batch, at.rank)), *(None,) * (x.rank - axis - 1))

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0]


class GatherElements(Op):
    """Along ``axis``, the element at the position that a tensor of as many axes names in its place.

    ``y[n, t, f] = x[n, at[n, t, f], f]`` for ``axis = 1``; the result has the shape of ``at`` (i64 or i32), whose other
    axes are at most as long as those of ``x``. Negative positions count from the end.
    """

    name = "gather_elements"
    moves_data = True
    sources = "ONNX GatherElements; torch.gather; numpy.take_along_axis"
    elsewhere = ("take_along_dim", "take_along_axis")
    arity = (2, 2)
    examples = (
        "gather_elements[axis=1] : f32[2,5,3], i64[2,4,3] -> f32[2,4,3]",
        "gather_elements[axis=-1] : f32[N,T,6], i64[N,T,2] -> f32[N,T,2]",
        "gather_elements[axis=0] : f32[4,5], i32[7,3] -> f32[7,3]",
    )

    axis: int | str = arg(Axis(), doc="the axis")

    def empty_axes(self) -> Empties:
        return "none"

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        x, at = ins
        need_positions(self.name, at)
        along_elements(self.name, resolve_axis(self.axis, x), x, at)
        return (x.with_shape(at.shape),)

    def integers(self, ins: Types, outs: Types, asked: Ends | None, entering: Sequence[Interval]) -> Mapping[int, Ends]:
        positions: dict[int, Ends] = {1: (0, ins[0].shape[resolve_axis(self.axis, ins[0])] - 1)}
        return positions if asked is None else {0: asked, **positions}

    def window(self, ins: Types, outs: Types) -> Window:
        return _all_but((resolve_axis(self.axis, ins[0]),), ins[0].rank)

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        return pass_through(ins[1].rank) if source == 1 else self.window(ins, outs)

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0]


class GatherND(Op):
    """The elements, or slices, at the coordinates that a second tensor names along its last axis.

    ``gather_nd(boxes, picked)`` with ``picked`` [K, 2] is ``boxes[sample, box]`` for each of the K lines: [N, B, 4]
    gives [K, 4]. Coordinates are i64 or i32, of the first axes; negative ones count from the end.
    """

    name = "gather_nd"
    moves_data = True
    sources = "ONNX GatherND; numpy's indexing with arrays; tf.gather_nd"
    arity = (2, 2)
    examples = (
        "gather_nd : f32[3,5,4], i64[6,2] -> f32[6,4]",
        "gather_nd : f32[4,T,3], i64[N,S,2] -> f32[N,S,3]",
        "gather_nd : f32[3,5,4], i32[7,3] -> f32[7]",
    )

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        x, at = ins
        need_positions(self.name, at)
        at_least_rank(self.name, at, 1, "with an axis of coordinates")
        count = static_size(at, at.rank - 1, "the number of coordinates")
        if count > x.rank:
            raise Refusal("E0303", f"`{self.name}` of {x} takes at most {x.rank} coordinates, not the {count} of {at}")
        return (x.with_shape([*at.shape[:-1], *x.shape[count:]]),)

    def window(self, ins: Types, outs: Types) -> Window:
        x, at = ins
        kept = outs[0].rank - at.rank + 1
        return (*(None,) * (at.rank - 1), *map(AxisWindow, range(x.rank - kept, x.rank)))

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        if source == 0:
            return self.window(ins, outs)
        rows = ins[1].rank - 1
        return (*map(AxisWindow, range(rows)), *(None,) * (outs[0].rank - rows))

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0]


class Tile(Op):
    """The whole tensor, repeated along every axis: one count for each."""

    name = "tile"
    moves_data = True
    sources = "ONNX Tile"
    examples = ("tile[[1, 2, 3]] : f32[2,3,4] -> f32[2,6,12]", "tile[[1, 4]] : f32[N,3] -> f32[N,12]")

    counts: tuple[int, ...] = arg(ListOf(Integer(1)), doc="how often, for each axis")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        if len(self.counts) != x.rank:
            raise Refusal("E0205", f"`counts` of `tile` has {len(self.counts)} entries, {x} has {x.rank} axes")
        return (x.with_shape(size * count for size, count in zip(x.shape, self.counts)),)

    def window(self, ins: Types, outs: Types) -> Window:
        return _all_but(tuple(i for i, count in enumerate(self.counts) if count > 1), ins[0].rank)

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0]


def _all_but(whole: tuple[int, ...], rank: int) -> Window:
    return tuple(None if i in whole else AxisWindow(i) for i in range(rank))
