"""Removal of operators whose results are not needed."""

from __future__ import annotations

from archdsl.graph import Graph, Node


def drop_dead(graph: Graph) -> Graph:
    """The graph without nodes that reach no output; taps on them go too. Inputs stay: they are the interface."""
    needed = set(graph.outputs.values())
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if any(value in needed for value in node.outputs):
            kept.append(node)
            needed.update(node.inputs)
    if len(kept) == len(graph.nodes):
        return graph
    alive = needed | set(graph.inputs) | {value for node in kept for value in node.outputs}
    taps = {name: value for name, value in graph.taps.items() if value in alive}
    return graph.rewired(graph.inputs, kept[::-1], graph.outputs, taps)
