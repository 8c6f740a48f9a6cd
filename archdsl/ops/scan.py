"""``scan``: a graph that runs once for each position of an axis, and hands its states on."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.ops.base import Op, Types, arg
from archdsl.ops.estimates import EVERYTHING, Interval, Moments
from archdsl.ops.kinds import Boolean, Integer, ListOf
from archdsl.ops.look import Window
from archdsl.ops.operand_checks import need_equal
from archdsl.ops.unwritten_kinds import TensorTypes
from archdsl.shapes import TensorType


class Scan(Op):
    """The body (:attr:`archdsl.graph.Node.body`) runs once for each position of an axis, from the first to the last,
    or with ``reverse`` from the last to the first. Made by :class:`archdsl.tape.scan.Loop` alone.

    With ``s = states`` states and ``k = len(axes)`` tensors that are cut:

    ====================== ============================================ ==============================================
    number                 inputs of the node                           inputs of the body, in one run
    ====================== ============================================ ==============================================
    ``0 … s - 1``          start of each state                          the state; in the first run its start
    ``s … s + k - 1``      what is cut, along ``axes[i]``               the slice of this run, *without* that axis
    ``s + k …``            captured: what the body reads from outside   the same tensor in every run
    ====================== ============================================ ==============================================

    ====================== ============================================ ==============================================
    number                 outputs of the node                          outputs of the body (``body.outputs``, in order)
    ====================== ============================================ ==============================================
    ``0 … s - 1``          each state after the last run                the state for the next run, of the same type
    ``s …``                the results of all runs, stacked along       a result of this run
                           ``axes[0]``, which is inserted there
    ====================== ============================================ ==============================================

    All tensors that are cut are equally long on their axes. Result ``i`` of the stack belongs to position ``i`` also
    with ``reverse``: only the order of the runs is turned round. Types do not change from run to run. A body's output
    may be one of its inputs, or the same value as another output. Axes are numbers from 0, of the whole tensor.
    Parameters of the body are the same in all runs, and stand in ``params`` of the node by their paths.
    """

    name = "scan"
    sources = "ONNX Scan"
    elsewhere = ("tf.scan", "jax.lax.scan")
    arity = (1, None)
    results = -1
    moves_data = True
    holds_graph = True
    of_body = ("gives",)

    axes: tuple[int, ...] = arg(ListOf(Integer(0)), doc="the axis along which each input is cut")
    gives: tuple[TensorType, ...] = arg(TensorTypes(), (), doc="the types that one run gives: states, then results")
    states: int = arg(Integer(0), 0, doc="the number of states")
    reverse: bool = arg(Boolean(), False, doc="whether the last position is the first to be run")

    def validate(self) -> None:
        if not self.axes:
            raise Refusal("E0310", "`scan` needs a tensor to cut")

    def __repr__(self) -> str:
        """Without what follows from the body."""
        return f"scan({list(self.axes)}, states = {self.states}{', reverse = true' if self.reverse else ''})"

    def enters(self, ins: Types) -> tuple[TensorType, ...]:
        cut = ins[self.states : self.first_captured]
        if len(cut) < len(self.axes):
            raise Refusal("E0310", f"`scan` cuts {len(self.axes)} tensors, but gets {len(cut)}")
        slices = [sliced(type, axis) for type, axis in zip(cut, self.axes)]
        for type, axis in zip(cut, self.axes):
            sides = (cut[0].shape[self.axes[0]], type.shape[axis])
            need_equal("the lengths of what `scan` cuts", *sides, (cut[0], type))
        return (*ins[: self.states], *slices, *ins[self.first_captured :])

    @property
    def first_captured(self) -> int:
        return self.states + len(self.axes)

    def leaves(self) -> tuple[TensorType, ...]:
        return self.gives

    def runs(self, ins: Types) -> Dim:
        return ins[self.states].shape[self.axes[0]]

    def shape(self, *ins: TensorType) -> tuple[TensorType, ...]:
        self.enters(ins)
        if len(self.gives) < self.states:
            raise Refusal("E0310", f"the body of `scan` gives {len(self.gives)} tensors, and has {self.states} states")
        for start, after in zip(ins[: self.states], self.gives):
            if start != after:
                raise Refusal("E0303", f"a state of `scan` is {start} at first, and {after} after a run")
        length, axis = self.runs(ins), self.axes[0]
        return (*self.gives[: self.states], *[stacked(type, axis, length) for type in self.gives[self.states :]])

    def range(self, entering: Sequence[Interval]) -> Interval:
        return EVERYTHING

    def moments(self, entering: Sequence[Moments], ins: Types, outs: Types) -> Moments:
        return entering[self.states]

    def looks(self, ins: Types, outs: Types, source: int, result: int) -> Window:
        """Along the axis a result sees all positions, those of other axes depend on the body."""
        return (None,) * outs[result].rank


def sliced(type: TensorType, axis: int) -> TensorType:
    """The type of one position of an axis, without it."""
    if axis >= type.rank:
        raise Refusal("E0308", f"axis {axis} is outside of {type}, which has {type.rank} axes")
    return type.with_shape([*type.shape[:axis], *type.shape[axis + 1 :]])


def stacked(type: TensorType, axis: int, length: Dim) -> TensorType:
    """The type of ``length`` results along a new axis."""
    if axis > type.rank:
        raise Refusal(
            "E0301", f"results of type {type} cannot be stacked along axis {axis}: they have {type.rank} axes",
            help=f"give the results {axis} axes at least, as the slices have, or cut along an axis further in front",
        )  # fmt: skip
    return type.with_shape([*type.shape[:axis], length, *type.shape[axis:]])
