"""Between which bounds a value lies, by interval arithmetic over the graph: enough to know signs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf

from archdsl.analyses.roles import is_view
from archdsl.graph import Graph, Node, Value

Interval = tuple[float, float]
ANY: Interval = (-inf, inf)

_FIXED: dict[str, Interval] = {
    "relu": (0, inf), "relu6": (0, 6), "sigmoid": (0, 1), "hard_sigmoid": (0, 1), "tanh": (-1, 1), "softsign": (-1, 1),
    "softmax": (0, 1), "softplus": (0, inf), "exp": (0, inf), "abs": (0, inf), "sqrt": (0, inf), "step": (0, 1),
    "reduce_l1": (0, inf), "reduce_l2": (0, inf), "global_lp_pool": (0, inf), "lp_pool": (0, inf), "one_hot": (0, 1),
    "log_softmax": (-inf, 0), "silu": (-0.28, inf), "gelu": (-0.18, inf), "hard_swish": (-0.375, inf),
    "mish": (-0.31, inf),
}  # fmt: skip
"""Functions whose range does not depend on what enters (or is not worth narrowing)."""

_KEEPS = frozenset({
    "global_avg_pool", "global_max_pool", "max_pool", "min_pool", "adaptive_avg_pool", "adaptive_max_pool",
    "reduce_max", "reduce_min", "reduce_mean", "permute",
    "channel_shuffle", "crop", "slice", "split", "gather", "reverse", "max",
    "min", "average", "concat", "stack", "space_to_depth", "depth_to_space", "broadcast_to", "drop_path", "expand",
    "lrn", "cast",
})  # fmt: skip
"""The result lies where the inputs lie together (``lrn`` divides by something positive)."""
_KEEPS_WITH_ZERO = frozenset({"avg_pool", "pad_channels", "pad_axes", "max_unpool", "leaky_relu", "prelu", "elu"})


def ranges(graph: Graph) -> dict[Value, Interval]:
    """An interval for every value; inputs and learned tensors may be anything."""
    found: dict[Value, Interval] = dict.fromkeys(graph.inputs, ANY)
    for node in graph.nodes:
        interval = _of(node, [found[value] for value in node.inputs])
        found.update(dict.fromkeys(node.outputs, interval))
    return found


def _of(node: Node, entering: Sequence[Interval]) -> Interval:
    name = node.op.name
    if not entering:
        return ANY
    if name == "relu" or name == "relu6":
        low, high = entering[0]
        return max(low, 0), min(max(high, 0), 6 if name == "relu6" else inf)
    if name in _FIXED:
        return _FIXED[name]
    if name in _KEEPS or is_view(node):
        return _hull(entering)
    if name in _KEEPS_WITH_ZERO:
        return _hull([*entering, (0, 0)]) if name in ("avg_pool", "pad_channels", "max_unpool") else _bent(entering[0])
    rule = _RULES.get(name)
    return rule(entering) if rule is not None else ANY


def _hull(intervals: Sequence[Interval]) -> Interval:
    return min(low for low, _ in intervals), max(high for _, high in intervals)


def _bent(interval: Interval) -> Interval:
    """A function that is the identity above zero, and anything below."""
    return interval if interval[0] >= 0 else ANY


def _sum(entering: Sequence[Interval]) -> Interval:
    return sum(low for low, _ in entering), sum(high for _, high in entering)


def _product(entering: Sequence[Interval]) -> Interval:
    if all(low >= 0 for low, _ in entering):
        return 0, inf
    return ANY


def _difference(entering: Sequence[Interval]) -> Interval:
    (a, b), (c, d) = entering
    return a - d if -inf not in (a, -d) else -inf, b - c if inf not in (b, -c) else inf


_RULES: Mapping[str, Callable[[Sequence[Interval]], Interval]] = {
    "add": _sum, "mul": _product, "sub": _difference, "neg": lambda e: (-e[0][1], -e[0][0]),
}  # fmt: skip


def signs(interval: Interval) -> str:
    """``non-negative``, ``non-positive`` or ``signed``."""
    return "non-negative" if interval[0] >= 0 else "non-positive" if interval[1] <= 0 else "signed"
