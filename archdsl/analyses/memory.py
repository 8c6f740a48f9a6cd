"""Memory of one inference over the emitted order: live tensors, the peak, and the bytes read and written.

A tensor is live from its production to its last use; the inputs from the start to their last use, the outputs to the
end. Values of raw parameters and constants are weights and take no part. Fusion levels:

- ``none``: every operator's output is a tensor of its own;
- ``act``: views (flatten, reshape, dropout in inference) cost nothing, and an activation is written over its input
  where nobody else still needs it, unless it is ``x`` times a gate (gelu, silu …), for which kernels need both;
- ``full``: besides, a batch norm and the activation behind a convolution or linear layer belong to its kernel, and an
  addition is written over one of its operands where nobody else still needs that.

The caller's inputs are never written over. The body of a node is gone through once, in front of the node: its inputs
are there for the whole run, what it captures is the tensor outside, and the results of the node, into which all runs
write, are there from the first run on. Linear in the graph.
"""

from __future__ import annotations

from collections.abc import Iterable

from archdsl import dim_order, dims
from archdsl.analyses.at_binding import Bound
from archdsl.diagnostics import Refusal
from archdsl.dim_faults import to_give
from archdsl.dims import Dim
from archdsl.graph import Graph, Node, Value
from archdsl.record import Record

LEVELS = ("none", "act", "full")
"""Fusion levels; figures without one are ``full``."""


class Buffer:
    """One piece of memory and the values that share it, live from step ``start`` to step ``end``, both included."""

    __slots__ = ("end", "external", "size", "start", "values")

    def __init__(self, value: Value, size: Dim, start: int, end: int, external: bool = False) -> None:
        self.values = [value]
        self.size = size
        self.start = start
        self.end = end
        self.external = external

    def __repr__(self) -> str:
        return f"<{self.values[0].name}: {self.size} B, steps {self.start} to {self.end}>"


class Schedule(Record):
    """The buffers of a graph at a fusion level, and which node's kernel each node belongs to."""

    level: str
    steps: int
    buffers: tuple[Buffer, ...]
    kernels: dict[Node, Node]
    """Node -> the node whose kernel computes it (itself, or the layer it is fused into); views are left out."""
    by_value: dict[Value, Buffer]

    def live(self, step: int) -> tuple[Buffer, ...]:
        """The buffers that are live while the node at ``step`` runs, largest first where sizes are known."""
        found = [b for b in self.buffers if b.start <= step <= b.end]
        if all(isinstance(b.size, int) for b in found):
            found.sort(key=lambda b: -b.size if isinstance(b.size, int) else 0)
        return tuple(found)

    def profile(self) -> list[Dim]:
        """The bytes live at every step."""
        change: list[Dim] = [0] * (self.steps + 1)
        for b in self.buffers:
            change[b.start] = change[b.start] + b.size
            change[b.end + 1] = change[b.end + 1] - b.size
        now: Dim = 0
        found: list[Dim] = []
        for delta in change[:-1]:
            now = now + delta
            found.append(now)
        return found


def schedule(bound: Bound, level: str = "full") -> Schedule:
    """The buffers of a graph at a fusion level: one of ``none``, ``act``, ``full``."""
    if level not in LEVELS:
        raise Refusal("E0204", f"the fusion level must be one of `none`, `act`, `full`, not `{level}`")
    return Planner(bound, level).plan()


class Uses(Record):
    """For every value: the step of its last use, and how many operators and outputs use it."""

    last: dict[Value, int]
    count: dict[Value, int]


def uses(graph: Graph, views: bool) -> Uses:
    """Last uses; with ``views`` a view's uses are those of what it shows."""
    nodes = graph.all_nodes()
    final = len(nodes)  # a step after the last operator, at which the outputs are read
    last: dict[Value, int] = dict.fromkeys(graph.outputs.values(), final)
    count: dict[Value, int] = dict.fromkeys(last, 1)
    for step in range(len(nodes) - 1, -1, -1):
        node = nodes[step]
        reach = step
        if node.body is not None:  # a body's inputs and results are there until the run is over
            for value in (*node.body.inputs, *node.body.outputs.values()):
                last[value] = step
                count[value] = count.get(value, 0) + 1
        for value in node.outputs:
            last.setdefault(value, step)
            if views and node.op.role == "view":
                reach = max(reach, last[value])
        for value in dict.fromkeys(node.inputs):
            last[value] = max(last.get(value, 0), reach)
            count[value] = count.get(value, 0) + 1
    return Uses(last, count)


class Planner:
    """Places the values of a graph, in order of use."""

    def __init__(self, bound: Bound, level: str) -> None:
        self.bound = bound
        self.graph = bound.graph
        self.level = level
        self.uses = uses(self.graph, views=level != "none")
        self.buffers: list[Buffer] = []
        self.by_value: dict[Value, Buffer] = {}
        self.kernels: dict[Node, Node] = {}

    def plan(self) -> Schedule:
        for value in self.graph.inputs:
            self._new(value, 0, external=True)
        self._nodes(self.graph, 0)
        return Schedule(self.level, len(self.bound.nodes) + 1, tuple(self.buffers), self.kernels, self.by_value)

    def _nodes(self, graph: Graph, step: int) -> int:
        """Place the nodes of a graph or body, of which the first runs at ``step``; the step behind the last."""
        for node in graph.nodes:
            if node.body is not None:
                step = self._enter(node, node.body, step)
            elif node not in self.bound.settled:
                self._place(node, step)
            step += 1
        return step

    def _enter(self, node: Node, body: Graph, step: int) -> int:
        """Place a body and the node that holds it; the step of that."""
        for value in node.outputs:
            self._new(value, step)
        for number, (outer, inner) in enumerate(zip(node.inputs, body.inputs)):
            if number < node.op.first_captured:
                self._new(inner, step, external=True)
            elif outer in self.by_value:
                self.by_value[inner] = self.by_value[outer]
        self.kernels[node] = node
        return self._nodes(body, step)

    def _new(self, value: Value, step: int, external: bool = False) -> None:
        buffer = Buffer(value, self.bound.bytes[value], step, self.uses.last.get(value, step), external)
        self.buffers.append(buffer)
        self.by_value[value] = buffer

    def _place(self, node: Node, step: int) -> None:
        home = self._home(node, step) if self.level != "none" else None
        if not (self.level != "none" and node.op.role == "view"):
            self.kernels[node] = self._kernel(node, home)
        for value in node.outputs:
            if home is None:
                self._new(value, step)
            else:
                home.values.append(value)
                home.end = max(home.end, self.uses.last[value])
                self.by_value[value] = home

    def _home(self, node: Node, step: int) -> Buffer | None:
        """The buffer the result is written to: that of an input, or ``None`` for one of its own."""
        if node.op.role == "view":
            return self.by_value.get(node.inputs[0])
        if not self.may_overwrite(node):
            return None
        size = self.bound.bytes[node.outputs[0]]
        for value in node.inputs:
            buffer = self.by_value.get(value)
            if buffer and buffer.end == step and not buffer.external and buffer.size == size:
                return buffer
        return None

    def may_overwrite(self, node: Node) -> bool:
        if node.op.role == "activation":
            return node.op.in_place
        return self.level == "full" and (node.op.accumulates or (node.op.folds and self.layer(node) is not None))

    def layer(self, node: Node) -> Node | None:
        """The convolution or linear layer whose kernel the node can join: it alone uses that layer's result."""
        producer = node.inputs[0].producer
        if producer is None or self.uses.count[node.inputs[0]] != 1:
            return None
        root = self.kernels.get(producer)
        return root if root is not None and root.op.role == "layer" else None

    def _kernel(self, node: Node, home: Buffer | None) -> Node:
        fusible = self.level == "full" and home is not None and (node.op.role == "activation" or node.op.folds)
        return (self.layer(node) if fusible else None) or node


class Peak(Record):
    """The largest sum of live tensors: its bytes, the step, and the tensors that make it."""

    bytes: Dim
    step: int
    buffers: tuple[Buffer, ...]


def peak(plan: Schedule, steps: Iterable[int] | None = None) -> Peak:
    """The peak over all steps, or over some; refuses sizes whose order depends on a symbol."""
    profile = plan.profile()
    best: Dim = -1
    at = 0
    for step in range(plan.steps) if steps is None else steps:
        if _above(profile[step], best):
            best, at = profile[step], step
    return Peak(best, at, plan.live(at))


def _above(a: Dim, b: Dim) -> bool:
    if isinstance(a, int) and isinstance(b, int):
        return a > b
    if dim_order.at_least(b, a):
        return False
    if dim_order.at_least(a, b):
        return True
    names = sorted(dims.symbols(a) | dims.symbols(b))
    raise Refusal(
        "E0307", f"where memory peaks depends on `{names[0]}`",
        help=to_give(names),
    )  # fmt: skip


def traffic(bound: Bound, plan: Schedule, node: Node) -> Dim:
    """Bytes that a node reads and writes: its inputs, its weights, its outputs.

    A view moves nothing. What is fused into a layer's kernel only reads its own weights: its result takes the place
    of the layer's. A look-up reads the rows it takes, not its table. What is in a body moves that in every run; the
    node that holds it cuts its inputs, and puts its results together.
    """
    return _moved(bound, plan, node) * bound.runs.get(node, 1)


def _moved(bound: Bound, plan: Schedule, node: Node) -> Dim:
    kernel = plan.kernels.get(node)
    if kernel is None:
        return 0
    outputs: Dim = 0
    for value in node.outputs:
        outputs = outputs + bound.bytes[value]
    if node.op.looks_up:
        moved = outputs
    else:
        moved = _sum_bytes(node)
    if kernel is not node:
        return moved
    inputs = node.inputs if node.body is None else node.inputs[: node.op.first_captured]
    for value in dict.fromkeys(inputs):
        moved = moved + bound.bytes[value]
    return moved + outputs


def _sum_bytes(node: Node) -> Dim:
    moved: Dim = 0
    for parameter in node.params.values() if node.body is None else ():
        moved = moved + parameter.type.bytes
    return moved
