"""Activations: mostly table rows; compositions where ONNX has the operator only in newer sets."""

from __future__ import annotations

from archdsl.backends.onnx.simple_rules import nothing, plain, settings
from archdsl.backends.onnx.writer import Emit
from archdsl.element_types import ELEMENT_TYPES, INTEGERS


def relu(emit: Emit) -> None:
    """``Relu``; of integers, of which runtimes have few, ``Max`` with 0."""
    if emit.types[0].dtype in INTEGERS:
        emit.result("Max", [emit.ins[0], emit.scalar(0)])
    else:
        emit.result("Relu", emit.ins)


def relu6(emit: Emit) -> None:
    """``Clip`` to 0 … 6."""
    emit.result("Clip", [emit.ins[0], emit.scalar(0), emit.scalar(6)])


def prelu(emit: Emit) -> None:
    """``PRelu``; its slope broadcasts from the right, so channels need an axis for each axis after them."""
    weight, rank = emit.param("weight"), emit.types[0].rank
    if not emit.op.shared and rank > 2:
        own = emit.node.params["weight"].type.shape
        weight = emit.reshape(weight, own, (*own, *(1,) * (rank - 2)))
    if emit.types[0].dtype == "f64":
        _bent(emit, weight)
    else:
        emit.result("PRelu", [emit.ins[0], weight])


def leaky_relu(emit: Emit) -> None:
    """``LeakyRelu``."""
    if emit.types[0].dtype == "f64":
        _bent(emit, emit.scalar(emit.op.slope))
    else:
        emit.result("LeakyRelu", emit.ins, alpha=emit.op.slope)


def _bent(emit: Emit, slope: str) -> None:
    """``max(x, 0) + slope * min(x, 0)``: for ``f64``, which ONNX Runtime has in old operator sets only."""
    zero = emit.scalar(0)
    below = emit.helper("Mul", [emit.helper("Min", [emit.ins[0], zero]), slope])
    emit.result("Add", [emit.helper("Max", [emit.ins[0], zero]), below])


def hard_sigmoid(emit: Emit) -> None:
    """``HardSigmoid``; its own default slope is 0.2."""
    emit.result("HardSigmoid", emit.ins, alpha=emit.op.alpha, beta=emit.op.beta)


def step(emit: Emit) -> None:
    """``x >= 0`` as a number."""
    above = emit.helper("GreaterOrEqual", [emit.ins[0], emit.scalar(0)])
    emit.result("Cast", [above], to=ELEMENT_TYPES[emit.outs[0].dtype].onnx)


RULES = {
    "identity": nothing,
    "relu": relu,
    "relu6": relu6,
    "leaky_relu": leaky_relu,
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
