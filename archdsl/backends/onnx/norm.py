"""Normalisations -> ``BatchNormalization``, ``LayerNormalization``, ``LRN`` and compositions."""

from __future__ import annotations

from math import prod

from archdsl.backends.onnx.writer import Emit, fixed
from archdsl.dims import Dim
from archdsl.shapes import resolve_axis


def batch_norm(emit: Emit) -> None:
    """``BatchNormalization`` in its inference form; ONNX wants scale and shift, so absent ones are constants, and the
    channels on axis 1.
    """
    channels = emit.node.params["running_mean"].type.shape
    operands = [_affine(emit, "weight", channels), _affine(emit, "bias", channels)]
    statistics = [emit.param("running_mean"), emit.param("running_var")]
    rank, axis = emit.types[0].rank, emit.op.channel_axis(emit.types[0])
    if axis == 1:
        emit.result("BatchNormalization", [emit.ins[0], *operands, *statistics], epsilon=emit.op.eps)
        return
    order = tuple({1: axis, axis: 1}.get(i, i) for i in range(rank))
    moved = emit.helper("Transpose", [emit.ins[0]], perm=order)
    normal = emit.helper("BatchNormalization", [moved, *operands, *statistics], epsilon=emit.op.eps)
    emit.result("Transpose", [normal], perm=order)


def _affine(emit: Emit, slot: str, shape: tuple[Dim, ...]) -> str:
    """The parameter in ``slot``, or ones (weight) or zeros (bias) of its shape."""
    found = emit.optional(slot)
    if found:
        return found
    sizes = fixed(shape)
    return emit.constant(emit.types[0].dtype, [1.0 if slot == "weight" else 0.0] * prod(sizes), sizes)


def group_norm(emit: Emit) -> None:
    """One instance per group. ``GroupNormalization`` (opset 21) takes ONNX Runtime 1.6 times as long on the CPU."""
    (x,) = emit.types
    channels, groups = x.shape[1], emit.op.groups
    assert isinstance(channels, int)
    grouped = emit.helper("Reshape", [emit.ins[0], emit.ints([0, groups, -1])])
    ones, zeros = emit.constant(x.dtype, [1.0] * groups, [groups]), emit.constant(x.dtype, [0.0] * groups, [groups])
    normal = emit.helper("InstanceNormalization", [grouped, ones, zeros], epsilon=emit.op.eps)
    back = emit.reshape_like(normal, emit.ins[0], x, ahead=[0])
    _scale_and_shift(emit, back, [1, channels, *[1] * (x.rank - 2)])


def _scale_and_shift(emit: Emit, name: str, shape: list[int]) -> None:
    """End with ``* weight + bias`` as far as there are any, broadcast from ``shape``."""
    steps = [(kind, emit.optional(slot)) for kind, slot in (("Mul", "weight"), ("Add", "bias"))]
    steps = [(kind, parameter) for kind, parameter in steps if parameter]
    if not steps:
        emit.forward(name)
    for i, (kind, parameter) in enumerate(steps):
        own = emit.node.params["weight" if kind == "Mul" else "bias"].type.shape
        operand = emit.reshape(parameter, own, tuple(shape)) if _misaligned(own, shape) else parameter
        if i == len(steps) - 1:
            emit.result(kind, [name, operand])
        else:
            name = emit.helper(kind, [name, operand])


def _misaligned(own: tuple[Dim, ...], shape: list[int]) -> bool:
    """Whether the parameter does not broadcast by itself, aligned at the last axes."""
    return tuple(shape[len(shape) - len(own) :]) != own or any(size != 1 for size in shape[: len(shape) - len(own)])


def instance_norm(emit: Emit) -> None:
    """``InstanceNormalization``; absent scale and shift are constants."""
    channels = (emit.types[0].shape[1],)
    operands = [_affine(emit, "weight", channels), _affine(emit, "bias", channels)]
    emit.result("InstanceNormalization", [emit.ins[0], *operands], epsilon=emit.op.eps)


def layer_norm(emit: Emit) -> None:
    """``LayerNormalization`` over trailing axes of known sizes; else its formula."""
    (x,) = emit.types
    axes = emit.op.resolved(x)
    sizes = tuple(x.shape[axis] for axis in axes)
    if axes == tuple(range(x.rank - len(axes), x.rank)) and all(isinstance(size, int) for size in sizes):
        operands = [_affine(emit, "weight", sizes), emit.optional("bias")]
        emit.result("LayerNormalization", [emit.ins[0], *operands], axis=axes[0], epsilon=emit.op.eps)
        return
    emit = emit.wide()
    mean = _mean(emit, emit.ins[0], axes)
    _divide_by_root(emit, emit.helper("Sub", [emit.ins[0], mean]), axes)


def rms_norm(emit: Emit) -> None:
    """``x / sqrt(mean(x * x) + eps)``; ``RMSNormalization`` exists from opset 23 only."""
    emit = emit.wide()
    _divide_by_root(emit, emit.ins[0], emit.op.resolved(emit.types[0]))


def _mean(emit: Emit, name: str, axes: tuple[int, ...]) -> str:
    inputs, attributes = emit.reduce("ReduceMean", name, axes, keep=True)
    return emit.helper("ReduceMean", inputs, **attributes)


def _divide_by_root(emit: Emit, name: str, axes: tuple[int, ...]) -> None:
    """``name / sqrt(mean(name ** 2) + eps)``, then scale and shift along ``axes``. Of ``Pow``, which a ``Mul`` would
    replace, ONNX Runtime makes one kernel of all of it.
    """
    (x,) = emit.types
    square = _mean(emit, emit.helper("Pow", [name, emit.scalar(2)]), axes)
    root = emit.helper("Sqrt", [emit.helper("Add", [square, emit.scalar(emit.op.eps)])])
    shape = [fixed([size])[0] if axis in axes and emit.node.params else 1 for axis, size in enumerate(x.shape)]
    _scale_and_shift(emit, emit.helper("Div", [name, root]), shape)


def lrn(emit: Emit) -> None:
    """``LRN`` for odd sizes on [N, C, H, W], which is what runtimes have; else an average over the channel axis."""
    (x,) = emit.types
    op = emit.op
    if op.size % 2 and x.rank == 4:
        emit.result("LRN", emit.ins, size=op.size, alpha=op.alpha, beta=op.beta, bias=op.k)
        return
    emit = emit.wide()
    square = emit.helper("Mul", [emit.ins[0], emit.ins[0]])
    column = emit.helper("Unsqueeze", [square, emit.ints([1])])
    plane = emit.helper("Reshape", [column, emit.ints([0, 1, fixed(x.shape[1:2])[0], -1])])
    mean = emit.helper(
        "AveragePool", [plane], kernel_shape=(op.size, 1), count_include_pad=1,
        pads=((op.size - 1) // 2, 0, op.size // 2, 0),
    )  # fmt: skip
    total = emit.helper("Mul", [emit.reshape_like(mean, emit.ins[0], x, ahead=[0]), emit.scalar(op.alpha)])
    power = emit.helper("Pow", [emit.helper("Add", [total, emit.scalar(op.k)]), emit.scalar(op.beta)])
    emit.result("Div", [emit.ins[0], power])


def l2_norm(emit: Emit) -> None:
    """``x / max(length, eps)``; ``LpNormalization`` has no eps."""
    emit = emit.wide()
    (x,) = emit.types
    inputs, attributes = emit.reduce("ReduceL2", emit.ins[0], [resolve_axis(emit.op.axis, x)], keep=True)
    length = emit.helper("ReduceL2", inputs, **attributes)
    emit.result("Div", [emit.ins[0], emit.helper("Max", [length, emit.scalar(emit.op.eps)])])


RULES = {
    "batch_norm": batch_norm,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "lrn": lrn,
    "l2_norm": l2_norm,
}
