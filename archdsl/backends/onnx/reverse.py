"""Positions in reverse order -> ``Slice``, ``ReverseSequence``."""

from __future__ import annotations

from archdsl.backends.onnx.index import END
from archdsl.backends.onnx.writer import Emit
from archdsl.ops.operand_checks import resolve_axes


def reverse(emit: Emit) -> None:
    """``Slice`` from the last position down to the first."""
    axes = resolve_axes(emit.op.axis, emit.types[0])
    if not axes:
        emit.forward()
        return
    start, stop = emit.ints([-1] * len(axes)), emit.ints([-END] * len(axes))
    emit.result("Slice", [emit.ins[0], start, stop, emit.ints(axes), emit.ints([-1] * len(axes))])


def reverse_sequence(emit: Emit) -> None:
    """``ReverseSequence``."""
    axis, batch = resolve_axes((emit.op.axis, emit.op.batch), emit.types[0])
    emit.result("ReverseSequence", [emit.ins[0], emit.cast(emit.ins[1], "i64")], time_axis=axis, batch_axis=batch)


RULES = {"reverse": reverse, "reverse_sequence": reverse_sequence}
