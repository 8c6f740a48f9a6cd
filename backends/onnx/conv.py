"""Convolutions -> ``Conv``, ``ConvTranspose``."""

from __future__ import annotations

from .writer import Emit


def conv(emit: Emit) -> None:
    """``Conv``; padding is explicit, unless TensorFlow's rule meets a symbolic size (``auto_pad``)."""
    (x,) = emit.types
    op = emit.op
    kernel, stride, dilation = op.geometry(x)
    pads = op.pads(x)
    place = padding(pads) if pads is not None else {"auto_pad": op.pad.upper()}
    emit.result(
        "Conv", [emit.ins[0], emit.param("weight"), emit.param("bias")],
        kernel_shape=kernel, strides=stride, dilations=dilation, group=op.groups, **place,
    )  # fmt: skip


def padding(pads: tuple[tuple[int, int], ...]) -> dict[str, tuple[int, ...]]:
    """The attribute ``pads``: all begins, then all ends."""
    return {"pads": (*(begin for begin, _ in pads), *(end for _, end in pads))}


def conv_transpose(emit: Emit) -> None:
    """``ConvTranspose``; its padding never depends on the size."""
    (x,) = emit.types
    op = emit.op
    kernel, stride, dilation = op.geometry(x)
    emit.result(
        "ConvTranspose", [emit.ins[0], emit.param("weight"), emit.param("bias")],
        kernel_shape=kernel, strides=stride, dilations=dilation, group=op.groups,
        output_padding=op.output_pads(x), **padding(op.pads(x)),
    )  # fmt: skip


RULES = {"conv": conv, "conv_transpose": conv_transpose}
