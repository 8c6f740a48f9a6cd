"""Poolings: over sliding windows, over whole maps, over bins; and back."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import assume
from torch import Tensor

from archdsl.shapes import TensorType
from drawn import Case, Draw, operator
from drawn.windows import Windows, draw_windows, free_axes
from drawn.words import Parameters, many

MAX = (F.max_pool1d, F.max_pool2d, F.max_pool3d)
AVG = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)
LP = (F.lp_pool1d, F.lp_pool2d, F.lp_pool3d)
UNPOOL = (F.max_unpool1d, F.max_unpool2d, F.max_unpool3d)
ADAPTIVE = {
    "avg": (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d),
    "max": (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d),
}


def pooling(draw: Draw, *, dilated: bool) -> tuple[Windows, dict[str, Any], Any]:
    """Windows, arguments with ``ceil`` (and sometimes without the stride), an input."""
    (arguments, w), ceil = draw_windows(draw, dilated=dilated, pooling=True), draw.flag()
    if isinstance(arguments["pad"], str) and arguments["pad"].startswith("same_"):
        ceil = False  # the sizes follow from the rule
    arguments["ceil"] = ceil
    if w.stride == w.kernel and draw.flag():
        arguments["stride"] = None
    return w, arguments, draw.array([draw.whole(1, 3), draw.whole(1, 3), *w.sizes])


def pooled(draw: Draw, *, dilated: bool, **more: Any) -> Case:
    _, arguments, x = pooling(draw, dilated=dilated)
    return Case(arguments | more, [x], free_axes(draw, x.ndim))


def direct(w: Windows) -> bool:
    """Whether PyTorch's poolings take this padding themselves."""
    return w.symmetric and all(2 * b <= k for b, k in zip(w.begins, w.kernel))


def greatest(op: Any, x: Tensor, indices: bool = False) -> Any:
    w = Windows.of(op, x)
    function = MAX[w.rank - 1]
    if direct(w):
        return function(x, w.kernel, w.stride, w.begins, w.dilation, op.ceil, indices)
    x = F.pad(x, w.widths(op.ceil), value=-math.inf)
    return function(x, w.kernel, w.stride, 0, w.dilation, False, indices)


operator("max_pool", lambda op, p, x: greatest(op, x))(lambda draw: pooled(draw, dilated=True))
operator("min_pool", lambda op, p, x: -greatest(op, -x))(lambda draw: pooled(draw, dilated=True))


def places(op: Any, p: Parameters, x: Tensor) -> tuple[Tensor, Tensor]:
    """PyTorch counts positions within one map (with what padding was added by hand), ONNX within the whole tensor."""
    w = Windows.of(op, x)
    values, at = greatest(op, x, indices=True)
    if not direct(w):
        widths = w.widths(op.ceil)
        padded = [n + widths[-2 * i - 2] + widths[-2 * i - 1] for i, n in enumerate(w.sizes)]
        found = [p - b for p, b in zip(torch.unravel_index(at, padded), w.begins)]
        at = sum(p * math.prod(w.sizes[i + 1 :]) for i, p in enumerate(found))
    return values, at + first_of_map(x).reshape(*x.shape[:2], *[1] * w.rank)


@operator("max_pool_indices", places)
def max_pool_indices(draw: Draw) -> Case:
    w, arguments, x = pooling(draw, dilated=True)
    # Of a dilated window no runtime takes padding as wide as the kernel, and positions forbid to add it beforehand.
    assume(max(w.dilation) == 1 or (not arguments["ceil"] and all(max(e) < k for e, k in zip(w.ends, w.kernel))))
    return Case(arguments, [x], free_axes(draw, x.ndim))


def first_of_map(x: Tensor) -> Tensor:
    maps = x.shape[0] * x.shape[1]
    return torch.arange(maps) * (x.numel() // maps)


def unpooled(op: Any, p: Parameters, x: Tensor, at: Tensor) -> Tensor:
    w = Windows.of(op, x)
    sizes = [(n - 1) * s + k - sum(e) for n, s, k, e in zip(w.sizes, w.stride, w.kernel, w.ends)]
    shape = [*x.shape[:2], *sizes] if op.like is None else list(op.like.shape)
    return UNPOOL[w.rank - 1](x, at % math.prod(shape[2:]), w.kernel, w.stride, w.begins, output_size=shape)


@operator("max_unpool", unpooled)
def max_unpool(draw: Draw) -> Case:
    rank = draw.whole(1, 3)
    kernel_argument, kernel = draw.each(rank, 1, 4)
    stride_argument, stride = draw.each(rank, 1, 3)
    pad_argument, pad = draw.each(rank, 0, min(kernel) // 2)
    counts, like = draw.sizes(rank, 1, 4), draw.flag()
    sizes = [(m - 1) * s + k - 2 * p for m, s, k, p in zip(counts, stride, kernel, pad)]
    if like:  # sizes that rounding down has lost
        sizes = [n + draw.whole(0, s - 1) for n, s in zip(sizes, stride)]
    if min(sizes) < 1 or any(n + 2 * p < k for n, p, k in zip(sizes, pad, kernel)):
        sizes, pad_argument, pad = [k + (m - 1) * s for m, s, k in zip(counts, stride, kernel)], 0, [0] * rank
    whole = torch.from_numpy(draw.array([draw.whole(1, 2), draw.whole(1, 3), *sizes]))
    pooled, at = MAX[rank - 1](whole, kernel, stride, pad, return_indices=True)
    at = at + first_of_map(whole).reshape(*whole.shape[:2], *[1] * rank)
    arguments = {"kernel": kernel_argument, "stride": stride_argument, "pad": pad_argument}
    if stride == kernel and draw.flag():
        arguments["stride"] = None
    if like:
        arguments["like"] = TensorType("f32", tuple(whole.shape))
    return Case(arguments, [pooled.numpy(), at.numpy()], draw.one((), (0,)))


def sums(w: Windows, x: Tensor) -> Tensor:
    """Of all windows, of what padding has been added to."""
    return AVG[w.rank - 1](x, w.kernel, w.stride) * math.prod(w.kernel)


def mean(op: Any, p: Parameters, x: Tensor) -> Tensor:
    w = Windows.of(op, x)
    fits = w.rank < 3 or all(n >= k for n, k in zip(w.sizes, w.kernel))  # avg_pool3d forgets the padding there
    if direct(w) and fits:
        return AVG[w.rank - 1](x, w.kernel, w.stride, w.begins, op.ceil, op.count_pad)
    declared = [p for ends in reversed(w.ends) for p in ends]
    beyond = [needed - p for needed, p in zip(w.widths(op.ceil), declared)]
    counted = sums(w, F.pad(F.pad(torch.ones_like(x), declared, value=float(op.count_pad)), beyond))
    return sums(w, F.pad(x, w.widths(op.ceil))) / counted


operator("avg_pool", mean)(lambda draw: pooled(draw, dilated=False, count_pad=draw.flag()))


def power_mean(op: Any, p: Parameters, x: Tensor) -> Tensor:
    w = Windows.of(op, x)
    if op.p % 2 == 0 and not op.ceil and not any(map(any, w.ends)):
        kernel, stride = (w.kernel, w.stride) if w.rank > 1 else (w.kernel[0], w.stride[0])
        return LP[w.rank - 1](x, op.p, kernel, stride)
    return sums(w, F.pad(x.abs() ** op.p, w.widths(op.ceil))) ** (1 / op.p)


operator("lp_pool", power_mean)(lambda draw: pooled(draw, dilated=False, p=draw.whole(1, 4)))


def maps(draw: Draw, low: int = 1) -> Any:
    """[N, C, spatial…]."""
    return draw.array([*draw.sizes(2, 1, 3), *draw.sizes(draw.whole(1, 3), low, 6)])


def whole(draw: Draw, **arguments: Any) -> Case:
    x = maps(draw)
    return Case(arguments, [x], free_axes(draw, x.ndim))


def norm(op: Any, p: Parameters, x: Tensor) -> Tensor:
    return torch.linalg.vector_norm(x, op.p, tuple(range(2, x.dim())), keepdim=True)


operator("global_avg_pool", lambda op, p, x: ADAPTIVE["avg"][x.dim() - 3](x, 1))(whole)
operator("global_max_pool", lambda op, p, x: ADAPTIVE["max"][x.dim() - 3](x, 1))(whole)
operator("global_lp_pool", norm)(lambda draw: whole(draw, p=draw.whole(1, 4)))


def binned(kind: str) -> Any:
    return lambda op, p, x: ADAPTIVE[kind][x.dim() - 3](x, many(op.size, x.dim() - 2))


def adaptive(draw: Draw) -> Case:
    x = maps(draw)
    argument, _ = draw.each(x.ndim - 2, 1, 7)
    return Case({"size": argument}, [x], free_axes(draw, x.ndim))


operator("adaptive_avg_pool", binned("avg"))(adaptive)
operator("adaptive_max_pool", binned("max"))(adaptive)
