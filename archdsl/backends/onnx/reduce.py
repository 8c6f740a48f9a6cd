"""Reductions along axes -> ``Reduce…``, ``ArgMax``, ``TopK``, ``CumSum``."""

from __future__ import annotations

from archdsl.backends.onnx.selection import found
from archdsl.backends.onnx.simple_rules import Lowering
from archdsl.backends.onnx.writer import Emit
from archdsl.ops.operand_checks import resolve_axes
from archdsl.shapes import resolve_axis


def reduction(kind: str) -> Lowering:
    """The ONNX reduction ``kind`` over our axes."""

    def rule(emit: Emit) -> None:
        axes = sorted(resolve_axes(emit.op.axis, emit.types[0]))
        if not axes:  # ONNX reads no axes as all of them
            emit.forward()
            return
        inputs, attributes = emit.reduce(kind, emit.ins[0], axes, emit.op.keep)
        emit.result(kind, inputs, **attributes)

    return rule


def position(kind: str) -> Lowering:
    """``ArgMax`` or ``ArgMin``; both give the first of equals."""

    def rule(emit: Emit) -> None:
        emit.result(kind, emit.ins, axis=resolve_axis(emit.op.axis, emit.types[0]), keepdims=int(emit.op.keep))

    return rule


def top_k(emit: Emit) -> None:
    """``TopK``, greatest first."""
    axis, most = resolve_axis(emit.op.axis, emit.types[0]), emit.vector([emit.op.k])
    if emit.op.only is None:
        emit.result("TopK", [emit.ins[0], most], axis=axis)
        return
    number = emit.helper("Reshape", [emit.ins[1], emit.ints([1])])
    emit.result("TopK", [emit.ins[0], emit.helper("Min", [number, most])], axis=axis)
    found(emit, axis)


def cumsum(emit: Emit) -> None:
    """``CumSum``, each element included."""
    emit.result("CumSum", [emit.ins[0], emit.scalar(resolve_axis(emit.op.axis, emit.types[0]), "i64")])


RULES = {
    "reduce_sum": reduction("ReduceSum"),
    "reduce_mean": reduction("ReduceMean"),
    "reduce_max": reduction("ReduceMax"),
    "reduce_min": reduction("ReduceMin"),
    "reduce_prod": reduction("ReduceProd"),
    "reduce_l1": reduction("ReduceL1"),
    "reduce_l2": reduction("ReduceL2"),
    "argmax": position("ArgMax"),
    "argmin": position("ArgMin"),
    "top_k": top_k,
    "cumsum": cumsum,
}
