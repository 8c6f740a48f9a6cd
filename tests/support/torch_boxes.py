"""Regions and boxes of the R-CNNs in plain PyTorch, as their papers and Caffe's layers have them: slow, box by box."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def away(v: float) -> int:
    """Rounded, halves away from zero, as C does."""
    return math.floor(abs(v) + 0.5) * (1 if v >= 0 else -1)


def roi_pool(maps: Tensor, rois: Tensor, images: Tensor, n: int, scale: float) -> Tensor:
    """Maxima [R, C, n, n] of bins of whole positions, both ends rounded outwards (arXiv:1504.08083, section 2.1)."""
    out = maps.new_zeros(len(rois), maps.shape[1], n, n)
    if maps.is_meta:
        return out
    height, width = maps.shape[2:]
    for r, (box, image) in enumerate(zip(rois.tolist(), images.tolist(), strict=True)):
        x1, y1, x2, y2 = (away(v * scale) for v in box)
        # In single precision, as all that has been trained with it: 7 * (k / 7) may be more than k, and reach further.
        tall, wide = (np.float32(max(size, 1)) / np.float32(n) for size in (y2 - y1 + 1, x2 - x1 + 1))
        for i in range(n):
            top, low = (min(max(v + y1, 0), height) for v in (math.floor(i * tall), math.ceil((i + 1) * tall)))
            for j in range(n):
                left, right = (min(max(v + x1, 0), width) for v in (math.floor(j * wide), math.ceil((j + 1) * wide)))
                if low > top and right > left:
                    out[r, :, i, j] = maps[image, :, top:low, left:right].amax((1, 2))
    return out


def psroi_pool(maps: Tensor, rois: Tensor, images: Tensor, n: int, scale: float) -> Tensor:
    """Means [R, C / n^2, n, n]: bin (i, j) of a channel reads map n i + j of its n^2 (arXiv:1605.06409, equation 1)."""
    out = maps.new_zeros(len(rois), maps.shape[1] // n**2, n, n)
    if maps.is_meta:
        return out
    height, width = maps.shape[2:]
    parts = maps.reshape(len(maps), -1, n, n, height, width)
    for r, (box, image) in enumerate(zip(rois.tolist(), images.tolist(), strict=True)):
        x1, y1 = away(box[0]) * scale, away(box[1]) * scale
        x2, y2 = (away(box[2]) + 1) * scale, (away(box[3]) + 1) * scale
        tall, wide = max(y2 - y1, 0.1) / n, max(x2 - x1, 0.1) / n
        for i in range(n):
            ends = math.floor(i * tall + y1), math.ceil((i + 1) * tall + y1)
            top, low = (min(max(v, 0), height) for v in ends)
            for j in range(n):
                ends = math.floor(j * wide + x1), math.ceil((j + 1) * wide + x1)
                left, right = (min(max(v, 0), width) for v in ends)
                if low > top and right > left:
                    out[r, :, i, j] = parts[image, :, i, j, top:low, left:right].mean((1, 2))
    return out


def roi_align(
    maps: Tensor, rois: Tensor, images: Tensor, n: int, scale: float, samples: int = 2, aligned: bool = False
) -> Tensor:
    """Means [R, C, n, n] of samples x samples points in each bin, between the four positions around (arXiv:1703.06870)."""
    out = maps.new_zeros(len(rois), maps.shape[1], n, n)
    if maps.is_meta:
        return out
    for r, (box, image) in enumerate(zip(rois.tolist(), images.tolist(), strict=True)):
        x1, y1, x2, y2 = (v * scale - 0.5 * aligned for v in box)
        least = -math.inf if aligned else 1.0
        tall, wide = max(y2 - y1, least) / n, max(x2 - x1, least) / n
        steps = [(k + 0.5) / samples for k in range(samples)]
        rows = weights([y1 + (i + s) * tall for i in range(n) for s in steps], maps.shape[2]).to(maps)
        columns = weights([x1 + (j + s) * wide for j in range(n) for s in steps], maps.shape[3]).to(maps)
        read = torch.einsum("ph,chw,qw->cpq", rows, maps[image], columns)
        out[r] = read.reshape(-1, n, samples, n, samples).mean((2, 4))
    return out


def weights(places: Sequence[float], size: int) -> Tensor:
    """What each position counts at each place, [places, size]: nothing more than one position outside."""
    found = torch.zeros(len(places), size, dtype=torch.float64)
    for row, v in zip(found, places, strict=True):
        if -1.0 <= v <= size:
            at = min(max(v, 0.0), size - 1.0)
            low = min(int(at), size - 1)
            row[low] += 1 - (at - low)
            row[min(low + 1, size - 1)] += at - low
    return found


def anchors(height: int, width: int, stride: int) -> Tensor:
    """Nine boxes around each position, [9 height width, 4]: of 16 pixels, three forms (heights of 1/2, 1 and 2 widths, the
    sides rounded), each 8, 16 and 32 times as large (arXiv:1506.01497, section 3.1.1, as its authors' code rounds).
    """
    base = []
    for ratio in (0.5, 1.0, 2.0):
        wide = float(round(math.sqrt(stride * stride / ratio)))
        tall = float(round(wide * ratio))
        for scale in (8, 16, 32):
            x, y = (wide * scale - 1) / 2, (tall * scale - 1) / 2
            centre = (stride - 1) / 2
            base.append([centre - x, centre - y, centre + x, centre + y])
    one = torch.tensor(base, dtype=torch.float64)
    y, x = torch.meshgrid(torch.arange(height) * stride, torch.arange(width) * stride, indexing="ij")
    return (torch.stack([x, y, x, y], -1).reshape(-1, 1, 4) + one).reshape(-1, 4)


def corners(boxes: Tensor, deltas: Tensor) -> Tensor:
    """Boxes [..., 4] moved by deltas: the centre by parts of the side, sides by a factor's logarithm. Sides count both
    ends, so that the result's corners are not moved back by one, as in the authors' code.
    """
    size = boxes[..., 2:] - boxes[..., :2] + 1
    centre = boxes[..., :2] + 0.5 * size + deltas[..., :2] * size
    half = 0.5 * size * deltas[..., 2:].exp()
    return torch.cat([centre - half, centre + half], -1)


def suppress(boxes: Tensor, scores: Tensor, limit: float, plus: float = 0.0) -> Tensor:
    """The numbers of the boxes that are kept, best first: those that overlap a better one by more than ``limit`` go. Sides
    are longer by ``plus``: 1 where both ends are part of the box.
    """
    order = scores.argsort(descending=True, stable=True)
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        low = torch.maximum(boxes[best, :2], boxes[order, :2])
        high = torch.minimum(boxes[best, 2:], boxes[order, 2:])
        both = (high - low + plus).clamp(min=0).prod(-1)
        area = (boxes[..., 2:] - boxes[..., :2] + plus).prod(-1)
        order = order[~(both / (area[best] + area[order] - both) > limit)]  # of two empty boxes, none goes
    return torch.stack(kept) if kept else order
