"""Views and transpositions -> ``Reshape``, ``Flatten``, ``Squeeze``, ``Unsqueeze``, ``Transpose``, ``Expand``."""

from __future__ import annotations

from archdsl.backends.onnx.writer import Emit
from archdsl.ops.operand_checks import resolve_axes
from archdsl.shapes import resolve_axis


def flatten(emit: Emit) -> None:
    """``Flatten`` after the first axis, which needs no sizes; else ``Reshape``."""
    if emit.outs[0].shape != emit.types[0].shape and resolve_axis(emit.op.axis, emit.types[0]) == 1:
        emit.result("Flatten", emit.ins, axis=1)
    else:
        reshape(emit)


def reshape(emit: Emit) -> None:
    """``Reshape``; nothing where the shape stays."""
    before, after = emit.types[0].shape, emit.outs[0].shape
    if before == after:
        emit.forward()
    else:
        emit.result("Reshape", [emit.ins[0], emit.target(before, after)], **emit.zeros(after))


def squeeze(emit: Emit) -> None:
    """``Squeeze``; without axes, ONNX's would drop every axis of size 1."""
    axes = resolve_axes(emit.op.axis, emit.types[0])
    if axes:
        emit.result("Squeeze", [emit.ins[0], emit.ints(sorted(axes))])
    else:
        emit.forward()


def unsqueeze(emit: Emit) -> None:
    """``Unsqueeze``."""
    emit.result("Unsqueeze", [emit.ins[0], emit.ints(emit.op.added(emit.types[0]))])


def transpose(emit: Emit) -> None:
    """``Transpose``; nothing where the order stays."""
    order = emit.op.resolved(emit.types[0])
    if order == tuple(range(len(order))):
        emit.forward()
    else:
        emit.result("Transpose", emit.ins, perm=order)


def expand(emit: Emit) -> None:
    """``Expand``; sizes that stay are 1 in its target, so that symbols need not be computed for them."""
    before, after = emit.types[0].shape, emit.outs[0].shape
    if before == after:
        emit.forward()
        return
    new = len(after) - len(before)
    target = [size if i < new or before[i - new] != size else 1 for i, size in enumerate(after)]
    emit.result("Expand", [emit.ins[0], emit.vector(target)])


RULES = {
    "flatten": flatten,
    "reshape": reshape,
    "squeeze": squeeze,
    "unsqueeze": unsqueeze,
    "permute": transpose,
    "transpose": transpose,
    "broadcast_to": expand,
}
