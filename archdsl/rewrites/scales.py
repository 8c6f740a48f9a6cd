"""Folding of learned channel scales into the convolution or linear layer before them.

``gamma * conv(x)`` with one number for each channel is one convolution with ``weight * gamma`` and ``bias * gamma``:
LayerScale (Touvron et al., arXiv:2103.17239, equation 4) behind the last layer of a branch. Runs beside
:mod:`archdsl.rewrites.fold`, which computes the values in the same way. Linear in the graph.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from archdsl.graph import Graph, Node, Parameter, Value
from archdsl.ops.arithmetic import Mul
from archdsl.ops.constant import Param
from archdsl.rewrites.fold import Folded, layer_before, sizes
from archdsl.tape.rebuild import rebuilt


def fold_scales(graph: Graph) -> Graph:
    """The graph with every scale folded whose layer feeds nothing else and has its parameters for itself."""
    scales = _scales(graph)
    if not scales:
        return graph
    gone = {node: index for node, index, _ in scales.values()}
    unscaled = {value for layer in scales for value in layer.outputs}
    taps = {name: value for name, value in graph.taps.items() if value not in unscaled}
    graph = graph.rewired(graph.inputs, graph.nodes, graph.outputs, taps)

    def change(node: Node, inputs: Sequence[Value]) -> Node | Value:
        if node in gone:
            return inputs[gone[node]]
        params = node.params
        if node in scales:
            gamma = scales[node][2]
            params = {name: _scaled(node, parameter, gamma) for name, parameter in params.items()}
        return Node(node.op, inputs, [value.type for value in node.outputs], node.path, params, node.origin)

    graph = rebuilt(graph, change)
    return _without_unused(graph, {gamma.path for _, _, gamma in scales.values()})


def _scales(graph: Graph) -> dict[Node, tuple[Node, int, Parameter]]:
    """Layer -> the product behind it, which of its inputs the layer's result is, and the numbers."""
    nodes = graph.all_nodes()
    used = Counter(value for node in nodes for value in node.inputs)
    used.update(graph.outputs.values())
    for node in nodes:
        used.update(node.body.outputs.values() if node.body is not None else ())
    owners = Counter(parameter.path for node in nodes if node.body is None for parameter in node.params.values())
    found: dict[Node, tuple[Node, int, Parameter]] = {}
    for node in graph.nodes:
        if not isinstance(node.op, Mul) or len(node.inputs) != 2:
            continue
        for index, value in enumerate(node.inputs):
            gamma = _gamma(node.inputs[1 - index])
            axis = _axis(value, node, gamma)
            layer = layer_before(value, axis, used) if axis is not None else None
            if gamma is not None and layer is not None and layer not in found and _own(layer, owners):
                found[layer] = node, index, gamma
                break
    return found


def _gamma(value: Value) -> Parameter | None:
    """The learned tensor that a value is."""
    node = value.producer
    return next(iter(node.params.values())) if node is not None and isinstance(node.op, Param) else None


def _axis(value: Value, product: Node, gamma: Parameter | None) -> int | None:
    """The axis whose positions the numbers scale, where they have one for each and are of the same element type."""
    if gamma is None or value.type != product.outputs[0].type or gamma.type.dtype != value.type.dtype:
        return None
    shape = sizes(gamma)
    axes = [axis for axis, size in enumerate(shape) if size != 1]
    if len(axes) != 1:
        return None
    axis = value.type.rank - len(shape) + axes[0]
    return axis if axis > 0 and value.type.shape[axis] == shape[axes[0]] else None


def _own(layer: Node, owners: Counter[str]) -> bool:
    return set(layer.params) <= {"weight", "bias"} and all(owners[p.path] == 1 for p in layer.params.values())


def _scaled(layer: Node, parameter: Parameter, gamma: Parameter) -> Parameter:
    """The layer's weight or bias, times the numbers."""
    is_weight = parameter is layer.params["weight"]
    layout = layer.op.channel_layout(sizes(parameter)) if is_weight else None
    init = Folded("folded", source=parameter, gamma=gamma, channels=max(sizes(gamma)), layout=layout)
    return parameter.replace(init=init)


def _without_unused(graph: Graph, paths: set[str]) -> Graph:
    """Without those learned tensors of these that nobody reads any more."""
    used = {value for node in graph.all_nodes() for value in node.inputs} | set(graph.outputs.values())

    def idle(node: Node) -> bool:
        learned = isinstance(node.op, Param) and any(p.path in paths for p in node.params.values())
        return learned and node.outputs[0] not in used

    kept = [node for node in graph.nodes if not idle(node)]
    alive = {value for node in kept for value in node.outputs} | set(graph.inputs)
    taps = {name: value for name, value in graph.taps.items() if value in alive}
    return graph.rewired(graph.inputs, kept, graph.outputs, taps)
