"""What two operators, one behind the other, probably do not mean together (W0212)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from archdsl.diagnostics import Diagnostic
from archdsl.dim_order import equal
from archdsl.dims import Dim
from archdsl.graph import Node, Value
from archdsl.ops.index import Select, Slice
from archdsl.ops.join import Split
from archdsl.ops.pad import Pad
from archdsl.ops.recurrent import Recurrent
from archdsl.ops.windows import Windowed
from archdsl.shapes import resolve_axis


def doubts(nodes: Sequence[Node]) -> Iterator[Diagnostic]:
    """W0212: an end of a sequence behind a recurrent layer that has just begun there; pads in PyTorch's order."""
    yield from _ends(nodes)
    padded: dict[Value, Node] = {}
    for node in nodes:
        if isinstance(node.op, Pad):
            padded[node.outputs[0]] = node
        elif padded and isinstance(node.op, Windowed) and (before := padded.get(node.inputs[0])) is not None:
            doubt = _other_order(before, node)
            yield from () if doubt is None else (_told(doubt, before),)


def _ends(nodes: Sequence[Node]) -> Iterable[Diagnostic]:
    recurrent: dict[Value, Recurrent] = {}
    found: dict[Value, Diagnostic] = {}
    for node in nodes:
        op = node.op
        if isinstance(op, Recurrent):
            if op.both or op.reverse or op.lengths is not None:
                recurrent[node.outputs[0]] = op
        elif recurrent and node.inputs and (layer := recurrent.get(node.inputs[0])) is not None:
            if doubt := _just_begun(node, layer):
                found[node.outputs[0]] = _told(doubt, node)
            elif op.role in ("norm", "activation", "view") and node.outputs[0].type == node.inputs[0].type:
                recurrent[node.outputs[0]] = layer
        if found and isinstance(op, Slice | Split):
            found.pop(node.inputs[0], None)  # each direction is taken at its own end
    return found.values()


def _told(doubt: tuple[str, str], node: Node) -> Diagnostic:
    return Diagnostic("W0212", doubt[0], node.origin.span, help=doubt[1], frame=node.origin.frame)


def _just_begun(node: Node, layer: Recurrent) -> tuple[str, str] | None:
    """That one end of the results is taken, where a direction has seen one element, or shorter sequences are over."""
    at = _only_position(node)
    late = at == -1
    if at is None:
        return None
    states = ", ".join(["_", "h", *("_" for _ in layer.state_widths[1:])])
    if late and layer.lengths is not None and not layer.both and not layer.reverse:
        message = f"at the last step `{layer.name}` gives 0 for all sequences that are shorter"
        return message, f"`let {states} = {layer.name}(…, final = true)` gives the state at the end of each sequence"
    if not layer.both and late != layer.reverse:
        return None
    which = "the reverse direction" if late else "the forward direction"
    end = "last" if late else "first"
    message = f"at the {end} step {which} of `{layer.name}` has seen one element only"
    side = "both = true" if layer.both else "reverse = true"
    return message, f"`let {states} = {layer.name}(…, {side}, final = true)` gives what has seen the whole sequence"


def _only_position(node: Node) -> int | None:
    """0 or -1 where a node takes the first or the last step alone, of [N, T, F]."""
    op, type = node.op, node.inputs[0].type
    if type.rank != 3 or not isinstance(op, Select | Slice) or resolve_axis(op.axis, type) != 1:
        return None
    if not equal(node.outputs[0].type.elements, type.shape[0] * type.shape[2]):
        return None
    first: Dim | None = op.index if isinstance(op, Select) else op.start
    if first == 0 or first is None:
        return 0
    return -1 if first == -1 or equal(first, type.shape[1] - 1) else None


def _other_order(before: Node, node: Node) -> tuple[str, str] | None:
    """That the pads fit the window if they are read [left, right, top, bottom], as `torch.nn.functional.pad` does, and
    do not as they are read here.
    """
    op: Pad = before.op  # type: ignore[assignment]
    amount = op.amount
    window: Windowed = node.op  # type: ignore[assignment]
    type = before.inputs[0].type
    if op.axis is not None or not isinstance(amount, tuple) or len(amount) != 4 or type.rank != 4:
        return None
    kernel, stride, dilation = window.geometry(node.inputs[0].type)
    own = window.pads(node.inputs[0].type)
    if own is None or any(map(any, own)) or max(kernel) == 1:
        return None
    spans = [d * (k - 1) for k, d in zip(kernel, dilation)]
    a, b, c, d = amount
    for wanted in (spans, [max(span + 1 - s, 0) for span, s in zip(spans, stride)]):
        if [c + d, a + b] == wanted and [a + c, b + d] != wanted and a + c != wanted[0] and b + d != wanted[1]:
            return (
                f"`pad_axes({_written(amount)})` pads top, left, bottom and right, which does not fit `{node.op.name}` "
                "behind it; left, right, top and bottom would",
                f"PyTorch's order is another: write `pad_axes({_written((c, a, d, b))})`",
            )
    return None


def _written(amount: Iterable[Dim]) -> str:
    return f"[{', '.join(map(str, amount))}]"
