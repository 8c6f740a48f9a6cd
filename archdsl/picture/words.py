"""What a box says: an operator as papers write it, and shapes without the axis of the batch."""

from __future__ import annotations

import re
from collections.abc import Sequence

from archdsl.dims import Dim, Expr
from archdsl.graph import Graph, Node
from archdsl.ops.conv import Conv
from archdsl.ops.linear import Linear
from archdsl.ops.windows import Windowed
from archdsl.shapes import Shape
from archdsl.source import shortened

_LONG = re.compile(r"(?<![\w.])\d+\.\d{5,}(?:e[+-]?\d+)?(?![\w.])")
LONGEST = 34
"""Characters of a line of a box."""


def batch_axis(graph: Graph) -> Dim | None:
    """The size that begins the shape of every input, if it is a symbol."""
    first = {value.type.shape[0] if value.type.shape else None for value in graph.inputs}
    found = first.pop() if len(first) == 1 else None
    return found if isinstance(found, Expr) else None


def shape_text(shape: Shape, batch: Dim | None) -> str:
    """``64×112×112``, without the batch; ``scalar`` for no axes."""
    left = shape[1:] if batch is not None and len(shape) > 1 and shape[0] == batch else shape
    texts = [str(one) for one in left]
    return shortened("×".join(f"({text})" if " " in text else text for text in texts) or "scalar", LONGEST)


def _sizes(sizes: Sequence[int]) -> str:
    return "×".join(map(str, sizes))


def _stride(stride: Sequence[int]) -> str:
    if set(stride) == {1}:
        return ""
    return f", /{stride[0]}" if len(set(stride)) == 1 else f", /{_sizes(stride)}"


def op_text(node: Node) -> str:
    """``3×3 conv, 64, /2``; other operators as a spec writes them."""
    op = node.op
    if isinstance(op, Windowed) and node.inputs:
        kernel, stride, *_ = op.geometry(node.inputs[0].type)
        name = op.name.replace("_", " ")
        if isinstance(op, Conv):
            name = _conv_name(op, node)
        wide = _sizes(kernel) if len(kernel) > 1 else f"{kernel[0]}-wide"
        return f"{wide} {name}{_stride(stride)}"
    if isinstance(op, Linear):
        return f"linear, {node.outputs[0].type.shape[-1]}"
    text = rounded(repr(op))
    text = text.replace("_", " ") if "(" not in text else text
    return text if len(text) <= LONGEST else shortened(text, LONGEST)


def rounded(text: str) -> str:
    """The text with numbers of four digits: 0.075 for 0.07500000000000001."""
    return _LONG.sub(lambda found: f"{float(found[0]):.4g}", text)


def _conv_name(op: Conv, node: Node) -> str:
    entering, leaving = node.inputs[0].type.shape[1], node.outputs[0].type.shape[1]
    dilation = getattr(op, "dilation", 1)
    apart = "" if dilation in (1, (1,), (1, 1), (1, 1, 1)) else f", dilation {dilation}"
    name = op.name.replace("_", " ")
    if op.groups != 1 and op.groups == entering:
        return f"depthwise {name}, {leaving}{apart}"
    groups = f", {op.groups} groups" if op.groups != 1 else ""
    return f"{name}, {leaving}{groups}{apart}"


def role_of(node: Node) -> str:
    """What the colour of a box says."""
    return node.op.role or ("pool" if node.op.pools_maps else "other")
