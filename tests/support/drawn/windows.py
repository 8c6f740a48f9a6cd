"""Sliding windows over one to three axes, and convolutions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from drawn import Case, Draw, operator
from drawn.words import Parameters, many

CONV = (F.conv1d, F.conv2d, F.conv3d)
TRANSPOSED = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)


Ends = list[tuple[int, int]]


@dataclass(frozen=True)
class Windows:
    """Sliding windows in numbers for each axis."""

    kernel: list[int]
    stride: list[int]
    dilation: list[int]
    ends: Ends
    sizes: list[int]

    @staticmethod
    def of(op: Any, x: Tensor) -> Windows:
        """Those of an operator on an input, by the definitions of the language reference."""
        rank, sizes = x.dim() - 2, list(x.shape[2:])
        kernel, dilation = many(op.kernel, rank), many(getattr(op, "dilation", 1), rank)
        stride = kernel if op.stride is None else many(op.stride, rank)
        return Windows(kernel, stride, dilation, padding(op.pad, kernel, stride, dilation, sizes), sizes)

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


def halves(kind: str, totals: list[int]) -> Ends:
    """TensorFlow's padding at both ends; the odd position at the end for ``same_upper``."""
    return [(t // 2, t - t // 2) if kind == "same_upper" else (t - t // 2, t // 2) for t in totals]


def padding(pad: Any, kernel: list[int], stride: list[int], dilation: list[int], sizes: list[int]) -> Ends:
    """Begin and end of each axis."""
    reach, rank = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)], len(kernel)
    if pad in ("same_upper", "same_lower"):
        return halves(pad, [max(-(-n // s) * s - s + r - n, 0) for n, s, r in zip(sizes, stride, reach)])
    if isinstance(pad, str):
        return [(r // 2, r // 2) if pad == "same" else (0, 0) for r in reach]
    numbers = many(pad, rank)
    return list(zip(numbers[:rank], numbers[-rank:]))


def numbered(draw: Draw, kind: str, rank: int, most: int) -> Any:
    """Padding in numbers: one for all, one for each axis, or all begins and then all ends."""
    numbers = draw.sizes({"number": 1, "each": rank, "ends": 2 * rank}[kind], 0, most)
    return numbers[0] if kind == "number" else tuple(numbers)


def draw_windows(
    draw: Draw, *, dilated: bool = True, pooling: bool = False, rank: int | None = None
) -> tuple[dict[str, Any], Windows]:
    """Arguments, and what they mean. Everything legal: the window fits, and a pooling's padding is below its window."""
    rank = rank or draw.one(2, 1, 2, 3)
    kernel_argument, kernel = draw.each(rank, 1, 4 if rank < 3 else 3)
    stride_argument, stride = draw.each(rank, 1, 3)
    dilation_argument, dilation = draw.each(rank, 1, 3) if dilated else (1, [1] * rank)
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    pad = draw.one("same_upper", "same_lower", "same", "valid", "number", "each", "ends")
    more = draw.sizes(rank, 0, 5 if rank < 3 else 3)
    # A map does not lie between two taps: of nothing but padding ONNX Runtime makes the least float.
    least = dilation if pooling else [1] * rank
    sizes = [one + n for one, n in zip(least, more)]
    if pad in ("number", "each", "ends") or (pad == "same" and not all(k % 2 for k in kernel)):
        pad = numbered(draw, "ends" if pad == "same" else pad, rank, min(reach) - 1 if pooling else 3)
    ends = padding(pad, kernel, stride, dilation, sizes)
    if pad not in ("same_upper", "same_lower"):
        sizes = [max(r - sum(e), one) + n for r, e, one, n in zip(reach, ends, least, more)]
    arguments = {"kernel": kernel_argument, "stride": stride_argument, "pad": pad}
    if dilated:
        arguments["dilation"] = dilation_argument
    return arguments, Windows(kernel, stride, dilation, ends, sizes)


def free_axes(draw: Draw, rank: int) -> tuple[int, ...]:
    """No size is free, that of the batch, or that of the maps too."""
    return draw.one((), (0,), (0, *range(2, rank)))


def one_by_one(function: Any) -> Any:
    """The same with a weight that may be given, and then one for each sample: the samples one after the other."""

    def computed(op: Any, p: Parameters, x: Tensor, weight: Tensor | None = None) -> Tensor:
        if weight is None or weight.dim() == x.dim():
            return function(op, p if weight is None else {**p, "weight": weight}, x)
        return torch.cat([function(op, {**p, "weight": w}, one[None]) for one, w in zip(x, weight)])

    return computed


def weighted(draw: Draw, arguments: dict[str, Any], x: Any, shape: list[int]) -> Case:
    """A weight of the layer's own, one that is given, or one for each sample."""
    kind = draw.one("own", "given", "samples")
    if kind == "own":
        return Case(arguments | {"init": draw.one("fan", "zeros")}, [x], free_axes(draw, x.ndim))
    free = draw.one((), (0,)) if kind == "samples" else ()
    weight = draw.array([x.shape[0], *shape] if kind == "samples" else shape)
    return Case(arguments | {"weight": 1}, [x, weight], free)


@one_by_one
def convolved(op: Any, p: Parameters, x: Tensor) -> Tensor:
    w = Windows.of(op, x)
    begins = w.begins if w.symmetric else 0
    x = x if w.symmetric else F.pad(x, w.widths(False))
    return CONV[w.rank - 1](x, p["weight"], p.get("bias"), w.stride, begins, w.dilation, op.groups)


@operator("conv", convolved)
def conv(draw: Draw) -> Case:
    (arguments, w), groups = draw_windows(draw), draw.one(1, 2, 3)
    bias = draw.flag()
    x = draw.array([draw.whole(1, 3), groups * draw.whole(1, 3), *w.sizes])
    arguments |= {"channels": groups * draw.whole(1, 3), "groups": groups, "bias": bias}
    return weighted(draw, arguments, x, [arguments["channels"], x.shape[1] // groups, *w.kernel])


def added(op: Any, w: Windows) -> tuple[Ends, list[int]]:
    """What a transposed convolution takes away at both ends, and what it adds at the end."""
    reach = [d * (k - 1) + 1 for k, d in zip(w.kernel, w.dilation)]
    if op.pad in ("same_upper", "same_lower"):
        return halves(op.pad, [max(r - s, 0) for r, s in zip(reach, w.stride)]), [
            max(s - r, 0) for r, s in zip(reach, w.stride)
        ]
    return w.ends, many(op.output_pad, w.rank)


@one_by_one
def deconvolved(op: Any, p: Parameters, x: Tensor) -> Tensor:
    w = Windows.of(op, x)
    function, weight, bias = TRANSPOSED[w.rank - 1], p["weight"], p.get("bias")
    ends, extra = added(op, w)
    if all(begin == end for begin, end in ends):
        return function(x, weight, bias, w.stride, [b for b, _ in ends], extra, op.groups, w.dilation)
    whole = function(x, weight, bias, w.stride, 0, extra, op.groups, w.dilation)
    for axis, (begin, end) in enumerate(ends, 2):
        whole = whole.narrow(axis, begin, whole.shape[axis] - begin - end)
    return whole


@operator("conv_transpose", deconvolved)
def conv_transpose(draw: Draw) -> Case:
    (arguments, w), groups = draw_windows(draw), draw.one(1, 2, 3)
    sizes = draw.sizes(w.rank, 1, 4)
    arguments |= {"channels": groups * draw.whole(1, 3), "groups": groups, "bias": draw.flag()}
    if arguments["pad"] not in ("same_upper", "same_lower"):
        most = min(max(s, d) for s, d in zip(w.stride, w.dilation)) - 1
        arguments["output_pad"], extra = draw.each(w.rank, 0, most)
        for i, (k, s, d) in enumerate(zip(w.kernel, w.stride, w.dilation)):  # until something is left
            while (sizes[i] - 1) * s + d * (k - 1) + 1 + extra[i] - sum(w.ends[i]) < 1:
                sizes[i] += 1
    x = draw.array([draw.whole(1, 3), groups * draw.whole(1, 3), *sizes])
    return weighted(draw, arguments, x, [x.shape[1], arguments["channels"] // groups, *w.kernel])
