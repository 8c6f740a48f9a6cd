"""Which nodes of the body of a ``scan`` run in front of the loop: for writers and for the analysis of memory.

What depends on no slice is computed once. Products that depend on slices and on no state are one product for all steps,
with the steps on the first axis; so is what they need. What knows no axis in front of the batch, as a convolution does,
takes the steps and the batch as one axis.
"""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.graph import Graph, Node, Value
from archdsl.ops.conv import Conv, ConvTranspose
from archdsl.ops.linear import Embedding, Linear, MatMul
from archdsl.ops.look import AxisWindow
from archdsl.ops.shape import Reshape
from archdsl.shapes import TensorType


class Plan:
    """Which nodes of a body run where; ``wide`` are the values of all steps, with these on the first axis."""

    def __init__(self, body: Graph, states: Sequence[Value], slices: Sequence[Value], steps: Dim) -> None:
        self.steps = steps
        self.wide = {value: Value(value.name, _all(value.type, steps)) for value in slices}
        moving = {*states, *slices}
        """What is another value in each step."""
        self.once: list[Node] = []
        candidates: dict[Node, list[Node]] = {}
        rest: list[Node] = []
        for node in body.nodes:
            if moving.isdisjoint(node.inputs):
                self.once.append(node)
                continue
            moving.update(node.outputs)
            rest.append(node)
            whole, results = self._of_all_steps(node, moving)
            if whole:
                candidates[node] = whole
                self.wide.update(zip(node.outputs, results))
        needed: set[Value] = set()
        chosen: set[Node] = set()
        for node in reversed(rest):
            if node in candidates and (_is_product(node) or not needed.isdisjoint(node.outputs)):
                chosen.add(node)
                needed.update(node.inputs)
        self.all_steps = [whole for node in rest if node in chosen for whole in candidates[node]]
        self.left = [node for node in rest if node not in chosen]
        made = {*slices, *(value for node in chosen for value in node.outputs)}
        self.wide = {value: wide for value, wide in self.wide.items() if value in made}
        self.read = {value for node in self.left for value in node.inputs} | {*body.outputs.values()}

    def _of_all_steps(self, node: Node, moving: set[Value]) -> tuple[list[Node], list[Value]]:
        """The nodes that do for all steps at once what the node does in one, and their results. There are none where
        what moves is not known for all, or the steps would meet.
        """
        moved = [value for value in node.inputs if value in moving]
        if any(value not in self.wide for value in moved) or node.body is not None:
            return [], []
        if _keeps_step(node, moved):
            inputs = [self.wide.get(value, value) for value in node.inputs]
            if (whole := _again(node, inputs, [_all(value.type, self.steps) for value in node.outputs])) is not None:
                return [whole], [*whole.outputs]
        return self._folded(node) if _keeps_batch(node, moved) else ([], [])

    def _folded(self, node: Node) -> tuple[list[Node], list[Value]]:
        """The node with steps and batch as one axis, between views."""
        views = [
            _view(node, f"in.{i}", self.wide[value], self._as_one(value.type)) for i, value in enumerate(node.inputs)
        ]
        types = [self._as_one(value.type) for value in node.outputs]
        whole = _again(node, [view.outputs[0] for view in views], types)
        if whole is None:
            return [], []
        apart = [
            _view(node, f"out.{i}", value, _all(own.type, self.steps))
            for i, (value, own) in enumerate(zip(whole.outputs, node.outputs))
        ]
        return [*views, whole, *apart], [view.outputs[0] for view in apart]

    def _as_one(self, type: TensorType) -> TensorType:
        return type.with_shape([self.steps * type.shape[0], *type.shape[1:]])


def _all(type: TensorType, steps: Dim) -> TensorType:
    return type.with_shape([steps, *type.shape])


def _view(node: Node, end: str, value: Value, type: TensorType) -> Node:
    op = Reshape.create(to=type.shape)
    return Node(op, [value], [type], f"{node.path}/{end}", {}, node.origin)


def _again(node: Node, inputs: Sequence[Value], types: Sequence[TensorType]) -> Node | None:
    """The node with other inputs, if its results are of these types then."""
    try:
        if list(node.op.shape(*[value.type for value in inputs])) != [*types]:
            return None
    except Refusal:
        return None
    return Node(node.op, inputs, types, node.path, node.params, node.origin)


def _is_product(node: Node) -> bool:
    return isinstance(node.op, Linear | MatMul | Embedding | Conv | ConvTranspose)


def _keeps_step(node: Node, moved: Sequence[Value]) -> bool:
    """Whether an axis in front of all others changes nothing but that everything is done for each of its positions."""
    if isinstance(node.op, Linear | Embedding):
        return moved == [node.inputs[0]]
    if node.params or not (node.op.pointwise or (isinstance(node.op, MatMul) and all(v.type.rank > 1 for v in moved))):
        return False
    return len({value.type.rank for value in moved}) == 1 and moved[0].type.rank == max(
        value.type.rank for value in node.inputs
    )


def _keeps_batch(node: Node, moved: Sequence[Value]) -> bool:
    """Whether the first axis of all inputs and results is the batch, and each of its positions is by itself."""
    if len(moved) < len(node.inputs) or any(value.type.rank == 0 for value in (*moved, *node.outputs)):
        return False
    if len({value.type.shape[0] for value in (*moved, *node.outputs)}) > 1:
        return False
    ins, outs = [value.type for value in node.inputs], [value.type for value in node.outputs]
    windows = [node.op.looks(ins, outs, i, j) for i in range(len(ins)) for j in range(len(outs))]
    return all(window[0] == AxisWindow(0) and AxisWindow(0) not in window[1:] for window in windows)
