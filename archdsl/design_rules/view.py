"""The view of a network for the rules, and their findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

from archdsl.analyses.depth import ancestors
from archdsl.analyses.measure import Measures
from archdsl.analyses.ranges import ranges
from archdsl.graph import Graph, Node, Value
from archdsl.ops.estimates import Interval
from archdsl.record import Record


class Finding(Record):
    """A finding of a rule about a node. ``message`` can be read alone; ``help`` says what to do."""

    node: Node
    message: str
    help: str = ""


class Machine(Record):
    """What a kernel computes at once: ``channels`` of them, called ``unit``; ``source`` says who says so."""

    channels: int
    unit: str
    source: str
    depthwise: bool = True
    """Whether depthwise convolutions run on it at all."""


class View:
    """A graph, what it is to run on (where that is known), and what rules ask about it; all is computed once."""

    def __init__(self, graph: Graph, target: Machine | None = None) -> None:
        self.graph = graph
        self.target = target
        self.measures = Measures(graph)

    @cached_property
    def ranges(self) -> dict[Value, Interval]:
        """The interval of each value."""
        return ranges(self.graph)

    @cached_property
    def nodes(self) -> list[Node]:
        """All nodes in order of use, those of bodies included."""
        return self.measures.bound.nodes

    @cached_property
    def users(self) -> dict[Value, list[Node]]:
        """The nodes that use each value."""
        found: dict[Value, list[Node]] = {}
        for node in self.nodes:
            for value in dict.fromkeys(node.inputs):
                found.setdefault(value, []).append(node)
        return found

    @cached_property
    def step(self) -> dict[Node, int]:
        """When each node runs."""
        return self.measures.bound.steps

    def shape(self, value: Value) -> tuple[int, ...] | None:
        """The shape at the defaults; ``None`` where it depends on a symbol."""
        shape = self.measures.bound.type(value).shape
        return tuple(n for n in shape if isinstance(n, int)) if all(isinstance(n, int) for n in shape) else None

    def alone(self, value: Value) -> Node | None:
        """The node that alone uses a value, unless the value is an output too."""
        users = self.users.get(value, [])
        return users[0] if len(users) == 1 and value not in self._outputs else None

    @cached_property
    def _outputs(self) -> frozenset[Value]:
        inner = [value for node in self.graph.holders() if node.body for value in node.body.outputs.values()]
        return frozenset([*self.graph.outputs.values(), *inner])

    def above(self, value: Value) -> Node | None:
        """The producer of a value, looking through views (dropout, flatten, …)."""
        return self._above.get(value)

    @cached_property
    def _above(self) -> dict[Value, Node]:
        found: dict[Value, Node] = {}
        for node in self.nodes:
            origin: Node | None = node
            if node.inputs and node.op.role == "view":
                origin = found.get(node.inputs[0])
            if origin is not None:
                found.update(dict.fromkeys(node.outputs, origin))
        return found

    @cached_property
    def trunk(self) -> list[Value]:
        """The values that all of what the first output knows goes through, in order: no path leads around them.

        After such a value, no older value that depends on an input is needed any more.
        """
        if not self.graph.outputs:
            return []
        needed = ancestors(next(iter(self.graph.outputs.values())))
        nodes = [node for node in self.graph.nodes if node in needed]
        last = {value: step for step, node in enumerate(nodes) for value in node.inputs}
        live = {value for value in self.graph.inputs if value in last}
        known = set(live)
        found = []
        for step, node in enumerate(nodes):
            live -= {value for value in node.inputs if last[value] == step}
            if any(value in known for value in node.inputs):
                known.update(node.outputs)
                live.update(node.outputs)
            if len(live) <= (node.outputs[0] in live):
                found.append(node.outputs[0])
        return found

    @cached_property
    def classifier(self) -> Node | None:
        """The linear layer (or 1x1 convolution) whose result, through nothing with weights, is the first output."""
        if not self.graph.outputs:
            return None
        node = next(iter(self.graph.outputs.values())).producer
        while node is not None and node.op.role != "layer":
            if len(node.inputs) != 1 or node.params:
                return None
            node = node.inputs[0].producer
        return None if node is None or node.op.looks_up else node  # a table has rows, not features, for its inputs


DesignRule = Callable[[View], Iterator[Finding]]
