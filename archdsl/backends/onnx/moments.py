"""Initial running variances: what a batch norm would have seen of a standard normal input under the initial weights.

PyTorch begins with 1 and leaves the rest to training. In inference that makes an untrained norm the identity, so that
every residual sum doubles the variance: ResNet-152 ends near 1e10, and a thousand layers overflow. Here mean and
variance are carried through the graph, one Gaussian a value, and every running variance begins as the power of two
nearest to the second moment that enters it (the running mean stays 0). Powers of two, because they are the same on
every machine whatever its ``exp``; the rounding is known, so it does not add up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from math import erf, exp, frexp, inf, ldexp, log, log1p, prod, sqrt, tanh

import numpy as np

from archdsl.backends.onnx.init import element_moments, normal_quantile
from archdsl.graph import Graph, Node, Parameter, Value
from archdsl.ops.base import Initializer
from archdsl.ops.conv import Conv
from archdsl.rewrites.rebuild import rebuilt

Moments = tuple[float, float]
"""Mean and variance of a value's elements."""

UNIT: Moments = (0.0, 1.0)
LARGEST = 60
"""The largest exponent of a running variance, up and down; less where the element type has fewer (float16)."""
TAPS = 128
"""Taps of a kernel along one axis that are looked at; of longer kernels every so many."""


def settled(graph: Graph, scheme: str) -> Graph:
    """The graph whose batch norms begin with the variance that ``scheme`` sends them.

    Not for graphs with weights from elsewhere: what those send is not known.
    """
    if not any(_unsettled(node) for node in graph.nodes):
        return graph
    begin = _variances(graph, scheme)
    made: dict[str, Parameter] = {}

    def change(node: Node, inputs: Sequence[Value]) -> Node:
        params = node.params
        if _unsettled(node):
            old = params["running_var"]
            value = begin[old.path]
            new = made.setdefault(old.path, old.replace(init=Initializer("constant", values=(value,))))
            params = {**params, "running_var": new}
        return Node(node.op, inputs, [value.type for value in node.outputs], node.path, params, node.origin)

    return rebuilt(graph, change)


def _unsettled(node: Node) -> bool:
    return node.op.name == "batch_norm" and node.params["running_var"].init.scheme == "ones"


def _variances(graph: Graph, scheme: str) -> dict[str, float]:
    """Path of a running variance -> its initial value; where a norm is applied twice, the first input counts."""
    known: dict[Value, Moments] = dict.fromkeys(graph.inputs, UNIT)
    begin: dict[str, float] = {}
    for node in graph.nodes:
        entering = [known[value] for value in node.inputs]
        if _unsettled(node):
            ((mean, variance),) = entering
            stored = node.params["running_var"]
            largest = 14 if stored.type.dtype == "f16" else LARGEST
            begin.setdefault(stored.path, _power_of_two(mean * mean + variance, largest))
        found = _moments(node, entering, scheme, begin)
        known.update(dict.fromkeys(node.outputs, found))
    return begin


def _power_of_two(x: float, largest: int) -> float:
    """The nearest one (on the scale of logarithms) up to an exponent, up and down; 1 for what has none."""
    if not 0 < x < inf:
        return 1.0
    mantissa, exponent = frexp(x)
    return ldexp(1.0, max(-largest, min(largest, exponent - (mantissa < sqrt(0.5)))))


def _moments(node: Node, entering: Sequence[Moments], scheme: str, begin: Mapping[str, float]) -> Moments:
    name = node.op.name
    if not entering:
        return next((element_moments(p.init, scheme) for p in node.params.values()), UNIT)
    if name in ("conv", "conv_transpose", "linear"):
        return _layer(node, entering[0], scheme)
    if name == "batch_norm":
        mean, variance = entering[0]
        scale = begin.get(node.params["running_var"].path, 1.0)
        return mean / sqrt(scale), variance / scale
    if name in ("layer_norm", "group_norm", "instance_norm", "rms_norm", "l2_norm"):
        return UNIT
    if name in ACTIVATIONS:
        return _through(name, entering[0])
    if name in ("max_pool", "global_max_pool", "adaptive_max_pool"):
        return _greatest(entering[0], _window(node))
    rule = _JOINS.get(name)
    return rule(node, entering) if rule is not None else entering[0]


def _layer(node: Node, entering: Moments, scheme: str) -> Moments:
    """A sum over the fan of independent products; the bias is left out."""
    weight = node.params["weight"]
    fan = weight.init.fan_in or prod(d for d in weight.type.shape[1:] if isinstance(d, int))
    centre, spread = element_moments(weight.init, scheme)
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


@lru_cache(4096)
def _through(name: str, entering: Moments) -> Moments:
    """Mean and variance of an activation of a Gaussian; repeated blocks soon repeat their moments."""
    function = ACTIVATIONS[name]
    mean, variance = entering
    deviation = sqrt(variance)
    if not (deviation < 1e100 and abs(mean) < 1e100):  # nothing that a float32 network could compute
        return entering
    results = [function(mean + deviation * z) for z in _quantiles()]
    first = sum(results) / len(results)
    return first, sum((one - first) ** 2 for one in results) / len(results)


@cache
def _quantiles() -> tuple[float, ...]:
    """Points of equal weight that stand for the standard normal distribution, scaled to variance 1."""
    points = [_quantile((i + 0.5) / 32) for i in range(32)]
    scale = sqrt(sum(z * z for z in points) / len(points))
    return tuple(z / scale for z in points)


def _quantile(p: float) -> float:
    return float(normal_quantile(np.array([p]))[0])


def _sigmoid(x: float) -> float:
    return (1 + tanh(x / 2)) / 2


def _softplus(x: float) -> float:
    return max(x, 0.0) + log1p(exp(-abs(x)))


def _hard_sigmoid(x: float) -> float:
    return min(max(x / 6 + 0.5, 0.0), 1.0)


def _relu(x: float) -> float:
    return max(x, 0.0)


ACTIVATIONS: Mapping[str, Callable[[float], float]] = {
    "relu": _relu,
    "relu6": lambda x: min(max(x, 0.0), 6.0),
    "leaky_relu": _relu,
    "prelu": lambda x: max(x, 0.25 * x),
    "elu": lambda x: x if x > 0 else exp(x) - 1,
    "selu": lambda x: 1.0507 * (x if x > 0 else 1.6733 * (exp(x) - 1)),
    "gelu": lambda x: x * (1 + erf(x / sqrt(2))) / 2,
    "silu": lambda x: x * _sigmoid(x),
    "mish": lambda x: x * tanh(_softplus(x)),
    "softplus": _softplus,
    "hard_swish": lambda x: x * _hard_sigmoid(x),
    "sigmoid": _sigmoid,
    "hard_sigmoid": _hard_sigmoid,
    "tanh": tanh,
    "softsign": lambda x: x / (1 + abs(x)),
    "erf": erf,
    "abs": abs,
}
"""Functions of one element; others (and what their parameters change) are near enough to the identity."""


def _greatest(entering: Moments, count: int) -> Moments:
    """The greatest of ``count`` Gaussians: Blom's mean (1958), and a variance fitted to 2 to 100 of them."""
    mean, variance = entering
    if count < 2:
        return entering
    lift = _quantile((count - 0.375) / (count + 0.25))
    return mean + sqrt(variance) * lift, variance / (1 + 0.8 * log(count))


def _window(node: Node) -> int:
    """How many elements of the input a maximum is taken over; 1 where that is not known."""
    if node.op.name == "max_pool":
        kernel: int | tuple[int, ...] = node.op.kernel  # type: ignore[attr-defined]
        return prod(kernel) if isinstance(kernel, tuple) else kernel ** (node.inputs[0].type.rank - 2)
    before, after = node.inputs[0].type.elements, node.outputs[0].type.elements
    return before // after if isinstance(before, int) and isinstance(after, int) and after else 1


def _sum(node: Node, entering: Sequence[Moments]) -> Moments:
    return sum(mean for mean, _ in entering), sum(variance for _, variance in entering)


def _difference(node: Node, entering: Sequence[Moments]) -> Moments:
    (first, _), (second, _) = entering
    return first - second, sum(variance for _, variance in entering)


def _average(node: Node, entering: Sequence[Moments]) -> Moments:
    total, variance = _sum(node, entering)
    return total / len(entering), variance / len(entering) ** 2


def _product(node: Node, entering: Sequence[Moments]) -> Moments:
    mean, second = 1.0, 1.0
    for one, variance in entering:
        mean *= one
        second *= one * one + variance
    return mean, max(second - mean * mean, 0.0)


def _mixture(node: Node, entering: Sequence[Moments]) -> Moments:
    sizes = [value.type.shape[1] if value.type.rank > 1 else 1 for value in node.inputs]
    shares = [size if isinstance(size, int) else 1 for size in sizes]
    total = sum(shares) or 1
    mean = sum(share * one for share, (one, _) in zip(shares, entering)) / total
    second = sum(share * (one * one + variance) for share, (one, variance) in zip(shares, entering)) / total
    return mean, max(second - mean * mean, 0.0)


_JOINS: Mapping[str, Callable[[Node, Sequence[Moments]], Moments]] = {
    "add": _sum, "sub": _difference, "average": _average, "mul": _product, "concat": _mixture, "stack": _mixture,
}  # fmt: skip
