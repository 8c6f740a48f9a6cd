"""Rules about the sizes of maps along the network."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import prod

from archdsl.analyses.field import Field
from archdsl.design_rules.view import DesignRule, Finding, View
from archdsl.graph import Node
from archdsl.ops.conv import Conv, ConvTranspose
from archdsl.ops.linear import Linear
from archdsl.ops.look import AxisWindow
from archdsl.ops.pool_global import GlobalPooling
from archdsl.ops.windows import Windowed

SMALLEST, LARGEST = 6, 8
"""Positions of the last map before global pooling."""
SPARE = 1.25
"""By how much more the data volume may fall than channels that double would let it: odd sizes cost something."""


def odd_sizes(view: View) -> Iterator[Finding]:
    """W0403."""
    for node in view.nodes:
        if not isinstance(node.op, Windowed) or isinstance(node.op, ConvTranspose):
            continue
        shape = view.shape(node.inputs[0])
        kernel, stride, _ = node.op.geometry(view.measures.bound.type(node.inputs[0]))
        for n, k, s in zip((shape or ())[2:], kernel, stride):
            if s > 1 and n % s and k < n:
                message = f"{n} positions are not a multiple of the stride {s}"
                help = "choose the input size and the padding so that every stride divides the size"
                yield Finding(node, message, help)
                break


def bottleneck(view: View) -> Iterator[Finding]:
    """W0404: the largest volume at a resolution, against that of the next; only what no path leads around counts."""
    rank = view.graph.inputs[0].type.rank if view.graph.inputs else 0
    levels: list[tuple[int, int, Node]] = []
    for value in view.trunk:
        shape, node = view.shape(value), value.producer
        if node is None or shape is None or len(shape) != rank or rank < 3:
            continue
        positions = prod(shape[2:])
        if positions <= 1 or not _makes_features(node):
            continue
        volume = prod(shape[1:])
        if not levels or positions < levels[-1][0]:
            levels.append((positions, volume, node))
        elif positions == levels[-1][0]:
            levels[-1] = (positions, max(volume, levels[-1][1]), levels[-1][2])
    for (wide, before, _), (narrow, after, node) in pairwise(levels):
        allowed = (wide / narrow) ** (1 / (rank - 2))
        if before > SPARE * allowed * after:
            message = f"the data volume falls from {before:,} to {after:,} elements, to 1/{before / after:.3g}"
            message += f" while the sides fall to 1/{allowed:.3g}"
            yield Finding(node, message, "double the channels where the resolution is halved")


def _makes_features(node: Node) -> bool:
    """Whether the result is a map of features: not padded, resized or rearranged."""
    return isinstance(node.op, Windowed) or node.op.pointwise or node.op.role in ("activation", "norm", "join")


def few_features(view: View) -> Iterator[Finding]:
    """W0406."""
    node = view.classifier
    if node is None:
        return
    entering, leaving = view.shape(node.inputs[0]), view.shape(node.outputs[0])
    if entering is None or leaving is None or prod(leaving[2:]) != 1:
        return
    axis = node.op.feature_axis
    if entering[axis] < leaving[axis] and not _pools_tokens(node, view):
        yield Finding(
            node,
            f"the classifier has only {entering[axis]:,} features for {leaving[axis]:,} classes",
            "widen the last stage",
        )


def _pools_tokens(classifier: Node, view: View) -> bool:
    """Whether the classifier's features are those of tokens, [N, T, F]: they are as many in all layers, and there is no
    last stage to widen.
    """
    node = classifier.inputs[0].producer
    while node is not None and len(node.inputs) == 1 and node.op.role != "layer":
        (entering,), rank = node.inputs, node.outputs[0].type.rank
        if rank == 2 and entering.type.rank > 2:
            last = view.measures.bound.window(node, 0, 0)[1]
            return isinstance(last, AxisWindow) and last.axis == entering.type.rank - 1
        node = entering.producer
    return False


def last_map(view: View) -> Iterator[Finding]:
    """W0407."""
    for node in _heads(view):
        shape = view.shape(node.inputs[0])
        if shape is None or len(shape) < 4:
            continue
        size = "x".join(map(str, shape[2:]))
        if min(shape[2:]) < SMALLEST:
            yield Finding(node, f"the last map has {size} positions: few are left to average", "use one stride less")
        elif max(shape[2:]) > LARGEST:
            yield Finding(node, f"the last map has {size} positions: another stage would fit", "use one more stride")


def short_sight(view: View) -> Iterator[Finding]:
    """W0408."""
    if not view.graph.inputs:
        return
    image = view.shape(view.graph.inputs[0])
    fields = view.measures.fields
    for node in _heads(view):
        if image is None or node.inputs[0] not in fields:
            continue
        pairs = zip(fields.at(node.inputs[0]), (image[axis] for axis in fields.axes))
        short = [(field.size, size) for field, size in pairs if isinstance(field, Field) and field.size < size]
        if short:
            seen, size = short[0]
            yield Finding(
                node,
                f"a position of the last map sees {seen} of the image's {size} positions",
                "add layers, use strides earlier, or use dilation",
            )


def _heads(view: View) -> list[Node]:
    """Global pooling whose result is not put back onto a map (as a gate's is), but leads to the classifier."""
    node = view.classifier
    above = node.inputs[0].producer if node is not None else None
    while above is not None and not isinstance(above.op, GlobalPooling):
        if len(above.inputs) != 1 or above.op.role == "layer":
            return []
        above = above.inputs[0].producer
    return [above] if above is not None else []


def heavy_classifier(view: View) -> Iterator[Finding]:
    """W0412."""
    rows = view.measures.row_of
    layers = [node for node in view.nodes if node.op.role == "layer"]
    if not any(isinstance(node.op, Conv) for node in layers):
        return
    tail: list[Node] = []
    for node in reversed(layers):
        if not isinstance(node.op, Linear) or node.inputs[0].type.rank != 2:  # of tokens: no classifier
            break
        tail.append(node)
    held = [rows[node].params for node in tail]
    total = [row.params for row in view.measures.rows]
    if not all(isinstance(n, int) for n in (*held, *total)):
        return
    share, whole = sum(n for n in held if isinstance(n, int)), sum(n for n in total if isinstance(n, int))
    if tail and 2 * share > whole:
        first = max(tail, key=lambda node: _count(rows[node].params))
        message = f"the classifier holds {share:,} of {whole:,} parameters ({share / whole:.0%})"
        yield Finding(first, message, "pool globally before it: `global_avg_pool -> flatten -> linear(classes)`")


def _count(params: object) -> int:
    return params if isinstance(params, int) else 0


RULES: dict[str, DesignRule] = {
    "W0403": odd_sizes, "W0404": bottleneck, "W0406": few_features, "W0407": last_map, "W0408": short_sight,
    "W0412": heavy_classifier,
}  # fmt: skip
