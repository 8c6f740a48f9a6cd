"""Joining and splitting along an axis -> ``Concat``, ``Split``."""

from __future__ import annotations

from archdsl.backends.onnx.writer import Emit
from archdsl.ops.operand_checks import insertion
from archdsl.shapes import resolve_axis


def concat(emit: Emit) -> None:
    """``Concat``; one input passes unchanged."""
    if len(emit.ins) == 1:
        emit.forward()
    else:
        emit.result("Concat", emit.ins, axis=resolve_axis(emit.op.axis, emit.types[0]))


def stack(emit: Emit) -> None:
    """``Unsqueeze`` each input, then ``Concat``."""
    axis = insertion(emit.op.axis, emit.outs[0].rank, "stack")
    if len(emit.ins) == 1:
        emit.result("Unsqueeze", [emit.ins[0], emit.ints([axis])])
        return
    emit.result("Concat", [emit.helper("Unsqueeze", [name, emit.ints([axis])]) for name in emit.ins], axis=axis)


def split(emit: Emit) -> None:
    """``Split`` with the size of every part; one part is the input."""
    if len(emit.outs) == 1:
        emit.forward()
        return
    sizes = emit.op.sizes(emit.types[0])
    emit.result("Split", [emit.ins[0], emit.vector(sizes)], axis=resolve_axis(emit.op.axis, emit.types[0]))


def sparse(emit: Emit) -> None:
    """Each input ``Mul`` its gate, and the ``Sum``: all of them are computed."""
    *parts, gates = emit.ins
    axis = emit.types[-1].rank - 1
    gate = [emit.helper("Gather", [gates, emit.ints([i])], axis=axis) for i in range(len(parts))]
    if len(parts) == 1:
        emit.result("Mul", [parts[0], gate[0]])
        return
    emit.result("Sum", [emit.helper("Mul", [part, one]) for part, one in zip(parts, gate)])


RULES = {"concat": concat, "stack": stack, "split": split, "sparse": sparse}
