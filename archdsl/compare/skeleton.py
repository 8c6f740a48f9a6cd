"""What a network is made of, whatever its parts are called: its layers with weights, and its activations.

Norms, biases and views are left out: exporters fold, drop and add them. A convolution of 1x1 with stride 1 is a linear
layer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from archdsl.dims import Dim
from archdsl.graph import Graph, Node, Value
from archdsl.ops.conv import Conv
from archdsl.ops.linear import Linear
from archdsl.record import Record

MOST_PASSED = 8
"""Makers that a value without one of its own is told to have."""


class Skeleton(Record):
    """How often each layer and each activation occurs; layers are written with their sizes."""

    layers: Counter[str]
    activations: Counter[str]
    links: Counter[tuple[str, str]]
    """How often a layer, an activation or a join gets what another one gives; norms and views are passed through."""

    def shared(self, other: Skeleton) -> int:
        """How many layers both have."""
        return (self.layers & other.layers).total()

    def likeness(self, other: Skeleton) -> float:
        """The part of the layers of both that they share: 1 where all are the same."""
        total = self.layers.total() + other.layers.total()
        return 2 * self.shared(other) / total if total else 0.0

    def wiring(self, other: Skeleton) -> int:
        """How many links both have."""
        return (self.links & other.links).total()


def skeleton(graph: Graph) -> Skeleton:
    """The skeleton of a graph, bodies of loops included."""
    layers: Counter[str] = Counter()
    activations: Counter[str] = Counter()
    links: Counter[tuple[str, str]] = Counter()
    makers: dict[Value, tuple[str, ...]] = {}
    for node in graph.all_nodes():
        found = _layers(node)
        layers.update(found)
        active = node.op.role == "activation"
        activations[node.op.name] += active
        entering = tuple([maker for value in node.inputs for maker in makers.get(value, ())])
        if found or active or node.op.role == "join":
            name = found[0] if found else node.op.name
            links.update((maker, name) for maker in entering)
            entering = (name,)
        makers.update(dict.fromkeys(node.outputs, entering[:MOST_PASSED]))
    return Skeleton(layers, +activations, links)


def _layers(node: Node) -> list[str]:
    if node.op.role == "norm" or node.body is not None:
        return []
    weights = [p.type.shape for p in node.params.values() if p.trainable and len(p.type.shape) > 1]
    return [_written(node, shape) for shape in weights]


def _written(node: Node, shape: Sequence[Dim]) -> str:
    sizes, name = list(shape), node.op.name
    stride = getattr(node.op, "stride", 1)
    moved = stride if isinstance(stride, tuple) else (stride,)
    if getattr(node.op, "transposed", False) is True:  # a weight that is stored [in, out]
        sizes.reverse()
    if isinstance(node.op, Conv) and len(sizes) > 2 and {*sizes[2:], *moved} == {1}:
        name, sizes = Linear.name, sizes[:2]
    step = f" stride {'x'.join(map(str, dict.fromkeys(moved)))}" if any(one != 1 for one in moved) else ""
    return f"{name} {'x'.join(map(str, sizes))}{step}"
