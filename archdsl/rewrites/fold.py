"""Batch norms disappear into the convolution or linear layer in front of them.

``batch_norm(conv(x))`` is one convolution with ``weight * g`` and ``(bias - mean) * g + beta``, where
``g = gamma / sqrt(variance + eps)`` per channel (Jacob et al., arXiv:1712.05877, section 3.2). The graph changes here;
the values are computed when they are written, from the parameters named in :class:`Folded`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from archdsl.dims import Dim
from archdsl.graph import Graph, Node, Parameter, Value
from archdsl.ops.base import Initializer
from archdsl.rewrites.rebuild import rebuilt
from archdsl.shapes import TensorType

FOLDABLE = ("conv", "conv_transpose", "linear")


class Folded(Initializer):
    """The initial value of a folded weight (``block`` > 0) or bias (``block`` = 0).

    Channel ``c`` of the norm scales the weight's consecutive stretches of ``block`` elements: stretch number
    ``(group * rows + row) * columns + column`` belongs to channel ``group * columns + column``.
    """

    source: Parameter | None = None
    """The weight or bias that is folded; ``None`` for a bias that does not exist."""
    gamma: Parameter | None = None
    beta: Parameter | None = None
    mean: Parameter | None = None
    variance: Parameter | None = None
    eps: float = 0.0
    channels: int = 0
    block: int = 0
    groups: int = 1
    rows: int = 1


Statistics = tuple[Parameter | None, Parameter | None, Parameter, Parameter, float]
"""Gamma, beta, mean, variance, eps: two norms that agree in them are the same function."""


def fold(graph: Graph) -> Graph:
    """The graph with every batch norm folded whose convolution or linear layer feeds nothing else.

    Weights that are applied several times are folded if each application is followed by the same norm.
    """
    norms = _foldable(graph)
    if not norms:
        return graph
    merged: dict[str, dict[str, Parameter]] = {}

    def change(node: Node, inputs: Sequence[Value]) -> Node | Value:
        norm = norms.get(node)
        if norm is not None:
            key = "|".join(sorted(parameter.path for parameter in node.params.values()))
            if key not in merged:
                merged[key] = _fold_parameters(node, norm)
            op = node.op if "bias" in node.params else node.op.replace(bias=True)
            return Node(op, inputs, [value.type for value in node.outputs], node.path, merged[key], node.origin)
        if node.op.name == "batch_norm" and node.inputs[0].producer in norms:
            return inputs[0]
        return Node(node.op, inputs, [value.type for value in node.outputs], node.path, node.params, node.origin)

    return rebuilt(graph, change)


def _foldable(graph: Graph) -> dict[Node, Node]:
    """Layer -> the norm that is folded into it."""
    users: dict[Value, list[Node]] = {}
    owners: dict[str, list[Node]] = {}
    for node in graph.nodes:
        for value in node.inputs:
            users.setdefault(value, []).append(node)
        for parameter in node.params.values():
            owners.setdefault(parameter.path, []).append(node)
    kept = set(graph.outputs.values())
    found = {
        node: users[node.outputs[0]][0]
        for node in graph.nodes
        if node.op.name in FOLDABLE and node.outputs[0] not in kept and _only_a_norm(node, users)
    }
    while refused := [node for node in found if not _alone(node, found, owners)]:
        for node in refused:
            del found[node]
    return found


def _alone(node: Node, found: dict[Node, Node], owners: dict[str, list[Node]]) -> bool:
    """Whether every other user of the layer's weights is folded with the same norm."""
    others = {other for parameter in node.params.values() for other in owners[parameter.path]}
    return all(
        other in found and other.params == node.params and _statistics(found[other]) == _statistics(found[node])
        for other in others
    )


def _only_a_norm(node: Node, users: dict[Value, list[Node]]) -> bool:
    """Whether the layer's result goes into one batch norm and nowhere else (and the norm is over its channels)."""
    after = users.get(node.outputs[0], [])
    if len(after) != 1 or after[0].op.name != "batch_norm":
        return False
    return node.op.name != "linear" or node.outputs[0].type.rank == 2


def _statistics(norm: Node) -> Statistics:
    params = norm.params
    eps: float = norm.op.eps  # type: ignore[attr-defined]
    return params.get("weight"), params.get("bias"), params["running_mean"], params["running_var"], eps


def _fold_parameters(node: Node, norm: Node) -> dict[str, Parameter]:
    """The layer's parameters, folded, under their own paths."""
    weight = node.params["weight"]
    gamma, beta, mean, variance, eps = _statistics(norm)
    channels, shape = _sizes(mean.type.shape)[0], _sizes(weight.type.shape)
    groups, rows, block = 1, 1, prod(shape[1:])
    if node.op.name == "conv_transpose":  # [in, out / groups, window]
        groups = channels // shape[1]
        rows, block = shape[0] // groups, prod(shape[2:])
    norm_of: dict[str, Any] = {"gamma": gamma, "beta": beta, "mean": mean, "variance": variance, "eps": eps}
    init = Folded("folded", source=weight, channels=channels, block=block, groups=groups, rows=rows, **norm_of)
    shift = Folded("folded", source=node.params.get("bias"), channels=channels, **norm_of)
    old = node.params.get("bias")
    path = old.path if old else f"{weight.path.removesuffix('.weight')}.bias"
    type = TensorType(weight.type.dtype, (channels,))
    return {"weight": weight.replace(init=init), "bias": Parameter(path, type, shift, trainable=weight.trainable)}


def _sizes(shape: Sequence[Dim]) -> list[int]:
    """The shape of a parameter, which is always known."""
    return [dim for dim in shape if isinstance(dim, int)]
