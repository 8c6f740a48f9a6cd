"""What kernels of ONNX Runtime hold on a CPU beside the operands and results of an operator.

Only what is large, and what the operator's types alone decide: copies in the layout of a kernel, and scratch that is
given back when the kernel ends. Read from ONNX Runtime's profiles; the closed forms are in docs/memory.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from types import MappingProxyType

from archdsl import dims
from archdsl.analyses.at_binding import Bound
from archdsl.dims import Dim
from archdsl.graph import Node, Value
from archdsl.ops.attend import Attend
from archdsl.ops.conv import Conv
from archdsl.ops.linear import Linear
from archdsl.ops.recurrent import Recurrent
from archdsl.ops.scan import Scan
from archdsl.record import Record
from archdsl.rewrites.scan_plan import Plan
from archdsl.shapes import TensorType


class Needs(Record):
    """Of one node: copies of inputs (by number) that take their place, results as they are made where these are
    copied to where they belong, and bytes of scratch.
    """

    entering: Mapping[int, TensorType] = MappingProxyType({})
    leaving: Mapping[int, TensorType] = MappingProxyType({})
    scratch: Dim = 0


NOTHING = Needs()
PIECE = 2**16
"""What a convolution unfolds at a time, in bytes, for each thread."""


class Readers:
    """Who reads the values of a graph, and what a node needs."""

    def __init__(self, bound: Bound) -> None:
        self.bound = bound
        self.outputs = set(bound.graph.outputs.values())
        self.of: dict[Value, list[Node]] = {}
        for node in bound.nodes:
            for value in dict.fromkeys(node.inputs):
                self.of.setdefault(value, []).append(node)
        self.inside = {node: holder for holder in bound.graph.holders() if holder.body for node in holder.body.nodes}
        """The nodes of bodies, and which node holds them."""
        self.hoisted: dict[Node, Node] = {}
        """Those that run once for all steps, in front of the loop."""
        self.read_later: set[Value] = set()
        """What these make for the loop."""
        for holder in bound.graph.holders():
            self._hoist(holder)

    def _hoist(self, holder: Node) -> None:
        op, body = holder.op, holder.body
        if not isinstance(op, Scan) or body is None:
            return
        states, slices = body.inputs[: op.states], body.inputs[op.states : op.first_captured]
        plan = Plan(body, states, slices, op.runs([value.type for value in holder.inputs]))
        left = {*plan.left, *plan.once}
        self.hoisted.update({node: holder for node in body.nodes if node not in left})
        self.read_later |= plan.read & plan.wide.keys()

    def needs(self, node: Node) -> Needs:
        """What the kernel of a node holds besides."""
        op = self.bound.op(node)
        if isinstance(op, Attend):
            return self._attend(op, node)
        if isinstance(op, Recurrent):
            return self._recurrent(op, node)
        if isinstance(op, Scan):
            return self._scan(op, node)
        if isinstance(op, Linear):
            return self._linear(node)
        if isinstance(op, Conv):
            return self._conv(op, node)
        return NOTHING

    def _attend(self, op: Attend, node: Node) -> Needs:
        """All scores; those that ``causal`` hides among as many keys as queries. A mask of the caller's gets a row for
        each query, and the result is there a second time, with zeros for what sees nothing.
        """
        q, k = self.bound.types(node.inputs[:2])
        shape = (q.shape[2], k.shape[2])
        scores = q.with_shape([*q.shape[:2], *shape]).bytes
        if not op.mask:
            hidden = q.with_shape(shape).bytes if op.causal and shape[0] == shape[1] else 0
            return Needs(scratch=scores + hidden)
        number = len(node.inputs) - 1
        mask = self.bound.type(node.inputs[number])
        whole = q.with_shape([*mask.shape[:-2], *shape])
        settled = node.inputs[number].producer in self.bound.settled
        return Needs({} if settled or mask == whole else {number: whole}, {0: self.bound.type(node.outputs[0])}, scores)

    def _recurrent(self, op: Recurrent, node: Node) -> Needs:
        """The steps on the first axis; the products of the input for all steps and gates of each direction; from the
        end on, input and output turned round. Between two layers in one direction nothing is turned.
        """
        x, made = self.bound.types((node.inputs[0], node.outputs[0]))
        n, steps, features = x.shape
        count = len(op.directions)
        gates: Dim = count * op.gates * op.features
        if op.both or op.reverse:
            gates = gates + features + op.features
        scratch = x.with_shape([n, steps, gates]).bytes
        turned = x.with_shape([steps, n, features])
        entering = {} if self._kept_turned(node.inputs[0]) else {0: turned}
        leaving = {} if self._stays_turned(node) else {0: made.with_shape([steps, count, n, op.width])}
        return Needs(entering, leaving, scratch)

    def _kept_turned(self, value: Value) -> bool:
        """Whether a value is the result of a recurrent layer that is left with the steps on the first axis."""
        producer = value.producer
        while producer is not None and producer.op.role == "view" and self._as_it_is(producer):
            producer = producer.inputs[0].producer
        return producer is not None and isinstance(producer.op, Recurrent) and self._stays_turned(producer)

    def _stays_turned(self, node: Node) -> bool:
        if not isinstance(node.op, Recurrent) or node.op.both:
            return False
        value = node.outputs[0]
        while True:
            readers = self.of.get(value, ())
            if len(readers) != 1 or value in self.outputs:
                return False
            reader = readers[0]
            if isinstance(reader.op, Recurrent):
                return reader.inputs[0] is value
            if reader.op.role != "view" or not self._as_it_is(reader):
                return False
            value = reader.outputs[0]

    def _as_it_is(self, node: Node) -> bool:
        return self.bound.type(node.inputs[0]) == self.bound.type(node.outputs[0])

    def _scan(self, op: Scan, node: Node) -> Needs:
        """What is cut and what is stacked with the axis in front; each state twice, for the last run and for this."""
        ins, outs = self.bound.types(node.inputs), self.bound.types(node.outputs)
        entering = {number: in_front(ins[number], axis) for number, axis in enumerate(op.axes, op.states) if axis}
        first = op.axes[0]
        leaving = {number: in_front(type, first) for number, type in enumerate(outs) if first and number >= op.states}
        scratch: Dim = 0
        for type in ins[: op.states]:
            scratch = scratch + 2 * type.bytes
        return Needs(entering, leaving, scratch)

    def _linear(self, node: Node) -> Needs:
        """A layer on more axes than two makes rows; as an output of the network these are copied, where a bias keeps
        them from being made in place.
        """
        made = self.bound.type(node.outputs[0])
        copied = made.rank > 2 and "bias" in node.params and node.outputs[0] in self.outputs
        return Needs(leaving={0: as_rows(made)}) if copied else NOTHING

    def _conv(self, op: Conv, node: Node) -> Needs:
        """Pictures lie in blocks of channels, where windows are not unfolded; inside of a loop they are copied there
        and back. Elsewhere windows are unfolded, all at once if there are more filters than positions, else in pieces.
        """
        x, made = self.bound.types((node.inputs[0], node.outputs[0]))
        window = prod(op.geometry(x)[0])
        if x.rank == 4:
            copied = node in self.inside and node not in self.hoisted
            return Needs({0: x}, {0: made}) if copied else NOTHING
        if window == 1:
            return NOTHING
        positions = dims.product(made.shape[2:])
        few = isinstance(positions, int) and positions < op.channels // op.groups
        unfolded = made.with_shape([x.shape[1] // op.groups, window, positions]).bytes
        return Needs(scratch=unfolded if few else PIECE)


def in_front(type: TensorType, axis: int) -> TensorType:
    """A type with one of its axes in front of all others."""
    shape = list(type.shape)
    return type.with_shape([shape.pop(axis), *shape])


def as_rows(type: TensorType) -> TensorType:
    """All axes but the last as one."""
    return type.with_shape([dims.product(type.shape[:-1]), type.shape[-1]])
