"""Windows side by side, which ONNX has no operator for, and back -> ``Col2Im``."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from archdsl.backends.onnx.simple_rules import Lowering
from archdsl.backends.onnx.wire import Attribute
from archdsl.backends.onnx.writer import Emit
from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.ops.windows import Pads


def patches(
    emit: Emit,
    name: str,
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    counts: Sequence[Dim],
) -> str:
    """[N, C, padded sizes…] -> [N, C, taps…, positions…], ``counts`` windows an axis: one ``Gather`` for each."""
    rank = len(kernel)
    for i, (k, s, d, count) in enumerate(zip(kernel, stride, dilation, counts)):
        name = emit.helper("Gather", [name, _places(emit, k, s, d, count)], axis=2 + 2 * i)
    order = (0, 1, *range(2, 2 + 2 * rank, 2), *range(3, 3 + 2 * rank, 2))
    return name if rank == 1 else emit.helper("Transpose", [name], perm=order)


def _places(emit: Emit, kernel: int, stride: int, dilation: int, count: Dim) -> str:
    """Where each tap of each window lies: [taps, positions]."""
    if isinstance(count, int):
        places = [tap * dilation + y * stride for tap in range(kernel) for y in range(count)]
        return emit.constant("i64", places, (kernel, count))
    ends = (0, emit.writer.size(count * stride), stride)
    bounds = [emit.scalar(end, "i64") if isinstance(end, int) else _single(emit, end) for end in ends]
    starts = emit.helper("Range", bounds)
    taps = emit.constant("i64", [tap * dilation for tap in range(kernel)], (kernel, 1))
    return emit.helper("Add", [taps, starts])


def _single(emit: Emit, vector: str) -> str:
    return emit.helper("Squeeze", [vector])


def padding(pads: Pads) -> dict[str, Attribute]:
    """The attribute ``pads``: all begins, then all ends."""
    return {"pads": (*(begin for begin, _ in pads), *(end for _, end in pads))}


def bordered(emit: Emit, pads: Pads) -> str:
    """The input behind a ``Pad`` with zeros."""
    if not any(map(any, pads)):
        return emit.ins[0]
    ends = emit.ints([0, 0, *(begin for begin, _ in pads), 0, 0, *(end for _, end in pads)])
    return emit.helper("Pad", [emit.ins[0], ends, emit.scalar(0.0)])


def unfold(emit: Emit) -> None:
    """A ``Gather`` for each axis."""
    op, x = emit.op, emit.types[0]
    kernel, stride, dilation = op.geometry(x)
    wide = patches(emit, bordered(emit, op.pads(x)), kernel, stride, dilation, op.counts(x))
    emit.result("Reshape", [wide, emit.target(x.shape, emit.outs[0].shape)])


def fold(emit: Emit) -> None:
    """``Col2Im``. ONNX Runtime 1.32 misplaces dilated windows on one axis or three: there each tap is put in its
    place by a ``ConvTranspose`` whose kernel is a one among zeros.
    """
    op = emit.op
    kernel, stride, dilation = op.geometry()
    place: dict[str, Attribute] = {"strides": stride, "dilations": dilation, **padding(op.pads())}
    if len(kernel) == 2 or set(dilation) == {1}:
        emit.require(18, "`fold`")
        emit.result("Col2Im", [emit.ins[0], emit.vector(op.size), emit.ints(kernel)], **place)
        return
    taps, counts = prod(kernel), op.counts()
    if any(not isinstance(size, int) for size in op.size):
        raise Refusal("E0601", "`fold` of dilated windows needs sizes in numbers here", help="bind them with `--bind`")
    apart = emit.helper("Reshape", [emit.ins[0], emit.ints([-1, taps, *counts])])
    ones = [float(row == column) for row in range(taps) for column in range(taps)]
    one = emit.constant(emit.types[0].dtype, ones, (taps, 1, *kernel))
    beyond = [
        (n + sum(ends) - d * (k - 1) - 1) % s for n, ends, k, s, d in zip(op.size, op.pads(), kernel, stride, dilation)
    ]
    each = emit.helper("ConvTranspose", [apart, one], output_padding=beyond, **place)
    emit.result("Reshape", [each, emit.target((), emit.outs[0].shape)])


RULES: dict[str, Lowering] = {"unfold": unfold, "fold": fold}
