"""A product with a matrix of the file, and the sum with a vector of the file behind it: one layer with a bias.

ONNX has no layer for tensors of more than two axes, so exporters write two nodes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate

from archdsl.graph import Node, Parameter, Value
from archdsl.ops.arithmetic import Add
from archdsl.ops.constant import Param
from archdsl.ops.linear import Linear


def with_biases(nodes: Sequence[Node], outputs: Iterable[Value]) -> list[Node]:
    """The nodes of a model, with layers for such pairs. Nobody else may use the product, or the vector."""
    uses = Counter([*outputs, *(value for node in nodes for value in node.inputs)])
    dropped: set[Node] = set()
    raised: list[Node] = []
    for node in nodes:
        found = _pair(node, uses) if isinstance(node.op, Add) and len(node.inputs) == 2 else None
        if found is None:
            continue
        layer, vector = found
        dropped |= {layer, vector}
        node.op, node.inputs = layer.op.replace(bias=True), layer.inputs
        node.params = {**layer.params, "bias": vector.params["value"]}
        node.path, node.origin = layer.path, layer.origin
        raised.append(node)
    kept = [node for node in nodes if node not in dropped]
    _name(raised, kept)
    return kept


def _name(layers: Sequence[Node], nodes: Sequence[Node]) -> None:
    """Call layers after their modules, where these have no other node."""
    below: Counter[str] = Counter()
    used: Counter[str] = Counter()
    for node in nodes if layers else ():
        below.update(accumulate(node.path.split("."), "{}.{}".format))
        used.update({one.path for one in node.params.values()})
    for layer in layers:
        module, _, own = layer.path.rpartition(".")
        if own == layer.op.name and below[module] == 1:
            layer.params = {slot: _under(module, layer.path, one, used) for slot, one in layer.params.items()}
            layer.path = module
        layer.outputs[0].name = layer.path


def _under(module: str, path: str, parameter: Parameter, used: Counter[str]) -> Parameter:
    """The parameter of a layer that is called after its module; its name in the file stays."""
    own = parameter.path.startswith(f"{path}.") and used[parameter.path] == 1
    return parameter.replace(path=f"{module}{parameter.path.removeprefix(path)}") if own else parameter


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
