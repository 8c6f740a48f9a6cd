"""Integers that stand for numbers -> ``QuantizeLinear``, ``DequantizeLinear``, ``MatMulInteger``, ``ConvInteger``."""

from __future__ import annotations

from math import prod

from archdsl.backends.onnx.conv import automatic, explicit, padded
from archdsl.backends.onnx.simple_rules import plain
from archdsl.backends.onnx.wire import Attribute
from archdsl.backends.onnx.writer import Emit
from archdsl.diagnostics import Refusal


def quantize(emit: Emit) -> None:
    """``QuantizeLinear``; the type of its zero is that of the result."""
    _scaled(emit, "QuantizeLinear", emit.outs[0].dtype)


def dequantize(emit: Emit) -> None:
    """``DequantizeLinear``."""
    _scaled(emit, "DequantizeLinear", emit.types[0].dtype)


def _scaled(emit: Emit, kind: str, integers: str) -> None:
    op, scale = emit.op, emit.types[1]
    axis = op.per(emit.types[0], scale)
    attributes: dict[str, Attribute] = {} if axis is None else {"axis": axis}
    if op.block is not None and axis is not None:
        emit.require(21, f"`{op.name}` of blocks")
        attributes["block_size"] = op.block
    if integers in ("u16", "i16"):
        emit.require(21, f"`{op.name}` of {integers}")
    if scale.dtype != "f32":
        emit.require(19, f"`{op.name}` of {scale.dtype}")
    zero = emit.operand("zero")
    if not zero and kind == "QuantizeLinear" and integers != "u8":
        sizes = [size for size in scale.shape if isinstance(size, int)]
        if len(sizes) == scale.rank:
            zero = emit.constant(integers, [0] * prod(sizes), sizes)
        else:
            emit.require(21, f"`{op.name}` with scales of unknown number")
            attributes["output_dtype"] = {"i8": 3, "u16": 4, "i16": 5}[integers]
    emit.result(kind, [emit.ins[0], emit.ins[1], zero], **attributes)
    emit.settle()


def matmul_integer(emit: Emit) -> None:
    """``MatMulInteger``."""
    emit.result("MatMulInteger", [*emit.ins[:2], emit.operand("zero"), emit.operand("weight_zero")])


def conv_integer(emit: Emit) -> None:
    """``ConvInteger``, whose padding stands for 0. Refuses (E0601) padding that only the size tells, where no
    attribute says it.
    """
    op, x = emit.op, emit.types[0]
    pads = explicit(emit)
    if pads is None and not automatic(emit):
        raise Refusal("E0601", f"`{op.name}` with gaps and `pad = {op.pad}` needs fixed sizes")
    _, place = padded(emit, emit.ins[0], pads, 0.0)
    kernel, stride, dilation = op.geometry(x)
    emit.result(
        "ConvInteger", [*emit.ins[:2], emit.operand("zero"), emit.operand("weight_zero")],
        kernel_shape=kernel, strides=stride, dilations=dilation, group=op.groups, **place,
    )  # fmt: skip


RULES = {
    "quantize": quantize,
    "dequantize": dequantize,
    "dynamic_quantize": plain("DynamicQuantizeLinear"),
    "matmul_integer": matmul_integer,
    "conv_integer": conv_integer,
}
