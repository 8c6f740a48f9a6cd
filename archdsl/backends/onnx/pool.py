"""Poolings over windows -> ``MaxPool``, ``AveragePool``, ``LpPool``, ``MaxUnpool``.

Ceil mode never reaches ONNX: runtimes disagree about it. The last window of PyTorch's ceil mode starts inside the input
or its left padding, so that floor mode over an end padding of ``min(end + stride - 1, reach - 1)`` has exactly its
windows, whatever the size; a maximum or a sum does not see that padding.
"""

from __future__ import annotations

from archdsl.backends.onnx.conv import automatic, explicit, padded
from archdsl.backends.onnx.patches import padding
from archdsl.backends.onnx.wire import Attribute, Literal
from archdsl.backends.onnx.writer import Emit, pack
from archdsl.diagnostics import Refusal
from archdsl.dims import product
from archdsl.ops.windows import Pads


def windows(emit: Emit) -> tuple[dict[str, Attribute], Pads | None]:
    """Kernel and strides; the padding, ceil mode included (``None``: TensorFlow's rule on a symbolic size)."""
    kernel, stride, dilation = emit.op.geometry(emit.types[0])
    pads = explicit(emit)
    if pads is not None and emit.op.ceil:
        reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
        pads = tuple((begin, min(end + s - 1, r - 1)) for (begin, end), s, r in zip(pads, stride, reach))
    return {"kernel_shape": kernel, "strides": stride}, pads


def max_pool(emit: Emit) -> None:
    """``MaxPool``; with two outputs it also says where each maximum was."""
    x, attributes = _max_operands(emit)
    emit.result("MaxPool", [x], **attributes)


def min_pool(emit: Emit) -> None:
    """``-max_pool(-x)``: padding is minus infinity there, so plus infinity here."""
    x, attributes = _max_operands(emit, flip=True)
    emit.result("Neg", [emit.helper("MaxPool", [x], **attributes)])


def _max_operands(emit: Emit, flip: bool = False) -> tuple[str, dict[str, Attribute]]:
    """Input and attributes of ``MaxPool``. Runtimes want paddings below the kernel; a ``Pad`` gives the wider ones."""
    attributes, pads = windows(emit)
    kernel, _, dilation = emit.op.geometry(emit.types[0])
    x = emit.helper("Neg", emit.ins) if flip else emit.ins[0]
    if dilation != (1,) * len(kernel):
        attributes["dilations"] = dilation
    if pads is None:
        if len(emit.outs) == 2 and not automatic(emit):
            wide = f"`{emit.op.name}` with dilation or gaps and `pad = {emit.op.pad}`"
            raise Refusal("E0601", f"{wide} needs fixed sizes")
        x, place = padded(emit, x, pads, -float("inf"))
        return x, {**attributes, **place}
    if any(max(pair) >= k for pair, k in zip(pads, kernel)):
        if len(emit.outs) == 2:
            raise Refusal("E0601", f"the padding of `{emit.op.name}` must be smaller than its kernel")
        return pad(emit, x, pads, -float("inf")), attributes
    return x, {**attributes, **padding(pads)}


def pad(emit: Emit, name: str, pads: Pads, value: float = 0.0) -> str:
    """Constant padding of the spatial axes."""
    ends = emit.ints([0, 0, *(begin for begin, _ in pads), 0, 0, *(end for _, end in pads)])
    return emit.helper("Pad", [name, ends, emit.scalar(value)])


def avg_pool(emit: Emit) -> None:
    """``AveragePool``. Where the padding counts but what ceil mode adds does not, the former becomes a ``Pad``."""
    attributes, pads = windows(emit)
    count = emit.op.count_pad
    x = emit.ins[0]
    if pads is None:
        if not count and not automatic(emit):
            raise Refusal("E0601", f"`{emit.op.name}` with gaps and `pad = {emit.op.pad}` needs fixed sizes")
        x, place = padded(emit, x, pads, 0.0)
        emit.result("AveragePool", [x], **attributes, **place, count_include_pad=int(count))
        return
    own = explicit(emit)
    if own is not None and count and pads != own:
        if any(map(any, own)):
            x = pad(emit, x, own)
        pads = tuple((0, end - own_end) for (_, end), (_, own_end) in zip(pads, own))
        count = False
    emit.result("AveragePool", [x], **attributes, **padding(pads), count_include_pad=int(count and any(map(any, pads))))


def lp_pool(emit: Emit) -> None:
    """``LpPool``; its padding is zero."""
    attributes, pads = windows(emit)
    x, place = padded(emit, emit.ins[0], pads, 0.0)
    emit.result("LpPool", [x], p=emit.op.p, **attributes, **place)


def max_unpool(emit: Emit) -> None:
    """``MaxUnpool`` where the kernel determines the shape; else the elements are scattered over zeros."""
    kernel, stride, pads = emit.op.unpooling(emit.types[0])
    after = emit.outs[0].shape
    alone = emit.op.replace(like=None).shape(*emit.types)[0].shape == after
    if alone and emit.types[0].dtype != "f64":  # of which runtimes lack it
        emit.result("MaxUnpool", emit.ins, kernel_shape=kernel, strides=stride, **padding(pads))
        return
    flat = [emit.helper("Reshape", [name, emit.ints([-1])]) for name in emit.ins]
    zero = Literal(emit.outs[0].dtype, [1], pack(emit.outs[0].dtype, [0.0]))
    empty = emit.helper("ConstantOfShape", [emit.vector([product(after)])], value=zero)
    filled = emit.helper("ScatterElements", [empty, flat[1], flat[0]], axis=0)
    emit.result("Reshape", [filled, emit.target((product(after),), after)])


RULES = {
    "max_pool": max_pool,
    "max_pool_indices": max_pool,
    "min_pool": min_pool,
    "avg_pool": avg_pool,
    "lp_pool": lp_pool,
    "max_unpool": max_unpool,
}
