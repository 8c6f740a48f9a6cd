"""Arithmetic -> ``Add``, ``Sub``, ``Mul``, ``Div``, ``Pow``, ``Max``, ``Min``."""

from __future__ import annotations

from archdsl.backends.onnx.simple_rules import Lowering, chain, plain
from archdsl.backends.onnx.writer import Emit


def variadic(kind: str) -> Lowering:
    """An ONNX operator of any number of inputs; one input passes unchanged."""

    def rule(emit: Emit) -> None:
        if len(emit.ins) == 1:
            emit.forward()
        else:
            emit.result(kind, emit.ins)

    return rule


def average(emit: Emit) -> None:
    """The sum, times one over the number of inputs."""
    total = emit.ins[0]
    for other in emit.ins[1:]:
        total = emit.helper("Add", [total, other])
    if len(emit.ins) == 1:
        emit.forward()
    else:
        emit.result("Mul", [total, emit.scalar(1 / len(emit.ins))])


def power(emit: Emit) -> None:
    """``Pow`` by a number or a tensor."""
    exponent = emit.ins[1] if len(emit.ins) == 2 else emit.scalar(emit.op.exponent)
    emit.result("Pow", [emit.ins[0], exponent])


RULES = {
    "add": chain("Add"),
    "mul": chain("Mul"),
    "max": variadic("Max"),
    "min": variadic("Min"),
    "average": average,
    "sub": plain("Sub"),
    "div": plain("Div"),
    "pow": power,
}
