"""The windows of a map as a tensor, which ONNX has no operator for: one ``Gather`` for each axis."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.backends.onnx.writer import Emit
from archdsl.dims import Dim


def patches(
    emit: Emit,
    name: str,
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    counts: Sequence[Dim],
) -> str:
    """[N, C, padded sizes…] -> [N, C, taps…, positions…], ``counts`` windows along each axis."""
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
