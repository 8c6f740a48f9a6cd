"""Initial running variances: what a batch norm would have seen of a standard normal input under the initial weights.

PyTorch begins with 1 and leaves the rest to training. In inference that makes an untrained norm the identity, so that
every residual sum doubles the variance: ResNet-152 ends near 1e10, and a thousand layers overflow. Here mean and
variance are carried through the graph, one Gaussian a value, and every running variance begins as the power of two
nearest to the second moment that enters it (the running mean stays 0). Powers of two, because they are the same on
every machine whatever its ``exp``; the rounding is known, so it does not add up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import frexp, inf, ldexp, prod, sqrt

from archdsl.graph import Graph, Node, Parameter, Value
from archdsl.ops.base import ONES, filled
from archdsl.ops.conv import Conv
from archdsl.ops.estimates import UNIT, Moments
from archdsl.rewrites.fold import sizes
from archdsl.tape.rebuild import rebuilt

LARGEST = 60
"""The largest exponent of a running variance, up and down; less where the element type has fewer (float16)."""
TAPS = 128
"""Taps of a kernel along one axis that are looked at; of longer kernels every so many."""


def settle(graph: Graph, scheme: str) -> Graph:
    """The graph whose batch norms begin with the variance that ``scheme`` sends them.

    Not for graphs with weights from elsewhere: what those send is not known.
    """
    if not any(_unsettled(node) for node in graph.all_nodes()):
        return graph
    begin = _variances(graph, scheme)
    made: dict[str, Parameter] = {}

    def change(node: Node, inputs: Sequence[Value]) -> Node:
        params = node.params
        if _unsettled(node):
            old = params["running_var"]
            value = begin[old.path]
            new = made.setdefault(old.path, old.replace(init=filled(value)))
            params = {**params, "running_var": new}
        return Node(node.op, inputs, [value.type for value in node.outputs], node.path, params, node.origin)

    return rebuilt(graph, change)


def _unsettled(node: Node) -> bool:
    return node.op.folds and node.params["running_var"].init == ONES


def _variances(graph: Graph, scheme: str) -> dict[str, float]:
    """Path of a running variance -> its initial value; where a norm is applied twice, the first input counts."""
    begin: dict[str, float] = {}
    _carry(graph, dict.fromkeys(graph.inputs, UNIT), scheme, begin)
    return begin


def _carry(graph: Graph, known: dict[Value, Moments], scheme: str, begin: dict[str, float]) -> None:
    """Carry moments through a graph from those of its inputs. A body is gone through once, from its states' starts:
    what later runs send is not known.
    """
    for node in graph.nodes:
        entering = [known[value] for value in node.inputs]
        if node.body is not None:
            known.update(zip(node.body.inputs, entering))
            _carry(node.body, known, scheme, begin)
            known.update(zip(node.outputs, [known[value] for value in node.body.outputs.values()]))
            continue
        if _unsettled(node):
            ((mean, variance),) = entering
            stored = node.params["running_var"]
            largest = 14 if stored.type.dtype == "f16" else LARGEST
            begin.setdefault(stored.path, _power_of_two(mean * mean + variance, largest))
        found = _moments(node, entering, scheme, begin)
        known.update(dict.fromkeys(node.outputs, found))


def _power_of_two(x: float, largest: int) -> float:
    """The nearest one (on the scale of logarithms) up to an exponent, up and down; 1 for what has none."""
    if not 0 < x < inf:
        return 1.0
    mantissa, exponent = frexp(x)
    return ldexp(1.0, max(-largest, min(largest, exponent - (mantissa < sqrt(0.5)))))


def _moments(node: Node, entering: Sequence[Moments], scheme: str, begin: Mapping[str, float]) -> Moments:
    if not entering:
        return next((p.init.moments(scheme) for p in node.params.values()), UNIT)
    if node.op.folds:
        mean, variance = entering[0]
        scale = begin.get(node.params["running_var"].path, 1.0)
        return mean / sqrt(scale), variance / scale
    weight = node.params.get("weight")
    if weight is not None and node.op.channel_layout(sizes(weight)) is not None:
        fan = weight.init.fan_in or prod(sizes(weight)[1:])
        return _layer(node, fan, weight.init.moments(scheme), entering[0])
    ins, outs = [value.type for value in node.inputs], [value.type for value in node.outputs]
    for given in node.op.operand("weight", range(len(ins))) if "weight" in node.op.operands else ():
        own = ins[given].shape[1 + (ins[given].rank > ins[0].rank) :]  # without the batch
        return _layer(node, prod([n for n in own if isinstance(n, int)]), entering[given], entering[0])
    return node.op.moments(entering, ins, outs)


def _layer(node: Node, fan: int, weight: Moments, entering: Moments) -> Moments:
    """A sum over the fan of independent products; the bias is left out."""
    centre, spread = weight
    share = _inside(node) * fan
    mean, variance = entering
    moved = centre * mean
    return share * moved, share * max((centre * centre + spread) * (mean * mean + variance) - moved * moved, 0.0)


def _inside(node: Node) -> float:
    """The share of a convolution's taps that do not fall on padding."""
    if not isinstance(node.op, Conv):
        return 1.0
    x, y = node.inputs[0].type, node.outputs[0].type
    pads = node.op.pads(x)
    if pads is None or not any(map(any, pads)):
        return 1.0
    share = 1.0
    for size, count, k, s, d, (begin, _) in zip(x.shape[2:], y.shape[2:], *node.op.geometry(x), pads):
        if isinstance(size, int) and isinstance(count, int):
            taps = range(0, k, -(-k // TAPS))
            share *= sum(_hits(size, count, s, tap * d - begin) for tap in taps) / (count * len(taps))
    return share


def _hits(size: int, count: int, stride: int, first: int) -> int:
    """How many of ``first + i * stride``, ``0 <= i < count``, lie in ``[0, size)``."""
    low = max(0, -(first // stride))
    high = min(count - 1, (size - 1 - first) // stride)
    return max(0, high - low + 1)
