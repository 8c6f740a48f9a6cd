"""Folding of batch norms into the convolution or linear layer before them.

``batch_norm(conv(x))`` is one convolution with ``weight * g`` and ``(bias - mean) * g + beta``, where
``g = gamma / sqrt(variance + eps)`` per channel (Jacob et al., arXiv:1712.05877, section 3.2). The graph changes here;
the values are computed when they are written, from the parameters named in :class:`Folded`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from archdsl.graph import Graph, Node, Parameter, Value
from archdsl.ops.base import ChannelLayout, Initializer
from archdsl.shapes import TensorType
from archdsl.tape.rebuild import rebuilt


class Folded(Initializer):
    """The initial value of a folded weight, whose channels the norm scales, or bias."""

    source: Parameter | None = None
    """The weight or bias that is folded; ``None`` for a bias that does not exist."""
    gamma: Parameter | None = None
    beta: Parameter | None = None
    mean: Parameter | None = None
    variance: Parameter | None = None
    eps: float = 0.0
    channels: int = 0
    layout: ChannelLayout | None = None
    """Where the channels lie in the weight; ``None`` for a bias."""


Statistics = tuple[Parameter | None, Parameter | None, Parameter, Parameter, float]
"""Gamma, beta, mean, variance, eps: two norms that agree in them are the same function."""


def fold(graph: Graph) -> Graph:
    """The graph with every batch norm folded whose convolution or linear layer feeds nothing else.

    What stands between them may leave the elements and their channels as they are: dropout, a view of the positions.
    Weights that are applied several times are folded if each application is followed by the same norm.
    """
    norms = foldable(graph)
    if not norms:
        return graph
    gone = set(norms.values())
    merged: dict[str, dict[str, Parameter]] = {}

    def change(node: Node, inputs: Sequence[Value]) -> Node | Value:
        norm = norms.get(node)
        if norm is not None:
            key = "|".join(sorted(parameter.path for parameter in node.params.values()))
            if key not in merged:
                merged[key] = _fold_parameters(node, norm)
            op = node.op if "bias" in node.params else node.op.replace(bias=True)
            return Node(op, inputs, [value.type for value in node.outputs], node.path, merged[key], node.origin)
        if node in gone:
            return inputs[0]
        return Node(node.op, inputs, [value.type for value in node.outputs], node.path, node.params, node.origin)

    return rebuilt(graph, change)


def foldable(graph: Graph) -> dict[Node, Node]:
    """Layer -> the norm that is folded into it."""
    nodes = graph.all_nodes()
    used = Counter(value for node in nodes for value in node.inputs)
    used.update(graph.outputs.values())
    for node in nodes:
        used.update(node.body.outputs.values() if node.body is not None else ())
    found: dict[Node, Node] = {}
    for norm in nodes:
        value = norm.inputs[0] if norm.op.folds else None
        layer = layer_before(value, norm.op.channel_axis(value.type), used) if value is not None else None
        if layer is not None:
            found[layer] = norm
    if not found:
        return {}
    paths = {parameter.path for node in found for parameter in node.params.values()}
    owners: dict[str, list[Node]] = {}
    for node in nodes:
        for parameter in node.params.values() if node.body is None else ():
            if parameter.path in paths:
                owners.setdefault(parameter.path, []).append(node)
    _drop_torn(found, owners)
    return found


def _drop_torn(found: dict[Node, Node], owners: dict[str, list[Node]]) -> None:
    """Leave out the layers whose weights have a user that is not folded with the same norm. Linear in the graph."""
    waiting = [path for path, nodes in owners.items() if not _agree(nodes, found)]
    refused = set(waiting)
    while waiting:
        for node in owners[waiting.pop()]:
            if found.pop(node, None) is None:
                continue
            fresh = [p.path for p in node.params.values() if p.path not in refused]
            refused.update(fresh)
            waiting += fresh


def _agree(nodes: Sequence[Node], found: Mapping[Node, Node]) -> bool:
    """Whether all the users of a parameter have the same parameters, and are folded with the same norm."""
    first = nodes[0]
    return all(
        node in found and node.params == first.params and statistics(found[node]) == statistics(found[first])
        for node in nodes
    )


def layer_before(value: Value, axis: int, used: Mapping[Value, int]) -> Node | None:
    """The layer whose results are this value alone, and reach it with the channels that they have, along this axis."""
    while used[value] == 1 and value.producer is not None:
        node = value.producer
        if is_layer(node):
            return node if node.op.feature_axis % node.outputs[0].type.rank == axis else None
        before, after = node.inputs[0].type.shape if node.inputs else (), node.outputs[0].type.shape
        if node.op.role != "view" or (before != after and (axis != 1 or before[:2] != after[:2])):
            return None
        value = node.inputs[0]
    return None


def is_layer(node: Node) -> bool:
    """Whether a node is a sum of products with a weight."""
    weight = node.params.get("weight")
    return weight is not None and node.op.channel_layout(sizes(weight)) is not None


def statistics(norm: Node) -> Statistics:
    """What a batch norm computes with."""
    params = norm.params
    eps: float = norm.op.eps  # type: ignore[attr-defined]
    return params.get("weight"), params.get("bias"), params["running_mean"], params["running_var"], eps


def _fold_parameters(node: Node, norm: Node) -> dict[str, Parameter]:
    """The layer's parameters, folded, under their own paths."""
    weight = node.params["weight"]
    gamma, beta, mean, variance, eps = statistics(norm)
    channels = sizes(mean)[0]
    layout = node.op.channel_layout(sizes(weight))
    assert layout is not None
    norm_of: dict[str, Any] = {"gamma": gamma, "beta": beta, "mean": mean, "variance": variance, "eps": eps}
    init = Folded("folded", source=weight, channels=channels, layout=layout, **norm_of)
    shift = Folded("folded", source=node.params.get("bias"), channels=channels, **norm_of)
    old = node.params.get("bias")
    path = old.path if old else f"{weight.path.removesuffix('.weight')}.bias"
    type = TensorType(weight.type.dtype, (channels,))
    return {"weight": weight.replace(init=init), "bias": Parameter(path, type, shift, trainable=weight.trainable)}


def sizes(parameter: Parameter) -> list[int]:
    """The shape of a parameter, which is always known."""
    return [dim for dim in parameter.type.shape if isinstance(dim, int)]
