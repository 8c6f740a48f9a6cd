"""Tensors without inputs -> ``Constant``, ``ConstantOfShape``, ``OneHot``; raw parameters are initialisers."""

from __future__ import annotations

from archdsl.backends.onnx.simple_rules import Lowering
from archdsl.backends.onnx.wire import Literal
from archdsl.backends.onnx.writer import Emit, fixed, pack
from archdsl.element_types import ELEMENT_TYPES, FLOATS
from archdsl.ops.operand_checks import insertion
from archdsl.ops.start import elements


def constant(emit: Emit) -> None:
    """``Constant``."""
    (type,) = emit.outs
    kind = float if type.dtype in FLOATS else (bool if type.dtype == "bool" else int)
    values = [kind(value) for value in elements(emit.op.values)]
    emit.forward(emit.constant(type.dtype, values, fixed(type.shape)))


def filled(value: int) -> Lowering:
    """``ConstantOfShape`` with the sizes computed where they are symbolic."""

    def rule(emit: Emit) -> None:
        (type,) = emit.outs
        number = float(value) if type.dtype in FLOATS else bool(value) if type.dtype == "bool" else value
        literal = Literal(type.dtype, [1], pack(type.dtype, [number]))
        emit.result("ConstantOfShape", [emit.vector(type.shape)], value=literal)

    return rule


def positions(emit: Emit) -> None:
    """``Range`` of whole numbers, scaled and shifted: floats in ``f32`` at least, as PyTorch does it."""
    (type,) = emit.outs
    op = emit.op
    kind = "i64" if type.dtype not in FLOATS else type.dtype if ELEMENT_TYPES[type.dtype].bytes > 4 else "f32"
    (size,) = type.shape
    end = emit.scalar(size, "i64") if isinstance(size, int) else emit.reshape(emit.vector([size]), (1,), ())
    found = emit.helper("Range", [emit.scalar(0, "i64"), end, emit.scalar(1, "i64")])
    found = emit.cast(found, kind)
    if op.step != 1:
        found = emit.helper("Mul", [found, emit.scalar(op.step, kind)])
    if op.start != 0:
        found = emit.helper("Add", [found, _first(emit, kind)])
    emit.result("Cast", [found], to=ELEMENT_TYPES[type.dtype].onnx)


def _first(emit: Emit, kind: str) -> str:
    """Where ``positions`` start: a number, or a size."""
    start = emit.op.start
    if isinstance(start, int | float):
        return emit.scalar(start, kind)
    return emit.cast(emit.reshape(emit.vector([start]), (1,), ()), kind)


def param(emit: Emit) -> None:
    """The parameter itself."""
    (slot,) = emit.node.params
    emit.forward(emit.param(slot))


def one_hot(emit: Emit) -> None:
    """``OneHot`` of 0 and 1. Runtimes have it for ``i64`` with an axis at least, and for few types of result."""
    ((at,), (type,)) = emit.types, emit.outs
    kind = type.dtype if type.dtype in ("f32", "i64") else "i64"
    index = emit.ins[0] if at.dtype == "i64" else emit.helper("Cast", emit.ins, to=ELEMENT_TYPES["i64"].onnx)
    settings = [emit.scalar(emit.op.depth, "i64"), emit.constant(kind, [0, 1], [2])]
    axis = insertion(emit.op.axis, type.rank, "one_hot")
    if at.rank and kind == type.dtype:
        emit.result("OneHot", [index, *settings], axis=axis)
        return
    if at.rank == 0:
        index = emit.helper("Reshape", [index, emit.ints([1])])
    found = emit.helper("OneHot", [index, *settings], axis=axis)
    if at.rank == 0:
        found = emit.helper("Reshape", [found, emit.ints([emit.op.depth])])
    emit.forward(found if kind == type.dtype else emit.helper("Cast", [found], to=ELEMENT_TYPES[type.dtype].onnx))


RULES = {
    "constant": constant,
    "zeros": filled(0),
    "ones": filled(1),
    "positions": positions,
    "param": param,
    "one_hot": one_hot,
}
