"""What depends on random numbers that are drawn while the model runs."""

from __future__ import annotations

from archdsl.graph import Graph, Node, Value


def drawn(graph: Graph) -> tuple[str, ...]:
    """The outputs that do, in order."""
    found: set[Value] = set()
    for node in graph.nodes:
        if _draws(node) or any(value in found for value in node.inputs):
            found.update(node.outputs)
    return tuple(name for name, value in graph.outputs.items() if value in found)


def _draws(node: Node) -> bool:
    """Whether a node, or its body, draws."""
    return node.op.draws or (node.body is not None and any(map(_draws, node.body.nodes)))
