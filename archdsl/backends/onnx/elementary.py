"""Elementary functions: table rows, ``Clip`` and ``Cast``."""

from __future__ import annotations

from archdsl.backends.onnx.simple_rules import plain
from archdsl.backends.onnx.writer import Emit
from archdsl.element_types import ELEMENT_TYPES


def clip(emit: Emit) -> None:
    """``Clip``; an absent bound is an absent input."""
    low, high = emit.op.low, emit.op.high
    if low is None and high is None:
        emit.forward()
        return
    emit.result("Clip", [emit.ins[0], *("" if bound is None else emit.scalar(bound) for bound in (low, high))])


def cast(emit: Emit) -> None:
    """``Cast``; nothing where the type stays."""
    if emit.op.dtype == emit.types[0].dtype:
        emit.forward()
    else:
        emit.result("Cast", emit.ins, to=ELEMENT_TYPES[emit.op.dtype].onnx)


RULES = {
    "neg": plain("Neg"),
    "abs": plain("Abs"),
    "sign": plain("Sign"),
    "exp": plain("Exp"),
    "log": plain("Log"),
    "sqrt": plain("Sqrt"),
    "reciprocal": plain("Reciprocal"),
    "erf": plain("Erf"),
    "sin": plain("Sin"),
    "cos": plain("Cos"),
    "floor": plain("Floor"),
    "ceil": plain("Ceil"),
    "round": plain("Round"),
    "clip": clip,
    "cast": cast,
}
