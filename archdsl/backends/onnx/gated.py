"""Gated activations; compositions where ONNX has the operator only in newer sets."""

from __future__ import annotations

from math import pi, sqrt

from archdsl.backends.onnx import types
from archdsl.backends.onnx.simple_rules import plain
from archdsl.backends.onnx.writer import Emit


def gelu(emit: Emit) -> None:
    """``Gelu`` from opset 20 on. Before that the exact one is a formula which runtimes recognise, and the approximate
    one takes three times as long, so that the model gets that set.
    """
    x, tanh = emit.ins[0], emit.op.approximate == "tanh"
    exists = types.runs("Gelu", "T", emit.types[0].dtype) or emit.writer.native
    if exists and (emit.prefers(20) if tanh else emit.opset >= 20):
        emit.result("Gelu", [x], approximate=emit.op.approximate)
        return
    if tanh:
        cube = emit.helper("Mul", [emit.helper("Mul", [emit.helper("Mul", [x, x]), x]), emit.scalar(0.044715)])
        inner = emit.helper("Mul", [emit.helper("Add", [x, cube]), emit.scalar(sqrt(2 / pi))])
        bent = emit.helper("Tanh", [inner])
    else:
        bent = emit.helper("Erf", [emit.helper("Div", [x, emit.scalar(sqrt(2))])])
    weighted = emit.helper("Mul", [x, emit.helper("Add", [bent, emit.scalar(1)])])
    emit.result("Mul", [weighted, emit.scalar(0.5)])


def silu(emit: Emit) -> None:
    """``x * Sigmoid(x)``."""
    emit.result("Mul", [emit.ins[0], emit.helper("Sigmoid", emit.ins)])


def mish(emit: Emit) -> None:
    """``Mish`` from opset 18 on; before, its formula."""
    if emit.opset >= 18:
        emit.result("Mish", emit.ins)
        return
    emit.result("Mul", [emit.ins[0], emit.helper("Tanh", [emit.helper("Softplus", emit.ins)])])


RULES = {
    "gelu": gelu,
    "silu": silu,
    "hard_swish": plain("HardSwish"),
    "mish": mish,
}
