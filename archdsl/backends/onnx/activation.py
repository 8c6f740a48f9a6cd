"""Activations: mostly table rows; compositions where ONNX has the operator only in newer sets."""

from __future__ import annotations

from archdsl.backends.onnx.simple_rules import nothing, plain, settings
from archdsl.backends.onnx.writer import Emit
from archdsl.element_types import ELEMENT_TYPES


def relu6(emit: Emit) -> None:
    """``Clip`` to 0 … 6."""
    emit.result("Clip", [emit.ins[0], emit.scalar(0), emit.scalar(6)])


def prelu(emit: Emit) -> None:
    """``PRelu``; its slope broadcasts from the right, so channels need an axis for each axis after them."""
    weight, rank = emit.param("weight"), emit.types[0].rank
    if not emit.op.shared and rank > 2:
        own = emit.node.params["weight"].type.shape
        weight = emit.reshape(weight, own, (*own, *(1,) * (rank - 2)))
    emit.result("PRelu", [emit.ins[0], weight])


def hard_sigmoid(emit: Emit) -> None:
    """``HardSigmoid``; its own default slope is 0.2."""
    emit.result("HardSigmoid", emit.ins, alpha=1 / 6, beta=0.5)


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
    "sigmoid": plain("Sigmoid"),
    "hard_sigmoid": hard_sigmoid,
    "tanh": plain("Tanh"),
    "softplus": plain("Softplus"),
    "softsign": plain("Softsign"),
    "step": step,
    "dropout": nothing,
    "drop_path": nothing,
}
