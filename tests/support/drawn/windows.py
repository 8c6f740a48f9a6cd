"""Sliding windows over one to three axes, and convolutions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from drawn import Case, Draw, operator

CONV = (F.conv1d, F.conv2d, F.conv3d)
TRANSPOSED = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)


@dataclass(frozen=True)
class Windows:
    """What is drawn, as arguments and for each axis."""

    arguments: dict[str, Any]
    kernel: list[int]
    stride: list[int]
    dilation: list[int]
    ends: list[tuple[int, int]]
    sizes: list[int]

    @property
    def rank(self) -> int:
        return len(self.kernel)

    @property
    def begins(self) -> list[int]:
        return [begin for begin, _ in self.ends]

    @property
    def symmetric(self) -> bool:
        return all(begin == end for begin, end in self.ends)

    def counts(self, ceil: bool) -> list[int]:
        """Positions of the window; with ``ceil`` the last starts inside the input or the padding before it."""
        found = []
        for n, k, s, d, (begin, end) in zip(self.sizes, self.kernel, self.stride, self.dilation, self.ends):
            span = n + begin + end - (d * (k - 1) + 1)
            count = (math.ceil(span / s) if ceil else span // s) + 1
            found.append(count - (ceil and (count - 1) * s >= n + begin))
        return found

    def widths(self, ceil: bool) -> list[int]:
        """As :func:`torch.nn.functional.pad` takes them: what every window needs and no more."""
        found: list[int] = []
        for count, n, k, s, d, (begin, _) in zip(
            self.counts(ceil), self.sizes, self.kernel, self.stride, self.dilation, self.ends
        ):
            found[:0] = [begin, (count - 1) * s + d * (k - 1) + 1 - begin - n]
        return found


def halves(kind: str, totals: list[int]) -> list[tuple[int, int]]:
    """TensorFlow's padding at both ends; the odd position at the end for ``same_upper``."""
    return [(t // 2, t - t // 2) if kind == "same_upper" else (t - t // 2, t // 2) for t in totals]


def numbered(draw: Draw, kind: str, rank: int, most: int) -> tuple[Any, list[tuple[int, int]]]:
    """Padding in numbers: one for all, one for each axis, or all begins and then all ends."""
    numbers = draw.sizes({"number": 1, "each": rank, "ends": 2 * rank}[kind], 0, most)
    if kind == "number":
        return numbers[0], [(numbers[0], numbers[0])] * rank
    return numbers, list(zip(numbers[:rank], numbers[-rank:]))


def draw_windows(draw: Draw, *, dilated: bool = True, pooling: bool = False) -> Windows:
    """Everything legal: the window fits, and padding is below the window of a pooling."""
    rank = draw.one(2, 1, 2, 3)
    kernel_argument, kernel = draw.each(rank, 1, 4 if rank < 3 else 3)
    stride_argument, stride = draw.each(rank, 1, 3)
    dilation_argument, dilation = draw.each(rank, 1, 3) if dilated else (1, [1] * rank)
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    pad = draw.one("same_upper", "same_lower", "same", "valid", "number", "each", "ends")
    more = draw.sizes(rank, 0, 5 if rank < 3 else 3)
    # A map does not lie between two taps: of nothing but padding ONNX Runtime makes the least float.
    least = dilation if pooling else [1] * rank
    sizes = [one + n for one, n in zip(least, more)]
    if pad in ("same_upper", "same_lower"):
        ends = halves(pad, [max(-(-n // s) * s - s + r - n, 0) for n, s, r in zip(sizes, stride, reach)])
    else:
        if pad == "valid" or (pad == "same" and all(k % 2 for k in kernel)):
            ends = [(r // 2, r // 2) if pad == "same" else (0, 0) for r in reach]
        else:
            pad, ends = numbered(draw, "ends" if pad == "same" else pad, rank, min(reach) - 1 if pooling else 3)
        sizes = [max(r - sum(e), one) + n for r, e, one, n in zip(reach, ends, least, more)]
    arguments = {"kernel": kernel_argument, "stride": stride_argument, "pad": pad}
    if dilated:
        arguments["dilation"] = dilation_argument
    return Windows(arguments, kernel, stride, dilation, ends, sizes)


def free_axes(draw: Draw, rank: int) -> tuple[int, ...]:
    """No size is free, that of the batch, or that of the maps too."""
    return draw.one((), (0,), (0, *range(2, rank)))


@operator("conv")
def conv(draw: Draw) -> Case:
    w, groups = draw_windows(draw), draw.one(1, 2, 3)
    bias = draw.flag()
    x = draw.array([draw.whole(1, 3), groups * draw.whole(1, 3), *w.sizes])
    arguments = {**w.arguments, "channels": groups * draw.whole(1, 3), "groups": groups, "bias": bias}

    def reference(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        padding = w.begins if w.symmetric else 0
        x = x if w.symmetric else F.pad(x, w.widths(False))
        return CONV[w.rank - 1](x, weight, bias, w.stride, padding, w.dilation, groups)

    return Case(arguments, [x], reference, free_axes(draw, x.ndim))


@operator("conv_transpose")
def conv_transpose(draw: Draw) -> Case:
    w, groups, bias = draw_windows(draw), draw.one(1, 2, 3), draw.flag()
    rank, pad = w.rank, w.arguments["pad"]
    sizes, ends, extra = draw.sizes(rank, 1, 4), w.ends, [0] * rank
    arguments: dict[str, Any] = {**w.arguments, "channels": groups * draw.whole(1, 3), "groups": groups, "bias": bias}
    reach = [d * (k - 1) + 1 for k, d in zip(w.kernel, w.dilation)]
    if pad in ("same_upper", "same_lower"):
        ends = halves(pad, [max(r - s, 0) for r, s in zip(reach, w.stride)])
        extra = [max(s - r, 0) for r, s in zip(reach, w.stride)]
    else:
        most = min(max(s, d) for s, d in zip(w.stride, w.dilation)) - 1
        arguments["output_pad"], extra = draw.each(rank, 0, most)
        for i in range(rank):  # until something is left
            while (sizes[i] - 1) * w.stride[i] + reach[i] + extra[i] - sum(ends[i]) < 1:
                sizes[i] += 1
    x = draw.array([draw.whole(1, 3), groups * draw.whole(1, 3), *sizes])

    def reference(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        function = TRANSPOSED[rank - 1]
        if all(begin == end for begin, end in ends):
            return function(x, weight, bias, w.stride, [b for b, _ in ends], extra, groups, w.dilation)
        whole = function(x, weight, bias, w.stride, 0, extra, groups, w.dilation)
        for axis, (begin, end) in enumerate(ends, 2):
            whole = whole.narrow(axis, begin, whole.shape[axis] - begin - end)
        return whole

    return Case(arguments, [x], reference, free_axes(draw, x.ndim))
