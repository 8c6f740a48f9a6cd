"""Convolutions with moved taps -> ``DeformConv``."""

from __future__ import annotations

from archdsl.backends.onnx.patches import padding
from archdsl.backends.onnx.simple_rules import Lowering
from archdsl.backends.onnx.writer import Emit


def deform_conv(emit: Emit) -> None:
    """``DeformConv`` of operator set 19; its offsets are laid out as ours."""
    emit.require(19, "`deform_conv`")
    emit = emit.wide()
    op, x = emit.op, emit.types[0]
    kernel, stride, dilation = op.geometry(x)
    emit.result(
        "DeformConv", [emit.ins[0], emit.param("weight"), emit.ins[1], emit.optional("bias"), emit.operand("mask")],
        kernel_shape=kernel, strides=stride, dilations=dilation, group=op.groups,
        offset_group=op.offset_groups(x, emit.types[1]), **padding(op.known_pads(x)),
    )  # fmt: skip


RULES: dict[str, Lowering] = {"deform_conv": deform_conv}
