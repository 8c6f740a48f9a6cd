"""Which axis of each tensor is the batch: what ``map`` folds an axis into must keep its positions apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archdsl.diagnostics import Refusal
from archdsl.graph import Graph, Node, Value
from archdsl.ops.look import AxisWindow, OneWindow
from archdsl.ops.operand_checks import need_equal
from archdsl.ops.scan import Scan

_HELP = "use `scan` with the same body, which runs it once for each position of the axis"


def check_foldable(values: Sequence[Value], axes: Sequence[int]) -> None:
    """Refuse tensors that have no common batch and axis."""
    first = values[0].type
    for value, axis in zip(values, axes):
        type = value.type
        if axis == 0:
            raise Refusal("E0222", f"`map` folds an axis into the batch, and axis 0 of {type} is the batch", help=_HELP)
        need_equal("the lengths of what `map` cuts", first.shape[axes[0]], type.shape[axis], (first, type))
        need_equal("the batches of what `map` cuts", first.shape[0], type.shape[0], (first, type))


def follow_batch(entering: Iterable[Value], nodes: Iterable[Node], results: Iterable[Value]) -> None:
    """Refuse (E0222) a body that mixes positions of the batch, or that gives a result without it on its first axis."""
    batch = dict.fromkeys(entering, 0)
    _follow(batch, nodes)
    for value in results:
        if batch.get(value) != 0:
            message = f"the body of `map` gives {value.type}, in which the batch that enters is not the first axis"
            raise Refusal("E0222", message, help=_HELP)


def _follow(batch: dict[Value, int], nodes: Iterable[Node]) -> None:
    """Add the axis of the batch in the results of nodes that depend on it."""
    for node in nodes:
        if not any(value in batch for value in node.inputs):
            continue
        if node.body is not None and isinstance(node.op, Scan):
            _inside(batch, node, node.op, node.body)
            continue
        for number, value in enumerate(node.outputs):
            found = {_axis(node, source, number, batch) for source, v in enumerate(node.inputs) if v in batch}
            if len(found) > 1 or None in found:
                raise _mixed(node)
            batch[value] = found.pop()  # type: ignore[assignment]


def _axis(node: Node, source: int, number: int, batch: dict[Value, int]) -> int | None:
    """The axis of a result along which it has the batch of one input, position by position."""
    ins, outs = [value.type for value in node.inputs], [value.type for value in node.outputs]
    axis = batch[node.inputs[source]]
    window = node.op.looks(ins, outs, source, number)
    found = [i for i, look in enumerate(window) if _same(look, axis)]
    if not found and axis == 0 and node.op.role == "view" and ins[source].shape[0] == outs[number].shape[0]:
        return 0  # whatever becomes of the axes behind it
    return found[0] if len(found) == 1 else None


def _same(look: OneWindow, axis: int) -> bool:
    return isinstance(look, AxisWindow) and look == AxisWindow(axis)


def _inside(batch: dict[Value, int], node: Node, op: Scan, body: Graph) -> None:
    """The same for the body of a ``scan``, whose slices lack an axis."""
    gone = [None] * op.states + list(op.axes) + [None] * (len(node.inputs) - op.first_captured)
    for outer, inner, cut in zip(node.inputs, body.inputs, gone):
        axis = batch.get(outer)
        if axis is not None:
            if axis == cut:
                raise _mixed(node)
            batch[inner] = axis - (cut is not None and cut < axis)
    _follow(batch, body.nodes)
    for number, (outer, inner) in enumerate(zip(node.outputs, body.outputs.values())):
        if inner in batch:
            batch[outer] = batch[inner] + (number >= op.states and batch[inner] >= op.axes[0])


def _mixed(node: Node) -> Refusal:
    message = f"`{node.op.name}` in the body of `map` looks across the batch, into which the axis is folded"
    refusal = Refusal("E0222", message, help=_HELP)
    return refusal.located(node.origin.span)
