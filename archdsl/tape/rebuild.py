"""Rewriting: a new graph from an old one, node by node. Graphs are never changed in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archdsl.graph import Graph, Node, Value

Change = Callable[[Node, Sequence[Value]], "Node | Value"]
"""An old node and its new inputs -> the node that replaces it, or the value that its one output becomes."""


def rebuilt(graph: Graph, change: Change, *, enter: Callable[[Value], Value] | None = None) -> Graph:
    """The graph with ``change`` applied to every node in order, and to those of bodies; ``enter`` makes the inputs of
    the graph and of bodies anew, else they stay. A node that takes the place of one with a body gets the new body.
    """
    inputs = graph.inputs if enter is None else [enter(value) for value in graph.inputs]
    new: dict[Value, Value] = dict(zip(graph.inputs, inputs))
    nodes: list[Node] = []
    for node in graph.nodes:
        found = change(node, [new[value] for value in node.inputs])
        if isinstance(found, Node):
            if node.body is not None:
                found.body = rebuilt(node.body, change, enter=enter)
                found.params = found.body.parameters()
            nodes.append(found)
            new.update(zip(node.outputs, found.outputs))
        else:
            new[node.outputs[0]] = found
    outputs = {name: new[value] for name, value in graph.outputs.items()}
    taps = {name: new[value] for name, value in graph.taps.items()}
    return graph.rewired(inputs, nodes, outputs, taps)
