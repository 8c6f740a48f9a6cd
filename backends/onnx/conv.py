"""Convolutions -> ``Conv``, ``ConvTranspose``; the padding rules that poolings share."""

from __future__ import annotations

from archdsl.dims import Dim, ceildiv
from archdsl.ops.windows import Pads

from .wire import Attribute
from .writer import Emit


def conv(emit: Emit) -> None:
    """``Conv``; padding is explicit, unless TensorFlow's rule meets a symbolic size."""
    kernel, stride, dilation = emit.op.geometry(emit.types[0])
    x, place = padded(emit, emit.ins[0], explicit(emit), 0.0)
    emit.result(
        "Conv", [x, emit.param("weight"), emit.optional("bias")],
        kernel_shape=kernel, strides=stride, dilations=dilation, group=emit.op.groups, **place,
    )  # fmt: skip


def totals(emit: Emit) -> list[Dim]:
    """TensorFlow's padding of each axis, begin and end together, where it is not negative."""
    sizes = emit.types[0].shape[2:]
    kernel, stride, dilation = emit.op.geometry(emit.types[0])
    return [(ceildiv(n, s) - 1) * s + d * (k - 1) + 1 - n for n, k, s, d in zip(sizes, kernel, stride, dilation)]


def explicit(emit: Emit) -> Pads | None:
    """Begin and end padding of each axis; ``None`` while it depends on a symbolic size (at stride 1 it does not)."""
    pads: Pads | None = emit.op.pads(emit.types[0])
    if pads is not None:
        return pads
    found = []
    for total in totals(emit):
        if not isinstance(total, int):
            return None
        small, large = max(total, 0) // 2, max(total, 0) - max(total, 0) // 2
        found.append((small, large) if emit.op.pad == "same_upper" else (large, small))
    return tuple(found)


def padded(emit: Emit, name: str, pads: Pads | None, value: float) -> tuple[str, dict[str, Attribute]]:
    """The operand and its padding: explicit, ``auto_pad``, or (as that knows no dilation) a ``Pad`` in front."""
    if pads is not None:
        return name, padding(pads)
    _, _, dilation = emit.op.geometry(emit.types[0])
    if all(d == 1 for d in dilation):
        return name, {"auto_pad": emit.op.pad.upper()}
    total = emit.helper("Max", [emit.vector(totals(emit)), emit.ints([0])])
    small = emit.helper("Div", [total, emit.ints([2])])
    large = emit.helper("Sub", [total, small])
    begin, end = (small, large) if emit.op.pad == "same_upper" else (large, small)
    none = emit.ints([0, 0])
    ends = emit.helper("Concat", [none, begin, none, end], axis=0)
    return emit.helper("Pad", [name, ends, emit.scalar(value)]), {}


def padding(pads: Pads) -> dict[str, Attribute]:
    """The attribute ``pads``: all begins, then all ends."""
    return {"pads": (*(begin for begin, _ in pads), *(end for _, end in pads))}


def conv_transpose(emit: Emit) -> None:
    """``ConvTranspose``; its padding never depends on the size."""
    (x,) = emit.types
    op = emit.op
    kernel, stride, dilation = op.geometry(x)
    emit.result(
        "ConvTranspose", [emit.ins[0], emit.param("weight"), emit.optional("bias")],
        kernel_shape=kernel, strides=stride, dilations=dilation, group=op.groups,
        output_padding=op.output_pads(x), **padding(op.pads(x)),
    )  # fmt: skip


RULES = {"conv": conv, "conv_transpose": conv_transpose}
