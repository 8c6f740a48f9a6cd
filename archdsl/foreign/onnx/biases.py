"""A product with a matrix of the file, and the sum with a vector of the file behind it: one layer with a bias.

ONNX has no layer for tensors of more than two axes, so exporters write two nodes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from archdsl.graph import Node, Value
from archdsl.ops.arithmetic import Add
from archdsl.ops.constant import Param
from archdsl.ops.linear import Linear


def with_biases(nodes: Sequence[Node], outputs: Iterable[Value]) -> list[Node]:
    """The nodes of a model, with layers for such pairs. Nobody else may use the product, or the vector."""
    uses = Counter([*outputs, *(value for node in nodes for value in node.inputs)])
    dropped: set[Node] = set()
    for node in nodes:
        found = _pair(node, uses) if isinstance(node.op, Add) and len(node.inputs) == 2 else None
        if found is None:
            continue
        layer, vector = found
        dropped |= {layer, vector}
        node.op, node.inputs = layer.op.replace(bias=True), layer.inputs
        node.params = {**layer.params, "bias": vector.params["value"]}
        node.path, node.origin = layer.path, layer.origin
        node.outputs[0].name = layer.path
    return [node for node in nodes if node not in dropped]


def _pair(node: Node, uses: Counter[Value]) -> tuple[Node, Node] | None:
    """The layer and the vector that a sum is of."""
    if any(uses[value] > 1 or value.producer is None for value in node.inputs):
        return None
    for layer, vector in (node.inputs, node.inputs[::-1]):
        made, given = layer.producer, vector.producer
        if made is None or given is None or not isinstance(made.op, Linear) or not isinstance(given.op, Param):
            continue
        learned = given.params["value"].trainable and vector.type.shape == (made.op.features,)
        if learned and not made.op.bias and vector.type.dtype == layer.type.dtype:
            return made, given
    return None
