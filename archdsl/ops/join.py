"""Joining tensors along an axis, and taking one apart."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl import dim_order
from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.element_types import FLOATS
from archdsl.ops.base import Op, Types, Work, arg
from archdsl.ops.estimates import Interval, Moments, hull, mixture, product_sign
from archdsl.ops.kinds import Axis, Dimension, Integer, ListOf, OneOf, Operand
from archdsl.ops.look import AxisWindow, Window
from archdsl.ops.operand_checks import divide, insertion, need_dtype, need_equal, same_dtype
from archdsl.shapes import TensorType, resolve_axis, show_shape


def channels(type: TensorType) -> int:
    """The channels of a tensor, where they are known; 1 elsewhere."""
    size = type.shape[1] if type.rank > 1 else 1
    return size if isinstance(size, int) else 1


class Concat(Op):
    """The inputs one after another along ``axis``, by default the channels; all other sizes agree.

    ``(a, b) -> concat``, ``x -> concat(skip)`` (x first), ``parallel(concat) { … }``.
    """

    name = "concat"
    moves_data = True
    sources = "ONNX Concat"
    elsewhere = (
        "cat",
        "concatenate",
    )
    role = "join"
    arity = (1, None)
    examples = (
        "concat : f32[2,3,4,4], f32[2,5,4,4] -> f32[2,8,4,4]",
        "concat : f32[N,3,H,W], f32[N,5,H,W], f32[N,1,H,W] -> f32[N,9,H,W]",
        "concat[axis=-1] : f32[2,3], f32[2,4] -> f32[2,7]",
        "concat[axis=1] : f32[N,S,8], f32[N,T,8] -> f32[N,S + T,8]",
        "concat[axis=0] : i64[2], i64[3] -> i64[5]",
        "concat : f32[2,3] -> f32[2,3]",
    )

    axis: int | str = arg(Axis(), "c", doc="the axis that grows")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        first = ins[0]
        same_dtype(self.name, ins)
        axis = resolve_axis(self.axis, first)
        total: Dim = first.shape[axis]
        for other in ins[1:]:
            if other.rank != first.rank:
                shown = f"{show_shape(first.shape)} and {show_shape(other.shape)}"
                raise Refusal("E0303", f"`concat` of {shown}: the number of axes differs")
            for i, (a, b) in enumerate(zip(first.shape, other.shape)):
                if i != axis and a is not b and a != b:
                    self._need_equal(i, axis, first, other)
            total = total + other.shape[axis]
        return (first.with_shape([*first.shape[:axis], total, *first.shape[axis + 1 :]]),)

    def _need_equal(self, i: int, axis: int, first: TensorType, other: TensorType) -> None:
        try:
            need_equal(f"the sizes of axis {i} in `concat`", first.shape[i], other.shape[i], (first, other))
        except Refusal as refusal:
            if refusal.code == "E0307" and 1 in (a := [first.shape[i], other.shape[i]]):
                one, size = (first, max(a, key=str)) if first.shape[i] == 1 else (other, max(a, key=str))
                to = ["-1"] * one.rank
                to[i] = str(size)
                refusal.help = f"repeat the one of size 1: `broadcast_to([{', '.join(to)}])`"
            if self.axis == "c" and first.rank == 3 and first.shape[axis] == other.shape[axis]:
                refusal.help = "`concat(axis = f)` joins the features of [N, T, F]"
            raise

    def window(self, ins: Types, outs: Types) -> Window:
        return _all_but(resolve_axis(self.axis, ins[0]), ins[0].rank)

    def range(self, entering: Sequence[Interval]) -> Interval:
        return hull(entering)

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        return mixture([channels(type) for type in ins], entering)


class Stack(Op):
    """Inputs of one shape along a new axis, at position ``axis`` of the result."""

    name = "stack"
    moves_data = True
    sources = "ONNX Unsqueeze and Concat"
    role = "join"
    arity = (1, None)
    examples = (
        "stack[axis=1] : f32[2,3,4], f32[2,3,4] -> f32[2,2,3,4]",
        "stack : f32[N,8,H,W], f32[N,8,H,W], f32[N,8,H,W] -> f32[N,3,8,H,W]",
        "stack[axis=-1] : f32[2,3] -> f32[2,3,1]",
    )

    axis: int = arg(Integer(), 1, doc="position of the new axis")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        first = ins[0]
        same_dtype(self.name, ins)
        axis = insertion(self.axis, first.rank + 1, self.name)
        for other in ins[1:]:
            if other.rank != first.rank:
                shown = f"{show_shape(first.shape)} and {show_shape(other.shape)}"
                raise Refusal("E0303", f"`stack` of {shown}: the number of axes differs")
            for i, (a, b) in enumerate(zip(first.shape, other.shape)):
                need_equal(f"the sizes of axis {i} in `stack`", a, b, (first, other))
        return (first.with_shape([*first.shape[:axis], len(ins), *first.shape[axis:]]),)

    def window(self, ins: Types, outs: Types) -> Window:
        axis = insertion(self.axis, outs[0].rank, self.name)
        axes: list[AxisWindow | None] = [AxisWindow(i) for i in range(ins[0].rank)]
        return (*axes[:axis], None, *axes[axis:])

    def range(self, entering: Sequence[Interval]) -> Interval:
        return hull(entering)

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        return mixture([channels(type) for type in ins], entering)


class Sparse(Op):
    """A mixture of experts: the sum of the inputs [.., F], each times its gate; ``gates`` is [.., n] for n inputs.

    ``x -> parallel(sparse(2, gates = g)) { | a | b | c }``. The gates of all but ``k`` inputs are 0 at each position:
    the work of what makes them is counted for ``k`` of them (the first; they are alike), and ``active_params`` are the
    parameters that one position meets. Runtimes are given the dense form, which computes all of them.
    """

    name = "sparse"
    sources = "arXiv:1701.06538; ONNX Mul and Sum"
    elsewhere = ("moe", "mixture_of_experts")
    role = "join"
    arity = (1, None)
    chooses = "k"
    examples = (
        "sparse[1, gates=1] : f32[2,5,4], f32[2,5,4], f32[2,5,2] -> f32[2,5,4]",
        "sparse[2, gates=1] : f32[N,T,8], f32[N,T,8], f32[N,T,8], f32[N,T,3] -> f32[N,T,8]",
        "sparse[1, gates=1] : f32[3,4], f32[3,1] -> f32[3,4]",
    )

    k: int = arg(Integer(1), doc="how many inputs are chosen at each position")
    gates: int = arg(Operand(), doc="the gate of each input: zero where it is not chosen")

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        *parts, gates = ins
        need_dtype(self.name, ins[0], FLOATS)
        same_dtype(self.name, ins)
        if self.k > len(parts):
            raise Refusal("E0205", f"`sparse` cannot choose {self.k} of {len(parts)} inputs")
        first = parts[0]
        for other in parts[1:]:
            if other.shape != first.shape:
                shown = f"{show_shape(first.shape)} and {show_shape(other.shape)}"
                raise Refusal("E0303", f"the inputs of `sparse` must be alike, not {shown}")
        if gates.shape != (*first.shape[:-1], len(parts)):
            wanted = show_shape([*first.shape[:-1], len(parts)])
            raise Refusal("E0303", f"the gates of `sparse` must be {wanted} for its inputs, not {gates}")
        return (first,)

    def work(self, ins: Types, outs: Types) -> Work:
        elements = outs[0].elements
        return Work(mul=elements * self.k, add=elements * (self.k - 1))

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        window = self.window(ins, outs)
        return window if source < len(ins) - 1 else (*window[:-1], None)

    def range(self, entering: Sequence[Interval]) -> Interval:
        return hull([product_sign((one, entering[-1])) for one in entering[:-1]])

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        return mixture([1] * (len(ins) - 1), entering[:-1])


class Split(Op):
    """The input taken apart along ``axis``, by default the channels: ``let a, b = x -> split(2)``.

    ``parts`` is the number of equal parts, or the list of their sizes.
    """

    name = "split"
    moves_data = True
    sources = "ONNX Split"
    elsewhere = ("chunk",)
    results = -1
    examples = (
        "split[2] : f32[2,6,4,4] -> f32[2,3,4,4], f32[2,3,4,4]",
        "split[[1, 2, 3]] : f32[N,6,H,W] -> f32[N,1,H,W], f32[N,2,H,W], f32[N,3,H,W]",
        "split[2, axis=-1] : f32[N,T,8] -> f32[N,T,4], f32[N,T,4]",
        "split[1] : f32[2,3] -> f32[2,3]",
    )

    parts: int | tuple[Dim, ...] = arg(
        OneOf((Integer(1), ListOf(Dimension(1)))), doc="number of equal parts, or the list of their sizes"
    )
    axis: int | str = arg(Axis(), "c", doc="the axis that is taken apart")

    def validate(self) -> None:
        if self.parts == ():
            raise Refusal("E0205", "`split` needs at least one part")

    def sizes(self, type: TensorType) -> tuple[Dim, ...]:
        """The size of every part."""
        axis = resolve_axis(self.axis, type)
        size = type.shape[axis]
        if isinstance(self.parts, int):
            return (divide(size, self.parts, f"positions on axis {axis} of {type}"),) * self.parts
        total: Dim = 0
        for part in self.parts:
            total = total + part
        if dim_order.equal(total, size) is False:
            made = f"the parts {show_shape(self.parts)} make {total} positions"
            raise Refusal("E0303", f"{made}, axis {axis} of {type} has {size}")
        need_equal("the positions of all parts and of the axis", total, size, (type,))
        return self.parts

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        (x,) = ins
        axis = resolve_axis(self.axis, x)
        return tuple(x.with_shape([*x.shape[:axis], part, *x.shape[axis + 1 :]]) for part in self.sizes(x))

    def window(self, ins: Types, outs: Types) -> Window:
        return self.looks(ins, outs, 0, 0)

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        axis = resolve_axis(self.axis, ins[0])
        begin: Dim = 0
        for out in outs[:result]:
            begin = begin + out.shape[axis]
        return tuple(AxisWindow(i, shift=begin if i == axis else 0) for i in range(ins[0].rank))

    def range(self, entering: Sequence[Interval]) -> Interval:
        return entering[0]


def _all_but(axis: int, rank: int) -> Window:
    return tuple(None if i == axis else AxisWindow(i) for i in range(rank))
