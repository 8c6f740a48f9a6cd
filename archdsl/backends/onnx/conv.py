"""Convolutions -> ``Conv``, ``ConvTranspose``; the padding rules that poolings share."""

from __future__ import annotations

from collections.abc import Callable

from archdsl.backends.onnx.draft import Body
from archdsl.backends.onnx.patches import padding
from archdsl.backends.onnx.wire import Attribute
from archdsl.backends.onnx.writer import Emit, fixed
from archdsl.dims import Dim, ceildiv
from archdsl.ops.windows import Pads


def conv(emit: Emit) -> None:
    """``Conv``; padding is explicit, unless TensorFlow's rule meets a symbolic size."""
    weighted(emit, "Conv", lambda x: padded(emit, x, explicit(emit), 0.0))


Placed = Callable[[str], tuple[str, dict[str, Attribute]]]
"""A map -> what enters the convolution, and its padding."""


def weighted(emit: Emit, kind: str, placed: Placed) -> None:
    """The convolution with its weight, or the one that it is given."""
    kernel, stride, dilation = emit.op.geometry(emit.types[0])
    windows = {"kernel_shape": kernel, "strides": stride, "dilations": dilation, "group": emit.op.groups}
    if len(emit.types) == 2 and emit.types[1].rank > emit.types[0].rank:
        of_samples(emit, kind, placed, windows)
        return
    x, place = placed(emit.ins[0])
    parameters = [emit.param("weight"), emit.optional("bias")]
    if kind == "Conv" and emit.types[0].rank == 4 and emit.writer.emitted is not emit.writer.outermost:
        parameters = [_near(emit, slot, name) for slot, name in zip(("weight", "bias"), parameters)]
    emit.result(kind, [x, *parameters], **windows, **place)


def _near(emit: Emit, slot: str, name: str) -> str:
    """A view of a parameter in a body. ONNX Runtime computes it when it loads the model, and then has a tensor that is
    the body's own: only with such ones it takes its faster convolutions, of blocks of channels.
    """
    if slot not in emit.node.params:
        return name
    shape = emit.ints(fixed(emit.node.params[slot].type.shape))
    return emit.once(("near", name), lambda: emit.helper("Reshape", [name, shape]))


def of_samples(emit: Emit, kind: str, placed: Placed, windows: dict[str, Attribute]) -> None:
    """A weight for each sample: a ``Scan`` over them. As groups of one ``Conv`` they take a sixth longer, or more, and
    their number has to be known.
    """
    writer, body = emit.writer, Body(emit.writer.fresh(f"{emit.node.path}/body"))
    axes, bias = emit.ints([0]), emit.optional("bias")
    entering = []
    for type in emit.types:
        name = writer.fresh(f"{emit.node.path}/sample")
        writer.dtypes[name], body.inputs[name] = type.dtype, type.with_shape(type.shape[1:])
        entering.append(name)
    with writer.inside(body):
        x, place = placed(emit.helper("Unsqueeze", [entering[0], axes]))
        one = emit.helper(kind, [x, entering[1], bias], **windows, **place)
        body.outputs[emit.helper("Squeeze", [one, axes])] = emit.outs[0].with_shape(emit.outs[0].shape[1:])
    emit.result("Scan", list(emit.ins), body=body, num_scan_inputs=2)


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
    weighted(emit, "ConvTranspose", lambda x: _trimmed(emit, x))


def _trimmed(emit: Emit, value: str) -> tuple[str, dict[str, Attribute]]:
    """The operand, and what is trimmed from and added to the output."""
    op, x = emit.op, emit.types[0]
    stride, extra = op.geometry(x)[1], op.output_pads(x)
    behind = [n // s for n, s in zip(extra, stride)]
    if any(behind):
        ends = emit.ints([*(0,) * (x.rank + 2), *behind])
        value = emit.helper("Pad", [value, ends, emit.scalar(0.0)])
    return value, {"output_padding": [n % s for n, s in zip(extra, stride)], **padding(op.pads(x))}


RULES = {"conv": conv, "conv_transpose": conv_transpose}
