"""Attention -> ``Attention`` from opset 23 on; before, and where runtimes have it otherwise, its formula."""

from __future__ import annotations

from math import inf

from archdsl.backends.onnx import masks
from archdsl.backends.onnx.writer import Emit
from archdsl.shapes import Shape, broadcast


class Mask:
    """A mask that is added to the scores: its name and its shape."""

    def __init__(self, name: str, shape: Shape) -> None:
        self.name = name
        self.shape = shape


def attend(emit: Emit) -> None:
    """``Attention`` of ``f32`` (ONNX Runtime computes ``f64`` in ``f32``) without a soft cap (1.23 adds the mask
    first); else the products.

    What a query gives that sees nothing differs between runtimes and their versions: with a mask of the user's, zeros
    are put there.
    """
    op, (q, k) = emit.op, emit.types[:2]
    native = q.dtype == "f32" and op.softcap is None and emit.prefers(23)
    given = _given(emit)
    square = native and given is None and op.sliding_window is None and q.shape[2] == k.shape[2]
    structure = None if square or not (op.causal or op.sliding_window) else _structure(emit)
    mask = _both(emit, structure, given)
    zeroed = None if given is None or mask is None or _always_seen(emit) else _seen(emit, mask)
    if native:
        _native(emit, mask, square and op.causal, zeroed)
    else:
        _products(emit, mask, zeroed)


def _given(emit: Emit) -> Mask | None:
    """The user's mask, as one that is added."""
    for name, type in zip(emit.op.operand("mask", emit.ins), emit.op.operand("mask", emit.types)):
        name = masks.added(emit, name, emit.types[0].dtype) if type.dtype == "bool" else name
        if type.rank == 0:
            return Mask(emit.reshape(name, (), (1,)), (1,))
        return Mask(name, type.shape)
    return None


def _structure(emit: Emit) -> Mask:
    """What ``causal`` and ``sliding_window`` hide."""
    shape = (emit.types[0].shape[2], emit.types[1].shape[2])
    ahead = 1 if emit.op.causal else emit.op.sliding_window
    return Mask(masks.hidden(emit, *shape, ahead=ahead, behind=emit.op.sliding_window), shape)


def _both(emit: Emit, structure: Mask | None, given: Mask | None) -> Mask | None:
    if structure is None or given is None:
        return structure or given
    key = ("both", structure.name, given.name)
    name = emit.once(key, lambda: emit.helper("Add", [given.name, structure.name]))
    return Mask(name, broadcast([structure.shape, given.shape]))


def _always_seen(emit: Emit) -> bool:
    """Whether each query is known to see a key: at least the last one at or before it."""
    return all(masks.finite(value) for value in emit.op.operand("mask", emit.node.inputs))


def _seen(emit: Emit, mask: Mask) -> str:
    """Which queries see a key."""

    def make() -> str:
        inputs, attributes = emit.reduce("ReduceMax", mask.name, [len(mask.shape) - 1], keep=True)
        most = emit.helper("ReduceMax", inputs, **attributes)
        return emit.helper("Greater", [most, emit.scalar(-inf)])

    return emit.once(("seen", mask.name), make)


def _end(emit: Emit, kind: str, inputs: list[str], zeroed: str | None, **attributes: float | int) -> None:
    """The last node, and zeros for what sees nothing."""
    if zeroed is None:
        emit.result(kind, inputs, **attributes)
    else:
        emit.result("Where", [zeroed, emit.helper(kind, inputs, **attributes), emit.scalar(0.0)])


def _native(emit: Emit, mask: Mask | None, causal: bool, zeroed: str | None) -> None:
    """``Attention``. Its own causal mask is that of as many keys as queries, and ONNX Runtime wants masks to have a row
    for each query.
    """
    inputs = emit.ins[:3]
    if mask is not None:
        inputs = [*inputs, _whole(emit, mask)]
    attributes: dict[str, float | int] = {"scale": emit.op.factor(emit.types)}
    if causal:
        attributes["is_causal"] = 1
    _end(emit, "Attention", inputs, zeroed, **attributes)


def _whole(emit: Emit, mask: Mask) -> str:
    """The mask with a row for each query and a column for each key."""
    wanted = (emit.types[0].shape[2], emit.types[1].shape[2])
    if mask.shape[-2:] == wanted:
        return mask.name
    return emit.once(("whole", mask.name, *wanted), lambda: emit.helper("Expand", [mask.name, emit.vector(wanted)]))


def _products(emit: Emit, mask: Mask | None, zeroed: str | None) -> None:
    """The formula. Grouped queries stand below one another in one product with the keys that they share."""
    op, (q, k, v) = emit.op, emit.types[:3]
    n, heads, rows, features = q.shape
    shared, keys = k.shape[1], k.shape[2]
    grouped = (n, shared, heads * rows // shared, features)
    factor = op.factor(emit.types)
    scaled = emit.helper("Mul", [emit.ins[0], emit.scalar(factor if op.softcap is None else factor / op.softcap)])
    columns = emit.helper("Transpose", [emit.ins[1]], perm=(0, 1, 3, 2))
    if heads != shared:
        scaled = emit.reshape(scaled, q.shape, grouped)
    scores = emit.helper("MatMul", [scaled, columns])
    if heads != shared:
        scores = emit.reshape(scores, (*grouped[:3], keys), (n, heads, rows, keys))
    if op.softcap is not None:
        scores = emit.helper("Mul", [emit.helper("Tanh", [scores]), emit.scalar(op.softcap)])
    if mask is not None:
        scores = emit.helper("Add", [scores, mask.name])
    found = emit.helper("Softmax", [scores], axis=3)
    if heads == shared:
        _end(emit, "MatMul", [found, emit.ins[2]], zeroed)
        return
    found = emit.reshape(found, (n, heads, rows, keys), (*grouped[:3], keys))
    found = emit.helper("MatMul", [found, emit.ins[2]])
    _end(emit, "Reshape", [found, emit.target((*grouped[:3], v.shape[3]), emit.outs[0].shape)], zeroed)


RULES = {"attend": attend}
