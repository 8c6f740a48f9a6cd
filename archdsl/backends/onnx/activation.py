"""Activations: mostly table rows; compositions where ONNX has the operator only in newer sets."""

from __future__ import annotations

from math import pi, sqrt

from archdsl.backends.onnx.simple_rules import nothing, plain, settings
from archdsl.backends.onnx.writer import Emit
from archdsl.element_types import ELEMENT_TYPES


def relu6(emit: Emit) -> None:
    """``Clip`` to 0 … 6."""
    emit.result("Clip", [emit.ins[0], emit.scalar(0), emit.scalar(6)])


def prelu(emit: Emit) -> None:
    """``PRelu``; its slope broadcasts from the right, so channels need an axis for each one behind them."""
    weight, rank = emit.param("weight"), emit.types[0].rank
    if not emit.op.shared and rank > 2:
        own = emit.node.params["weight"].type.shape
        weight = emit.reshape(weight, own, (*own, *(1,) * (rank - 2)))
    emit.result("PRelu", [emit.ins[0], weight])


def gelu(emit: Emit) -> None:
    """``Gelu`` from opset 20 on; before, its formula in the form that runtimes recognise."""
    x = emit.ins[0]
    if emit.opset >= 20:
        emit.result("Gelu", [x], approximate=emit.op.approximate)
        return
    if emit.op.approximate == "tanh":
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


def hard_sigmoid(emit: Emit) -> None:
    """``HardSigmoid``; its own default slope is 0.2."""
    emit.result("HardSigmoid", emit.ins, alpha=1 / 6, beta=0.5)


def mish(emit: Emit) -> None:
    """``Mish`` from opset 18 on; before, its formula."""
    if emit.opset >= 18:
        emit.result("Mish", emit.ins)
        return
    emit.result("Mul", [emit.ins[0], emit.helper("Tanh", [emit.helper("Softplus", emit.ins)])])


def step(emit: Emit) -> None:
    """``x >= 0`` as a number."""
    above = emit.helper("GreaterOrEqual", [emit.ins[0], emit.scalar(0)])
    emit.result("Cast", [above], to=ELEMENT_TYPES[emit.outs[0].dtype].onnx)


RULES = {
    "identity": nothing,
    "relu": plain("Relu"),
    "relu6": relu6,
    "leaky_relu": settings("LeakyRelu", alpha="slope"),
    "prelu": prelu,
    "elu": settings("Elu", alpha="alpha"),
    "selu": plain("Selu"),
    "gelu": gelu,
    "sigmoid": plain("Sigmoid"),
    "silu": silu,
    "hard_sigmoid": hard_sigmoid,
    "hard_swish": plain("HardSwish"),
    "tanh": plain("Tanh"),
    "softplus": plain("Softplus"),
    "softsign": plain("Softsign"),
    "mish": mish,
    "step": step,
    "dropout": nothing,
    "drop_path": nothing,
}
