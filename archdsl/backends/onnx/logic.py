"""Comparisons, logic and choice."""

from __future__ import annotations

from archdsl.backends.onnx.simple_rules import plain
from archdsl.backends.onnx.writer import Emit


def not_equal(emit: Emit) -> None:
    """``Not(Equal)``."""
    emit.result("Not", [emit.helper("Equal", emit.ins)])


def causal_mask(emit: Emit) -> None:
    """The scores in the lower triangle, minus infinity elsewhere."""
    (x,) = emit.types
    ones = emit.helper("Expand", [emit.scalar(1, "f32"), emit.vector(x.shape[-2:])])
    triangle = emit.helper("Trilu", [ones], upper=0)
    seen = emit.helper("Cast", [triangle], to=9)
    emit.result("Where", [seen, emit.ins[0], emit.scalar(-float("inf"))])


RULES = {
    "equal": plain("Equal"),
    "not_equal": not_equal,
    "less": plain("Less"),
    "less_equal": plain("LessOrEqual"),
    "greater": plain("Greater"),
    "greater_equal": plain("GreaterOrEqual"),
    "logical_and": plain("And"),
    "logical_or": plain("Or"),
    "logical_not": plain("Not"),
    "where": plain("Where"),
    "causal_mask": causal_mask,
}
