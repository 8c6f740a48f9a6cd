"""What is legal, and means something else than most who write it think: warnings of the compiler.

A design rule (``archdsl lint``) points out what could be better; these point out what is another network than its line
looks like.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archdsl.diagnostics import Diagnostic
from archdsl.dims import Dim
from archdsl.element_types import ELEMENT_TYPES
from archdsl.graph import Node, Value
from archdsl.ops.base import Op
from archdsl.shapes import TensorType
from archdsl.source import Span

PICTURE = (1, 3, 4)
"""Channels of pictures: grey, colours, and colours with transparency."""


def input_misread(name: str, type: TensorType, span: Span) -> Diagnostic | None:
    """W0210: an input with the shape of a picture that has no batch axis, or its channels last."""
    if not ELEMENT_TYPES[type.dtype].largest and type.dtype != "u8":
        return None
    shape = type.shape
    if len(shape) == 3 and shape[0] in PICTURE and _side(shape[1]) and _side(shape[2]):
        meant, what = f"N, {_written(shape)}", "has no batch axis: it is read as [N, C, T]"
    elif len(shape) == 4 and shape[3] in PICTURE and _side(shape[1]) and _side(shape[2]):
        meant = _written((shape[0], shape[3], *shape[1:3]))
        what = "has its channels last: the second axis is read as the channels"
    else:
        return None
    return Diagnostic("W0210", f"the picture `{name}` {what}", span, help=f"write `{type.dtype}[{meant}]`")


def _written(shape: Iterable[Dim]) -> str:
    return ", ".join(map(str, shape))


def _side(size: Dim) -> bool:
    """Whether it can be a side of a picture: a symbol, or more than channels of pictures are."""
    return not isinstance(size, int) or size > 2 * max(PICTURE)


def misread(nodes: Iterable[Node], inputs: Iterable[Value]) -> Iterator[Diagnostic]:
    """W0211: a layer that works on the last axis, given a map [N, C, H, W]. W0212: what an operator says of itself."""
    maps = {value for value in inputs if value.type.rank == 4 and value.type.shape[1] in PICTURE}
    for node in nodes:
        op, entering = node.op, node.inputs[0] if node.inputs else None
        if op.role == "layer":
            if op.feature_axis == 1:
                maps.add(node.outputs[0])
            elif entering in maps:
                message = (
                    f"`{op.name}` works on the last axis, the width of {entering.type}: channels are on the second"
                )
                help = "write `flatten` before it; a linear map of the channels is `conv(…, 1)`"
                yield Diagnostic("W0211", message, node.origin.span, help=help, frame=node.origin.frame)
            continue
        if entering in maps and not op.moves_data and (op.role != "view" or op.pointwise):
            maps.update(value for value in node.outputs if value.type.shape[:2] == entering.type.shape[:2])
        if type(op).misread is not Op.misread:
            doubt = op.misread([value.type for value in node.inputs])
            if doubt is not None:
                yield Diagnostic("W0212", doubt[0], node.origin.span, help=doubt[1], frame=node.origin.frame)
