"""Writing at computed positions: the counterparts of ``take`` and ``gather_elements``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

from archdsl.diagnostics import Refusal
from archdsl.element_types import NUMBERS
from archdsl.ops.base import Empties, Ends, Op, Types, Work, arg
from archdsl.ops.estimates import EVERYTHING, Interval, hull, same_sign
from archdsl.ops.kinds import Axis, Choice, Integer
from archdsl.ops.look import AxisWindow, Window, pass_through
from archdsl.ops.operand_checks import (
    along_elements,
    common,
    need_dtype,
    need_equal,
    need_positions,
    same_dtype,
)
from archdsl.shapes import TensorType, resolve_axis

REDUCTIONS = ("none", "add", "mul", "max", "min")


class _Scattering(Op):
    """Base: ``x`` with ``updates`` written at, or taken into, the positions ``at``."""

    arity = (3, 3)

    axis: int | str = arg(Axis(), doc="the axis")
    reduce: str = arg(Choice(REDUCTIONS), "none", doc="what becomes of the element that was there")

    def empty_axes(self) -> Empties:
        return "none"

    def checked(self, x: TensorType, at: TensorType, updates: TensorType) -> int:
        """The index of the axis; refuses element types that do not fit."""
        need_positions(self.name, at)
        same_dtype(self.name, (x, updates))
        if self.reduce != "none":
            need_dtype(self.name, x, NUMBERS)
        return resolve_axis(self.axis, x)

    def work(self, ins: Types, outs: Types) -> Work:
        count = ins[2].elements
        match self.reduce:
            case "add":
                return Work(add=count)
            case "mul":
                return Work(mul=count)
            case "max" | "min":
                return Work(cmp=count)
        return Work()

    def integers(self, ins: Types, outs: Types, asked: Ends | None, entering: Sequence[Interval]) -> Mapping[int, Ends]:
        positions: dict[int, Ends] = {1: (0, ins[0].shape[resolve_axis(self.axis, ins[0])] - 1)}
        return positions if asked is None or self.reduce in ("add", "mul") else {0: asked, 2: asked, **positions}

    def window(self, ins: Types, outs: Types) -> Window:
        return pass_through(ins[0].rank)

    def range(self, entering: Sequence[Interval]) -> Interval:
        both = hull((entering[0], entering[2]))
        if self.reduce == "mul":
            return (0.0, inf) if both[0] >= 0 else EVERYTHING
        return same_sign(both) if self.reduce == "add" else both


class ScatterElements(_Scattering):
    """``x`` with single elements replaced: along ``axis``, at the position that ``at`` names in its place.

    ``y[n, at[n, t, f], f] = updates[n, t, f]`` for ``axis = 1``; ``at`` (i64 or i32) has the shape of ``updates`` and
    as many axes as ``x``. ``reduce`` takes each update into what is there, so that positions may repeat; with ``none``,
    which of several wins is not defined. One addition, multiplication or comparison for each update.
    """

    name = "scatter_elements"
    sources = "ONNX ScatterElements; torch.scatter_reduce"
    elsewhere = ("scatter_reduce", "scatter_add", "put_along_axis")
    examples = (
        "scatter_elements[axis=1, reduce=add] : f32[2,5,3], i64[2,4,3], f32[2,4,3] -> f32[2,5,3]",
        "scatter_elements[axis=-1, reduce=max] : f32[N,T,6], i64[N,T,2], f32[N,T,2] -> f32[N,T,6]",
        "scatter_elements[axis=0, reduce=mul] : i64[4,5], i32[2,3], i64[2,3] -> i64[4,5]",
        "scatter_elements[axis=1] : f32[N,4], i64[N,1], f32[N,1] -> f32[N,4]",
    )

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        x, at, updates = ins
        axis = self.checked(x, at, updates)
        along_elements(self.name, axis, x, at)
        if updates.rank != at.rank:
            raise Refusal("E0301", f"the updates {updates} of `{self.name}` need the shape of the positions {at}")
        for i, (size, count) in enumerate(zip(at.shape, updates.shape)):
            need_equal(f"axes {i} of the positions and the updates of `{self.name}`", size, count, (at, updates))
        return (x,)

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        axis = resolve_axis(self.axis, ins[0]) if source else -1
        return tuple(None if i == axis else AxisWindow(i) for i in range(ins[0].rank))


class Scatter(_Scattering):
    """``x`` with whole slices replaced: ``scatter(x, at, updates, axis = 1)`` writes where ``take(x, at, axis = 1)``
    reads.

    ``at`` (i64 or i32) names positions of ``axis``, and ``updates`` has the shape that ``take`` would give; with
    ``batch = n`` the first n axes have positions of their own. ``reduce = add`` is the sum over segments of graph
    networks and voxel grids; with ``none``, which of several updates of one position wins is not defined. One addition,
    multiplication or comparison for each element of ``updates``.
    """

    name = "scatter"
    sources = "ONNX ScatterND; torch.index_add, index_reduce"
    elsewhere = ("ScatterND", "index_add", "index_put", "index_copy", "segment_sum")
    examples = (
        "scatter[axis=0, reduce=add] : f32[6,3], i64[T], f32[T,3] -> f32[6,3]",
        "scatter[axis=1, batch=1, reduce=max] : f32[N,5,3], i64[N,4], f32[N,4,3] -> f32[N,5,3]",
        "scatter[axis=2, reduce=min] : f32[2,3,5], i32[2,2], f32[2,3,2,2] -> f32[2,3,5]",
        "scatter[axis=1, batch=1] : f32[N,5,3], i64[N], f32[N,3] -> f32[N,5,3]",
    )

    batch: int = arg(Integer(0), 0, doc="how many of the first axes are common to all")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        x, at, updates = ins
        axis = self.checked(x, at, updates)
        common(self.name, self.batch, axis, x, at)
        wanted = x.with_shape([*x.shape[:axis], *at.shape[self.batch :], *x.shape[axis + 1 :]])
        if updates.rank != wanted.rank:
            raise Refusal("E0301", f"`{self.name}` of {x} at {at} needs updates {wanted}, not {updates}")
        for i, (size, count) in enumerate(zip(wanted.shape, updates.shape)):
            need_equal(f"axes {i} of the updates of `{self.name}`", size, count, (wanted, updates))
        return (x,)

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        if source == 0:
            return self.window(ins, outs)
        axis, rank = resolve_axis(self.axis, ins[0]), ins[0].rank
        if source == 1:
            return tuple(AxisWindow(i) if i < self.batch else None for i in range(rank))
        new = ins[2].rank - rank
        return tuple(None if i == axis else AxisWindow(i if i < axis else i + new) for i in range(rank))
