"""The columns of the cost model, a row for each operator."""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.analyses.at_binding import Bound
from archdsl.dims import Dim
from archdsl.graph import Node, Parameter
from archdsl.ops.base import Work
from archdsl.record import Record
from archdsl.shapes import TensorType


class Row(Record):
    """What one operator does and holds. Elements and bytes apart; work in columns that are never mixed. In the body of
    another operator, all of its runs together.
    """

    node: Node
    outputs: tuple[TensorType, ...]
    params: Dim
    """Parameters not yet counted by an earlier row: shared ones are counted where they are used first."""
    buffers: Dim
    """Running statistics, and weights that are frozen."""
    weight_bytes: Dim
    work: Work | None
    """``None``: not known, so that every total it enters is partial."""
    in_elements: Dim
    in_bytes: Dim
    out_elements: Dim
    out_bytes: Dim
    """Zero for parameters, constants, and what depends on these alone: their values are weights, not activations."""

    @property
    def path(self) -> str:
        """The operator's stable path."""
        return self.node.path

    @property
    def op(self) -> str:
        """The operator's name."""
        return self.node.op.name

    @property
    def flops(self) -> Dim | None:
        """``2 * MAC + add + mul + special``; ``None`` where the work is not known."""
        return None if self.work is None else flops(self.work)


def flops(work: Work) -> Dim:
    """Floating-point operations of some work; comparisons are not counted."""
    return work.mac * 2 + work.add + work.mul + work.special


class Holding(Record):
    """Elements of trainable parameters (``params``) and of all other weights (``buffers``), and the bytes of both."""

    params: Dim = 0
    buffers: Dim = 0
    bytes: Dim = 0


def holding(parameters: Iterable[Parameter]) -> Holding:
    """What some (distinct) parameters amount to."""
    params: Dim = 0
    buffers: Dim = 0
    size: Dim = 0
    for parameter in parameters:
        elements = parameter.type.elements
        size = size + parameter.type.bytes
        if parameter.trainable and not parameter.buffer:
            params = params + elements
        else:
            buffers = buffers + elements
    return Holding(params, buffers, size)


EMPTY = Holding()


def rows(bound: Bound) -> tuple[Row, ...]:
    """A row for every node of the graph, in its order."""
    counted: set[str] = set()
    found = []
    for node in bound.nodes:
        held = EMPTY
        if node.params and node.body is None:
            held = holding(p for p in node.params.values() if p.path not in counted)
            counted.update(p.path for p in node.params.values())
        outputs = bound.types(node.outputs)
        inputs = bound.types(node.inputs)
        runs = bound.runs.get(node, 1)
        made = 0 if node in bound.settled else runs
        found.append(Row(
            node, outputs, held.params, held.buffers, held.bytes, bound.work(node),
            _sum(t.elements for t in inputs) * runs, _sum(bound.bytes[v] for v in node.inputs) * runs,
            _sum(t.elements for t in outputs) * made, _sum(bound.bytes[v] for v in node.outputs) * made,
        ))  # fmt: skip
    return tuple(found)


def total(works: Iterable[Work | None]) -> Work:
    """The sum of what is known."""
    mac: Dim = 0
    add: Dim = 0
    mul: Dim = 0
    cmp: Dim = 0
    special: Dim = 0
    for work in works:
        if work is not None:
            mac, add, mul = mac + work.mac, add + work.add, mul + work.mul
            cmp, special = cmp + work.cmp, special + work.special
    return Work(mac, add, mul, cmp, special)


def _sum(dims: Iterable[Dim]) -> Dim:
    found: Dim = 0
    for dim in dims:
        found = found + dim
    return found
