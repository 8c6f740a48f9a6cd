"""The bounds of every value, by interval arithmetic over the graph: enough to know signs."""

from __future__ import annotations

from archdsl.graph import Graph, Node, Value
from archdsl.ops.estimates import EVERYTHING, Interval, hull
from archdsl.ops.scan import Scan


def ranges(graph: Graph) -> dict[Value, Interval]:
    """An interval for every value, those in bodies included; inputs and learned tensors may be anything."""
    found: dict[Value, Interval] = dict.fromkeys(graph.inputs, EVERYTHING)
    _through(graph, found)
    return found


def _through(graph: Graph, found: dict[Value, Interval]) -> None:
    for node in graph.nodes:
        if node.body is not None:
            _repeated(node, node.body, found)
            continue
        interval = node.op.range([found[value] for value in node.inputs])
        found.update(dict.fromkeys(node.outputs, interval))


def _repeated(node: Node, body: Graph, found: dict[Value, Interval]) -> None:
    """A body that runs again and again: a state stays between its start and what a run makes of anything."""
    entering = [found[value] for value in node.inputs]
    results = list(body.outputs.values())
    states = node.op.states if isinstance(node.op, Scan) else 0
    found.update(zip(body.inputs, [EVERYTHING] * states + entering[states:]))
    for _ in range(2):  # once with states that may be anything, and once with what they are then
        _through(body, found)
        found.update(
            {state: hull([start, found[after]]) for state, start, after in zip(body.inputs[:states], entering, results)}
        )
    found.update(zip(node.outputs, [found[state] for state in body.inputs[:states]]))
    found.update(zip(node.outputs[states:], [found[value] for value in results[states:]]))


def signs(interval: Interval) -> str:
    """``zero``, ``non-negative``, ``non-positive`` or ``signed``."""
    low, high = interval
    if low == high == 0:
        return "zero"
    return "non-negative" if low >= 0 else "non-positive" if high <= 0 else "signed"
