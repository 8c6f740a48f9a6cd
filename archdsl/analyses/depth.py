"""The shape of the graph itself: its depth, and the nodes that a value needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archdsl.graph import Graph, Node, Value
from archdsl.ops.base import Work


def depths(nodes: Iterable[Node], works: Mapping[Node, Work | None]) -> dict[Node, int]:
    """For every node (in order of use), the layers with weights on the longest path that ends with it.

    A layer with weights multiplies by parameters: convolutions, linear layers, and products with a raw parameter.
    Normalisations, learned activations and embeddings are none: ResNet-50 has depth 50 and DenseNet-121 has 121.
    """
    found: dict[Node, int] = {}
    for node in nodes:
        before = max((found.get(v.producer, 0) for v in node.inputs if v.producer is not None), default=0)
        found[node] = before + _has_weights(node, works[node])
    return found


def _has_weights(node: Node, work: Work | None) -> bool:
    if work is None or work.mac == 0:
        return False
    return bool(node.params) or any(v.producer is not None and _is_weight(v.producer) for v in node.inputs)


def _is_weight(node: Node) -> bool:
    return not node.inputs and bool(node.params)


def ancestors(value: Value) -> set[Node]:
    """The nodes that computing a value takes, its producer included."""
    found: set[Node] = set()
    waiting = [value.producer] if value.producer is not None else []
    while waiting:
        node = waiting.pop()
        if node in found:
            continue
        found.add(node)
        waiting += [v.producer for v in node.inputs if v.producer is not None]
    return found


def within(graph: Graph, path: str) -> list[Node]:
    """The nodes under a path: the node of that path, and those in its scope."""
    scope = path + "."
    return [node for node in graph.nodes if node.path == path or node.path.startswith(scope)]
