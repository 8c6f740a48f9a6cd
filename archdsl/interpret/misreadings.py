"""What is legal, and means something else than most who write it think: warnings of the compiler.

A design rule (``archdsl lint``) points out what could be better; these point out what is another network than its line
looks like.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set as AbstractSet

from archdsl.diagnostics import Diagnostic
from archdsl.dims import Dim
from archdsl.element_types import ELEMENT_TYPES
from archdsl.graph import Node, Value
from archdsl.ops.activation import PRelu, Sigmoid
from archdsl.ops.base import Op
from archdsl.ops.join import Sparse
from archdsl.ops.shape import Transpose
from archdsl.ops.softmax import Softmax
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


def misspelt(name: str, other: str) -> bool:
    """Whether two different names differ in one letter that is missing, or in two that are exchanged; case and
    underscores do not count.
    """
    a, b = sorted((name.lower().replace("_", ""), other.lower().replace("_", "")), key=len)
    if len(b) < 5 or len(b) - len(a) > 1:
        return a == b and name != other
    i = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), len(a))
    if len(a) < len(b):
        return not b[i].isdigit() and a[i:] == b[i + 1 :]
    return name != other and (a == b or (a[i : i + 2] == b[i : i + 2][::-1] and a[i + 2 :] == b[i + 2 :]))


def _written(shape: Iterable[Dim]) -> str:
    return ", ".join(map(str, shape))


def _side(size: Dim) -> bool:
    """Whether it can be a side of a picture: a symbol, or more than channels of pictures are."""
    return not isinstance(size, int) or size > 2 * max(PICTURE)


def misread(nodes: Iterable[Node], inputs: Iterable[Value]) -> Iterator[Diagnostic]:
    """W0211: what works on the last axis, given a map [N, C, H, W]; and what works on the channels, given a sequence
    [N, T, F]. W0212: what an operator says of itself.
    """
    maps = {value for value in inputs if value.type.rank == 4 and value.type.shape[1] in PICTURE}
    nodes = tuple(nodes)
    sequences = _sequences(nodes, inputs)
    sparse = any(isinstance(node.op, Sparse) for node in nodes)
    makers = {value: node.op for node in nodes for value in node.outputs} if sparse else {}
    quiet: dict[tuple[int, ...], bool] = {}
    """Operators on maps of which nothing is to be told, by identity of operator and types; whether a map results."""
    for node in nodes:
        key: tuple[int, ...] | None = None
        if not sequences and not sparse and len(node.outputs) == 1 and node.inputs and node.inputs[0] in maps:
            key = (id(node.op), *[id(value.type) for value in node.inputs])
            spreads = quiet.get(key)
            if spreads is not None:
                if spreads:
                    maps.add(node.outputs[0])
                continue
        doubts = [*_doubts(node, maps, sequences, makers)]
        for code, (message, help) in doubts:
            yield Diagnostic(code, message, node.origin.span, help=help, frame=node.origin.frame)
        _spread(node, maps, sequences)
        if key is not None and not doubts and not sequences:
            quiet[key] = node.outputs[0] in maps


def _doubts(
    node: Node, maps: AbstractSet[Value], sequences: AbstractSet[Value], makers: Mapping[Value, Op]
) -> Iterator[tuple[str, tuple[str, str]]]:
    """What is to be told of one node: codes, messages and helps."""
    op = node.op
    if doubt := _dense_gates(node, makers):
        yield "W0212", doubt
    if doubt := _wrong_axis(node, maps, sequences):
        yield "W0211", doubt
    if op.role == "join" and len(node.inputs) == 1:
        yield "W0212", (f"`{op.name}` of one tensor joins nothing", f"name what it joins: `{op.name}(a, b)`")
    if type(op).misread is not Op.misread and (doubt := op.misread([value.type for value in node.inputs])):
        yield "W0212", doubt


def _dense_gates(node: Node, makers: Mapping[Value, Op]) -> tuple[str, str] | None:
    """That the gates of a mixture of experts come from what is nowhere zero: all experts work, and `k` are counted."""
    if not isinstance(node.op, Sparse) or node.op.k >= len(node.inputs) - 1:
        return None
    maker = makers.get(node.inputs[-1])
    if not isinstance(maker, Softmax | Sigmoid):
        return None
    message = (
        f"the gates of `sparse` come from `{maker.name}` and are nowhere 0: all inputs work, {node.op.k} are counted"
    )
    return message, "choose them by `top_k` first, as `experts` of `std.transformer` does"


def _spread(node: Node, maps: set[Value], sequences: set[Value]) -> None:
    """Note what is known of the results of a node."""
    op, role, inputs = node.op, node.op.role, node.inputs
    if role == "layer":
        if op.feature_axis == 1:
            maps.update(node.outputs)
        else:
            sequences.update([value for value in node.outputs if value.type.rank == 3])
        return
    if not inputs or not ((entering := inputs[0]) in maps or entering in sequences):
        return
    if (op.pointwise or (len(inputs) == 1 and role != "view")) and not op.moves_data:
        type = entering.type
        kept = [value for value in node.outputs if value.type is type or value.type.shape[:2] == type.shape[:2]]
        if entering in sequences:
            sequences.update([value for value in kept if value.type.rank == 3])
        if entering in maps:
            maps.update(kept)
    if entering not in maps:
        return
    if isinstance(op, Transpose) and op.resolved(entering.type) == (0, 2, 1):
        sequences.update(node.outputs)
    if role == "join" and getattr(op, "axis", None) == "c":
        maps.update(node.outputs)


def _sequences(nodes: Sequence[Node], inputs: Iterable[Value]) -> set[Value]:
    """The inputs [N, T, F]: those whose axis 1 is a symbol, which channels never are, and those whose first layer maps
    the last axis.
    """
    threes = [value for value in inputs if value.type.rank == 3 and isinstance(value.type.shape[2], int)]
    found = {value for value in threes if not isinstance(value.type.shape[1], int)}
    source = {value: value for value in threes if value not in found}
    for node in nodes if source else ():
        entering = source.get(node.inputs[0]) if node.inputs else None
        if entering is None:
            continue
        if node.op.role == "layer":
            if node.op.feature_axis != 1:
                found.add(entering)
            source = {value: root for value, root in source.items() if root is not entering}
        elif len(node.inputs) == 1 and node.outputs[0].type.shape == entering.type.shape:
            source.update(dict.fromkeys(node.outputs, entering))
    return found


def _wrong_axis(node: Node, maps: AbstractSet[Value], sequences: AbstractSet[Value]) -> tuple[str, str] | None:
    """That an operator works on another axis than the one on which the layers before it have the features."""
    if not node.inputs:
        return None
    op, entering = node.op, node.inputs[0]
    if op.role == "layer" and op.feature_axis == 1 and not sequences:
        return None  # of most networks most nodes
    name, type = op.name, entering.type
    if len(node.inputs) == 2 and op.pointwise and (doubt := _gate(*[value.type for value in node.inputs])):
        return f"`{name}` {doubt[0]}", doubt[1]
    if entering in maps:
        axis = "axes" if hasattr(op, "axes") else "axis"
        if _last_by_default(op, type.rank):
            help = f"write `{name}({axis} = c)` for the channels, `{name}({axis} = {type.rank - 1})` if this is meant"
        elif op.role == "layer" and op.feature_axis != 1:
            help = "write `flatten` before it; a linear map of the channels is `conv(…, 1)`"
        else:
            return None
        what = "width" if type.rank == 4 else "length"
        return f"`{name}` works on the last axis, the {what} of {type}: channels are on the second", help
    return _of_sequence(node, sequences)


def _of_sequence(node: Node, sequences: AbstractSet[Value]) -> tuple[str, str] | None:
    """That it takes the positions of a sequence for channels."""
    op, entering = node.op, node.inputs[0]
    name, type = op.name, entering.type
    if entering not in sequences or type.shape[1] == type.shape[2]:
        return None
    if getattr(op, "axis", None) == "c":
        same = all(v in sequences and v.type.shape == type.shape for v in node.inputs)
        if op.role == "join" and (len(node.inputs) < 2 or not same):
            return None  # of different lengths: it can only be meant along the positions
        does = "joins along" if op.role == "join" else "works along"
        help = f"write `{op.replace(axis='f')}` for the features, `{op.replace(axis='t')}` if this is meant"
        return f"`{name}` {does} the second axis, the positions of {type}: features are on the last", help
    if not (op.pools_maps or op.channels_second or (op.role == "layer" and op.feature_axis == 1)):
        return None
    help = f"write `transpose -> {name} -> transpose`: channels are on the second axis then"
    if isinstance(op, PRelu):
        help = f"write `{name}(shared = true)`, or `transpose -> {name} -> transpose`"
    return f"`{name}` takes the second axis of {type} for the channels: features are on the last", help


def _last_by_default(op: Op, rank: int) -> bool:
    """Whether it works on the last axis because none is named. A softmax of [N, 1, T] is one over positions."""
    if hasattr(op, "axes"):
        return bool(op.axes == -1)
    return op.role == "activation" and rank > 3 and getattr(op, "axis", None) == -1


def _gate(large: TensorType, small: TensorType) -> tuple[str, str] | None:
    """That a vector for each sample, [N, C], meets a map [N, C, H, W]: it is taken for [H, W]."""
    if large is small:
        return None
    if large.rank < small.rank:
        large, small = small, large
    if small.rank != 2 or large.rank < 4 or small.shape != large.shape[:2]:
        return None
    written = ", ".join(map(str, (*small.shape, *(1,) * (large.rank - 2))))
    message = f"takes {small} for the last axes of {large}: sizes are aligned at the end"
    return message, f"for the channels, `reshape([{written}])` comes first"
