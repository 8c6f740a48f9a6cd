"""Comparisons, logic and choice."""

from __future__ import annotations

from archdsl.backends.onnx.masks import hidden
from archdsl.backends.onnx.simple_rules import plain
from archdsl.backends.onnx.writer import Emit


def not_equal(emit: Emit) -> None:
    """``Not(Equal)``."""
    emit.result("Not", [emit.helper("Equal", emit.ins)])


def causal_mask(emit: Emit) -> None:
    """The scores and a mask that is minus infinity above the diagonal: half the time of a ``Where`` over all scores."""
    rows, columns = emit.types[0].shape[-2:]
    emit.result("Add", [emit.ins[0], hidden(emit, rows, columns, ahead=1)])


RULES = {
    "equal": plain("Equal"),
    "not_equal": not_equal,
    "less": plain("Less"),
    "less_equal": plain("LessOrEqual"),
    "greater": plain("Greater"),
    "greater_equal": plain("GreaterOrEqual"),
    "is_nan": plain("IsNaN"),
    "logical_and": plain("And"),
    "logical_or": plain("Or"),
    "logical_not": plain("Not"),
    "where": plain("Where"),
    "causal_mask": causal_mask,
}
