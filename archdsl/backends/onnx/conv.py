"""Convolutions -> ``Conv``, ``ConvTranspose``; the padding rules that poolings share."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from archdsl.backends.onnx.patches import bordered, padding, patches
from archdsl.backends.onnx.wire import Attribute
from archdsl.backends.onnx.writer import Emit
from archdsl.diagnostics import Refusal
from archdsl.dims import Dim, ceildiv, symbols
from archdsl.ops.windows import Pads
from archdsl.shapes import TensorType


def conv(emit: Emit) -> None:
    """``Conv``; padding is explicit, unless TensorFlow's rule meets a symbolic size."""
    if each_sample(emit):
        conv_of_samples(emit)
        return
    kernel, stride, dilation = emit.op.geometry(emit.types[0])
    x, place = padded(emit, emit.ins[0], explicit(emit), 0.0)
    emit.result(
        "Conv", [x, emit.param("weight"), emit.optional("bias")],
        kernel_shape=kernel, strides=stride, dilations=dilation, group=emit.op.groups, **place,
    )  # fmt: skip


def each_sample(emit: Emit) -> bool:
    """Whether there is a weight for each sample."""
    return len(emit.types) == 2 and emit.types[1].rank > emit.types[0].rank


def conv_of_samples(emit: Emit) -> None:
    """A weight for each sample: samples are groups where their number is known, else products with the windows."""
    x, w = emit.types
    kernel, stride, dilation = emit.op.geometry(x)
    if isinstance(x.shape[0], int):
        flat, place = padded(emit, _as_groups(emit, emit.ins[0], x), explicit(emit), 0.0)
        y = emit.helper(
            "Conv", [flat, _as_groups(emit, emit.ins[1], w, lead=())], kernel_shape=kernel, strides=stride,
            dilations=dilation, group=x.shape[0] * emit.op.groups, **place,
        )  # fmt: skip
        _of_samples(emit, y)
        return
    groups, channels, taps = emit.op.groups, w.shape[2], prod(kernel)
    assert isinstance(channels, int)
    wide = patches(emit, _padded(emit), kernel, stride, dilation, emit.outs[0].shape[2:])
    columns = emit.helper("Reshape", [wide, emit.ints([0, groups, channels * taps, -1])])
    rows = emit.helper("Reshape", [emit.ins[1], emit.ints([0, groups, emit.op.channels // groups, channels * taps])])
    _of_samples(emit, emit.helper("MatMul", [rows, columns]))


def _padded(emit: Emit) -> str:
    """The input behind a ``Pad`` of its own."""
    pads = explicit(emit)
    if pads is None:
        raise Refusal(
            "E0601", f"`{emit.op.name}` with a weight for each sample needs a padding that is known",
            help="use `pad = valid` behind `pad_axes`, or bind the sizes",
        )  # fmt: skip
    return bordered(emit, pads)


def _as_groups(emit: Emit, name: str, type: TensorType, lead: Sequence[int] = (1,)) -> str:
    """[N, C, …] -> [1, N * C, …], or [N * C, …]."""
    return emit.helper("Reshape", [name, emit.vector([*lead, type.shape[0] * type.shape[1], *type.shape[2:]])])


def _of_samples(emit: Emit, name: str) -> None:
    """The result for its samples, and the bias."""
    bias, y = emit.optional("bias"), emit.outs[0]
    shape = emit.target((), y.shape)
    if bias:
        bias = emit.helper("Reshape", [bias, emit.ints([-1, *(1,) * (y.rank - 2)])])
        emit.result("Add", [emit.helper("Reshape", [name, shape]), bias])
    else:
        emit.result("Reshape", [name, shape])


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


def conv_transpose(emit: Emit) -> None:
    """``ConvTranspose``; its padding never depends on the size.

    Runtimes want an output padding below the stride. Dilation allows a wider one: as many strides of it as there are
    become zeros after the input.
    """
    if each_sample(emit):
        conv_transpose_of_samples(emit)
        return
    x = emit.types[0]
    op = emit.op
    kernel, stride, dilation = op.geometry(x)
    value, place = _trimmed(emit, emit.ins[0])
    emit.result(
        "ConvTranspose", [value, emit.param("weight"), emit.optional("bias")],
        kernel_shape=kernel, strides=stride, dilations=dilation, group=op.groups, **place,
    )  # fmt: skip


def _trimmed(emit: Emit, value: str) -> tuple[str, dict[str, Attribute]]:
    """The operand, and what is trimmed from and added to the output."""
    op, x = emit.op, emit.types[0]
    stride, extra = op.geometry(x)[1], op.output_pads(x)
    behind = [n // s for n, s in zip(extra, stride)]
    if any(behind):
        ends = emit.ints([*(0,) * (x.rank + 2), *behind])
        value = emit.helper("Pad", [value, ends, emit.scalar(0.0)])
    return value, {"output_padding": [n % s for n, s in zip(extra, stride)], **padding(op.pads(x))}


def conv_transpose_of_samples(emit: Emit) -> None:
    """A weight for each sample: samples are groups."""
    x, w = emit.types
    if not isinstance(x.shape[0], int):
        names = ", ".join(f"--bind {name}=…" for name in sorted(symbols(x.shape[0])))
        raise Refusal(
            "E0601",
            "`conv_transpose` with a weight for each sample needs their number in ONNX",
            help=f"bind it: `{names}`",
        )
    kernel, stride, dilation = emit.op.geometry(x)
    value, place = _trimmed(emit, _as_groups(emit, emit.ins[0], x))
    y = emit.helper(
        "ConvTranspose", [value, _as_groups(emit, emit.ins[1], w, lead=())], kernel_shape=kernel, strides=stride,
        dilations=dilation, group=x.shape[0] * emit.op.groups, **place,
    )  # fmt: skip
    _of_samples(emit, y)


RULES = {"conv": conv, "conv_transpose": conv_transpose}
