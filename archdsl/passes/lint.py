"""Design rules: what an experienced colleague would point out in a network that is correct.

A rule is a function from a :class:`View` of a graph to findings. Rules know no text: who runs them adds what silences
them. Sources are on the pages of the codes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from archdsl.diagnostics import Diagnostic
from archdsl.graph import Graph, Node, Value
from archdsl.passes.measure import Measures
from archdsl.passes.ranges import Interval, ranges
from archdsl.passes.roles import is_layer, is_view
from archdsl.passes.stats import ancestors
from archdsl.record import Record

if TYPE_CHECKING:
    from archdsl.passes.lint_targets import Target


class Finding(Record):
    """What a rule says of a node. ``message`` stands alone; ``help`` says what to do."""

    node: Node
    message: str
    help: str = ""


class View:
    """A graph, what it is to run on (where that is known), and what rules ask about it; all is computed once."""

    def __init__(self, graph: Graph, target: Target | None = None) -> None:
        self.graph = graph
        self.target = target
        self.measures = Measures(graph)

    @cached_property
    def ranges(self) -> dict[Value, Interval]:
        """The interval of each value."""
        return ranges(self.graph)

    @cached_property
    def users(self) -> dict[Value, list[Node]]:
        """The nodes that use each value."""
        found: dict[Value, list[Node]] = {}
        for node in self.graph.nodes:
            for value in dict.fromkeys(node.inputs):
                found.setdefault(value, []).append(node)
        return found

    @cached_property
    def step(self) -> dict[Node, int]:
        """When each node runs."""
        return self.measures.step_of

    def shape(self, value: Value) -> tuple[int, ...] | None:
        """The shape at the defaults; ``None`` where it depends on a symbol."""
        shape = self.measures.bound.type(value).shape
        return tuple(n for n in shape if isinstance(n, int)) if all(isinstance(n, int) for n in shape) else None

    def alone(self, value: Value) -> Node | None:
        """The node that alone uses a value, unless the value is an output too."""
        users = self.users.get(value, [])
        return users[0] if len(users) == 1 and value not in self.graph.outputs.values() else None

    def above(self, value: Value) -> Node | None:
        """The producer of a value, looking through views (dropout, flatten, …)."""
        producer = value.producer
        while producer is not None and is_view(producer):
            producer = producer.inputs[0].producer
        return producer

    @cached_property
    def trunk(self) -> list[Value]:
        """The values that all of what the first output knows goes through, in order: no path leads around them.

        Behind such a value nothing older that depends on an input is needed any more.
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
        while node is not None and not is_layer(node):
            if len(node.inputs) != 1 or node.params:
                return None
            node = node.inputs[0].producer
        return node


Rule = Callable[[View], Iterator[Finding]]


def rules() -> dict[str, Rule]:
    """All rules by code."""
    from archdsl.passes import lint_layers, lint_shapes, lint_targets

    return {**lint_layers.RULES, **lint_shapes.RULES, **lint_targets.RULES}


def lint(graph: Graph, codes: Iterable[str] | None = None, target: Target | None = None) -> list[Diagnostic]:
    """What the rules find in a graph, in the order of the codes; the same of one line of the text is told once."""
    known = rules()
    view = View(graph, target)
    found: list[Diagnostic] = []
    for code in sorted(known if codes is None else codes):
        places: dict[object, list[Finding]] = {}
        for finding in known[code](view):
            places.setdefault(_place(finding.node), []).append(finding)
        found += [_diagnostic(code, findings, graph.name) for findings in places.values()]
    return found


def _place(node: Node) -> object:
    """What a reader takes for one place: the call in the text, and the line of the network that led to it."""
    frames = node.origin.frames()
    spans = [node.origin.span, *(frame.span for frame in frames[:-1])]
    return tuple((span.source.name, span.start) for span in (spans[0], spans[-1]) if span is not None) or node.path


def _diagnostic(code: str, findings: list[Finding], network: str) -> Diagnostic:
    first = findings[0]
    others = len(findings) - 1
    also = (f"also at {', '.join(f.node.path for f in findings[1:4])}{', …' if others > 3 else ''}",) if others else ()
    origin = first.node.origin
    where = f" (`{first.node.path}` of `{network}`)"
    return Diagnostic(code, first.message + where, origin.span, notes=also, help=first.help, frame=origin.frame)
