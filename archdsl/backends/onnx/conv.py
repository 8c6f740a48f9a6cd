"""Convolutions -> ``Conv``, ``ConvTranspose``; the padding rules that poolings share."""

from __future__ import annotations

from archdsl.backends.onnx.wire import Attribute
from archdsl.backends.onnx.writer import Emit
from archdsl.dims import Dim, ceildiv
from archdsl.ops.windows import Pads


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
    """The operand and its padding: explicit, ``auto_pad``, or a ``Pad`` in front of what that cannot do."""
    if pads is not None:
        return name, padding(pads)
    if automatic(emit):
        return name, {"auto_pad": emit.op.pad.upper()}
    total = emit.helper("Max", [emit.vector(totals(emit)), emit.ints([0])])
    small = emit.helper("Div", [total, emit.ints([2])])
    large = emit.helper("Sub", [total, small])
    begin, end = (small, large) if emit.op.pad == "same_upper" else (large, small)
    none = emit.ints([0, 0])
    ends = emit.helper("Concat", [none, begin, none, end], axis=0)
    return emit.helper("Pad", [name, ends, emit.scalar(value)]), {}


def automatic(emit: Emit) -> bool:
    """Whether ``auto_pad`` can be used: it ignores dilation, and its padding is negative where windows leave gaps."""
    kernel, stride, dilation = emit.op.geometry(emit.types[0])
    return all(d == 1 and s <= k for k, s, d in zip(kernel, stride, dilation))


def padding(pads: Pads) -> dict[str, Attribute]:
    """The attribute ``pads``: all begins, then all ends."""
    return {"pads": (*(begin for begin, _ in pads), *(end for _, end in pads))}


def conv_transpose(emit: Emit) -> None:
    """``ConvTranspose``; its padding never depends on the size.

    Runtimes want an output padding below the stride. Dilation allows a wider one: as many strides of it as there are
    become zeros after the input.
    """
    (x,) = emit.types
    op, value = emit.op, emit.ins[0]
    kernel, stride, dilation = op.geometry(x)
    extra = op.output_pads(x)
    behind = [n // s for n, s in zip(extra, stride)]
    if any(behind):
        ends = emit.ints([*(0,) * (x.rank + 2), *behind])
        value = emit.helper("Pad", [value, ends, emit.scalar(0.0)])
    emit.result(
        "ConvTranspose", [value, emit.param("weight"), emit.optional("bias")],
        kernel_shape=kernel, strides=stride, dilations=dilation, group=op.groups,
        output_padding=[n % s for n, s in zip(extra, stride)], **padding(op.pads(x)),
    )  # fmt: skip


RULES = {"conv": conv, "conv_transpose": conv_transpose}
