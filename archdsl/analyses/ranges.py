"""The bounds of every value, by interval arithmetic over the graph: enough to know signs."""

from __future__ import annotations

from archdsl.graph import Graph, Value
from archdsl.ops.estimates import EVERYTHING, Interval


def ranges(graph: Graph) -> dict[Value, Interval]:
    """An interval for every value; inputs and learned tensors may be anything."""
    found: dict[Value, Interval] = dict.fromkeys(graph.inputs, EVERYTHING)
    for node in graph.nodes:
        interval = node.op.range([found[value] for value in node.inputs])
        found.update(dict.fromkeys(node.outputs, interval))
    return found


def signs(interval: Interval) -> str:
    """``zero``, ``non-negative``, ``non-positive`` or ``signed``."""
    low, high = interval
    if low == high == 0:
        return "zero"
    return "non-negative" if low >= 0 else "non-positive" if high <= 0 else "signed"
