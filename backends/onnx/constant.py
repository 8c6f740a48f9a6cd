"""Tensors from nothing -> ``Constant``, ``ConstantOfShape``, ``OneHot``; raw parameters are initialisers."""

from __future__ import annotations

from archdsl.ops.constant import elements
from archdsl.ops.demands import insertion

from .table import Rule
from .wire import Literal
from .writer import PACK, Emit, fixed, pack


def constant(emit: Emit) -> None:
    """``Constant``."""
    (type,) = emit.outs
    kind = float if type.dtype in ("f32", "f16", "bf16", "f64") else (bool if type.dtype == "bool" else int)
    values = [kind(value) for value in elements(emit.op.values)]
    emit.forward(emit.constant(type.dtype, values, fixed(type.shape)))


def filled(value: int) -> Rule:
    """``ConstantOfShape`` with the sizes computed where they are symbolic."""

    def rule(emit: Emit) -> None:
        (type,) = emit.outs
        number = (
            float(value) if PACK.get(type.dtype, "f") in "fed" else (bool(value) if type.dtype == "bool" else value)
        )
        literal = Literal(type.dtype, [1], pack(type.dtype, [number]))
        emit.result("ConstantOfShape", [emit.vector(type.shape)], value=literal)

    return rule


def param(emit: Emit) -> None:
    """The parameter itself."""
    (slot,) = emit.node.params
    emit.forward(emit.param(slot))


def one_hot(emit: Emit) -> None:
    """``OneHot`` of 0 and 1."""
    (type,) = emit.outs
    number = {"f32": float, "f16": float, "bf16": float, "f64": float, "bool": bool}.get(type.dtype, int)
    values = emit.constant(type.dtype, [number(0), number(1)], [2])
    axis = insertion(emit.op.axis, type.rank, "one_hot")
    emit.result("OneHot", [emit.ins[0], emit.scalar(emit.op.depth, "i64"), values], axis=axis)


RULES = {"constant": constant, "zeros": filled(0), "ones": filled(1), "param": param, "one_hot": one_hot}
