"""The same elements under another shape, or with their axes in another order. None of it is arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl import dim_order, dims
from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.ops.base import Op, Types, arg
from archdsl.ops.estimates import Interval
from archdsl.ops.kinds import Axis, Dimension, Integer, ListOf, OneOf
from archdsl.ops.look import AxisWindow, Repeated, Window
from archdsl.ops.operand_checks import insertion, resolve_axes, undecided
from archdsl.shapes import Shape, TensorType, resolve_axis, show_shape


def aligned(before: Shape, after: Shape) -> Window:
    """The window of a reshape: an output axis stems from the input axis of its size that has as many elements before
    it (and therefore after it); ``None`` for axes that were merged or split.
    """
    starts: dict[tuple[Dim, Dim], list[int]] = {}
    count: Dim = 1
    for i, size in enumerate(before):
        starts.setdefault((count, size), []).append(i)
        count = count * size
    axes: list[AxisWindow | None] = []
    count = 1
    for size in after:
        found = starts.get((count, size))
        axes.append(AxisWindow(found.pop(0)) if found else None)
        count = count * size
    return tuple(axes)


class _View(Op):
    """Base: elements in row-major order, under another shape."""

    role = "view"

    def window(self, ins: Types, outs: Types) -> Window:
        return aligned(ins[0].shape, outs[0].shape)

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0]


class Flatten(_View):
    """The axes from ``axis`` on, merged into one: [N, C, H, W] -> [N, C * H * W]."""

    name = "flatten"
    sources = "ONNX Flatten, Reshape"
    examples = (
        "flatten : f32[2,3,4,5] -> f32[2,60]",
        "flatten : f32[N,8,H,W] -> f32[N,8 * H * W]",
        "flatten[2] : f32[N,8,4,4] -> f32[N,8,16]",
        "flatten : f32[2,3] -> f32[2,3]",
    )

    axis: int | str = arg(Axis(), 1, doc="the first of the merged axes")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        axis = resolve_axis(self.axis, x)
        return (x.with_shape([*x.shape[:axis], dims.product(x.shape[axis:])]),)


class Reshape(_View):
    """The elements in row-major order under a new shape; one size may be -1, which is then inferred."""

    name = "reshape"
    sources = "ONNX Reshape"
    elsewhere = ("view",)
    examples = (
        "reshape[[2, 3, 2, 4, 4]] : f32[2,6,4,4] -> f32[2,3,2,4,4]",
        "reshape[[N, 2, -1, H, W]] : f32[N,6,H,W] -> f32[N,2,3,H,W]",
        "reshape[[N, -1, 4]] : f32[N,5,5,8] -> f32[N,50,4]",
        "reshape[[-1]] : f32[2,3] -> f32[6]",
    )

    to: Shape = arg(ListOf(Dimension(-1)), doc="the new sizes; -1 for the one that follows from the others")

    def validate(self) -> None:
        if self.to.count(-1) > 1:
            raise Refusal("E0205", f"`reshape` can infer one size, but {show_shape(self.to)} leaves several open")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        if 0 in self.to and x.elements != 0:
            raise Refusal("E0205", "a size in `reshape` must be positive, not 0", help="write the size, or its symbol")
        given = dims.product(size for size in self.to if size != -1)
        rest = self._inferred(x, given) if -1 in self.to else 1
        if rest * given != x.elements:
            if dim_order.equal(rest * given, x.elements) is None:
                open_ = undecided(
                    f"whether {show_shape(x.shape)} can become {show_shape(self.to)}", (x.elements, given)
                )
                if dims.product(x.shape[1:]) == given:
                    open_.help = f"the batch is an axis, too: `reshape({show_shape((x.shape[0], *self.to))})`"
                raise open_
            takes = f"{show_shape(self.to)} takes {'multiples of ' if -1 in self.to else ''}{given}"
            raise Refusal("E0303", f"{show_shape(x.shape)} has {x.elements} elements, {takes}")
        return (x.with_shape(rest if size == -1 else size for size in self.to),)

    def _inferred(self, x: TensorType, given: Dim) -> Dim:
        """The size in the place of -1; of nothing, what is left of the sizes that are not given."""
        if given != 0:
            return dims.floordiv(x.elements, given)
        left = list(self.to)
        rest = [size for size in x.shape if size not in left or left.remove(size)]  # type: ignore[func-returns-value]
        return dims.floordiv(dims.product(rest), dims.product(size for size in left if size != -1))

    def misread(self, ins: Types) -> tuple[str, str] | None:
        (x,) = ins
        if self.to != (-1,) or x.rank < 2 or isinstance(x.shape[0], int):
            return None
        return "`reshape([-1])` makes one vector of the whole batch", "`flatten` makes a vector of each sample"


class Squeeze(_View):
    """The input without axes of size 1: [N, C, 1, 1] -> [N, C] with ``squeeze([h, w])``."""

    name = "squeeze"
    sources = "ONNX Squeeze"
    examples = (
        "squeeze[1] : f32[2,1,4] -> f32[2,4]",
        "squeeze[[h, w]] : f32[N,8,1,1] -> f32[N,8]",
        "squeeze[-1] : f32[N,T,1] -> f32[N,T]",
    )

    axis: int | str | tuple[int | str, ...] = arg(OneOf((Axis(), ListOf(Axis()))), doc="the axis, or a list of axes")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        gone = resolve_axes(self.axis, x)
        for axis in gone:
            if x.shape[axis] == 1:
                continue
            if dim_order.equal(x.shape[axis], 1) is None:
                raise undecided(f"whether axis {axis} of {x} has size 1", (x.shape[axis],))
            raise Refusal("E0303", f"`squeeze` removes axes of size 1, but axis {axis} of {x} has {x.shape[axis]}")
        return (x.with_shape(size for i, size in enumerate(x.shape) if i not in gone),)

    def window(self, ins: Types, outs: Types) -> Window:
        gone = resolve_axes(self.axis, ins[0])
        return tuple(AxisWindow(i) for i in range(ins[0].rank) if i not in gone)


class Unsqueeze(_View):
    """The input with new axes of size 1: [N, C] -> [N, C, 1, 1] with ``unsqueeze([2, 3])``, places in the result."""

    name = "unsqueeze"
    sources = "ONNX Unsqueeze"
    elsewhere = ("expand_dims",)
    examples = (
        "unsqueeze[1] : f32[2,4] -> f32[2,1,4]",
        "unsqueeze[-1] : f32[N,T] -> f32[N,T,1]",
        "unsqueeze[[2, 3]] : f32[N,8] -> f32[N,8,1,1]",
    )

    axis: int | tuple[int, ...] = arg(OneOf((Integer(), ListOf(Integer()))), doc="the new axis, or a list of them")

    def added(self, type: TensorType) -> tuple[int, ...]:
        """The indices of the new axes in the result, in ascending order."""
        wanted = (self.axis,) if isinstance(self.axis, int) else self.axis
        rank = type.rank + len(wanted)
        found = sorted(insertion(axis, rank, self.name) for axis in wanted)
        if len(set(found)) != len(found):
            raise Refusal("E0308", f"`unsqueeze` names an axis twice: {', '.join(map(str, wanted))}")
        return tuple(found)

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        sizes = list(x.shape)
        for axis in self.added(x):
            sizes.insert(axis, 1)
        return (x.with_shape(sizes),)

    def window(self, ins: Types, outs: Types) -> Window:
        axes: list[AxisWindow | None] = [AxisWindow(i) for i in range(ins[0].rank)]
        for axis in self.added(ins[0]):
            axes.insert(axis, None)
        return tuple(axes)


class Permute(Op):
    """The axes in another order: axis i of the result is axis ``order[i]`` of the input."""

    name = "permute"
    moves_data = True
    sources = "ONNX Transpose"
    examples = (
        "permute[[0, 2, 3, 1]] : f32[N,8,H,W] -> f32[N,H,W,8]",
        "permute[[1, 0]] : f32[2,3] -> f32[3,2]",
        "permute[[0, h, w, c]] : f32[2,3,4,5] -> f32[2,4,5,3]",
    )

    order: tuple[int | str, ...] = arg(ListOf(Axis()), doc="every axis once")

    def resolved(self, type: TensorType) -> tuple[int, ...]:
        """The order as non-negative indices."""
        found = resolve_axes(self.order, type)
        if len(found) != type.rank:
            help = "name every axis once, the batch as 0: `permute([0, 2, 1])`"
            raise Refusal("E0308", f"`permute` names {len(found)} axes, but {type} has {type.rank}", help=help)
        return found

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        return (x.with_shape(x.shape[axis] for axis in self.resolved(x)),)

    def window(self, ins: Types, outs: Types) -> Window:
        return tuple(AxisWindow(axis) for axis in self.resolved(ins[0]))

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0]


class Transpose(Op):
    """Two axes exchanged, by default the last two: ``q @ transpose(k)``."""

    name = "transpose"
    moves_data = True
    sources = "ONNX Transpose"
    examples = (
        "transpose : f32[2,3,4] -> f32[2,4,3]",
        "transpose : f32[N,2,T,8] -> f32[N,2,8,T]",
        "transpose[1, 2] : f32[N,T,2,8] -> f32[N,2,T,8]",
    )

    first: int | str = arg(Axis(), -2, doc="one axis")
    second: int | str = arg(Axis(), -1, doc="the other")

    def resolved(self, type: TensorType) -> tuple[int, ...]:
        """The order of the input's axes in the result."""
        a, b = resolve_axis(self.first, type), resolve_axis(self.second, type)
        order = list(range(type.rank))
        order[a], order[b] = b, a
        return tuple(order)

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        return (x.with_shape(x.shape[axis] for axis in self.resolved(x)),)

    def window(self, ins: Types, outs: Types) -> Window:
        return tuple(AxisWindow(axis) for axis in self.resolved(ins[0]))

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0]


class Expand(Op):
    """Axes of size 1 repeated to a new size, and new axes in front; -1 leaves a size as it is."""

    name = "broadcast_to"
    moves_data = True
    sources = "ONNX Expand"
    elsewhere = ("expand",)
    examples = (
        "broadcast_to[[2, 3, 4]] : f32[3,1] -> f32[2,3,4]",
        "broadcast_to[[-1, 8, -1, -1]] : f32[N,1,H,W] -> f32[N,8,H,W]",
        "broadcast_to[[4, 5]] : f32[] -> f32[4,5]",
    )

    to: Shape = arg(ListOf(Dimension(-1)), doc="the new sizes; -1 for sizes that stay")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        new = len(self.to) - x.rank
        if new < 0 or -1 in self.to[:new]:
            raise Refusal("E0301", f"{x} cannot expand to {show_shape(self.to)}", help="new axes stand in front")
        sizes = [*self.to[:new]]
        for old, size in zip(x.shape, self.to[new:]):
            if size != -1 and old not in (1, size):
                if dim_order.stretches(old, size) is None:
                    raise undecided(f"whether {x} can expand to {show_shape(self.to)}", (old, size))
                raise Refusal("E0303", f"{x} cannot expand to {show_shape(self.to)}: {old} is neither 1 nor {size}")
            sizes.append(old if size == -1 else size)
        return (x.with_shape(sizes),)

    def window(self, ins: Types, outs: Types) -> Window:
        return stretched(ins[0].shape, outs[0].shape)

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0]


def stretched(before: Sequence[Dim], after: Sequence[Dim]) -> Window:
    """The window of a broadcast, aligned from the right; ``None`` where an axis is new."""
    new = len(after) - len(before)
    return (None,) * new + tuple(
        AxisWindow(i) if old == after[new + i] else Repeated(i) for i, old in enumerate(before)
    )  # fmt: skip
