"""Maps looked up where the network says: grids, moved taps, regions; and windows side by side."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from drawn import Case, Draw, operator
from drawn.windows import Windows, draw_windows, free_axes
from drawn.words import Parameters, many


@operator("grid_sample", lambda op, p, x, grid: F.grid_sample(x, grid, op.mode, op.pad, op.align_corners))
def grid_sample(draw: Draw) -> Case:
    rank = draw.one(2, 2, 3)
    mode = draw.one("bilinear", "nearest", "bicubic") if rank == 2 else draw.one("bilinear", "nearest")
    x = draw.array([*draw.sizes(2, 1, 3), *draw.sizes(rank, 2, 6)])
    grid = draw.array([x.shape[0], *draw.sizes(rank, 1, 5), rank], low=-1.6, high=1.6)
    arguments = {"mode": mode, "pad": draw.one("zeros", "border", "reflection"), "align_corners": draw.flag()}
    return Case(arguments, [x, grid], draw.one((), (0,), (0, 2)))


def read_at(x: Tensor, y: Tensor, at: Tensor) -> Tensor:
    """[N, C, H, W] at rows and columns [N, h, w], interpolated; zeros beyond the border."""
    n, _, height, width = x.shape
    total = x.new_zeros(*x.shape[:2], *y.shape[1:])
    for down, right in itertools.product((0, 1), (0, 1)):
        row, column = y.floor() + down, at.floor() + right
        share = (1 - (y - row).abs()) * (1 - (at - column).abs())
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        row, column = row.clamp(0, height - 1).long(), column.clamp(0, width - 1).long()
        found = x[torch.arange(n)[:, None, None], :, row, column].movedim(-1, 1)
        total = total + found * (share * inside)[:, None]
    return total


def deformed(op: Any, p: Parameters, x: Tensor, offsets: Tensor, *given: Tensor) -> Tensor:
    """One tap after the other, at all positions at once."""
    named = dict(zip([name for name in ("weight", "mask") if getattr(op, name)], given))
    weight, mask = named.get("weight", p.get("weight")), named.get("mask")
    assert weight is not None
    w = Windows.of(op, x)
    taps, (rows, columns) = math.prod(w.kernel), offsets.shape[2:]
    own = offsets.shape[1] // (2 * taps)
    total = x.new_zeros(x.shape[0], op.channels, rows, columns)
    for tap, (i, j) in enumerate(itertools.product(*map(range, w.kernel))):
        parts = []
        for group, part in enumerate(x.chunk(own, 1)):
            at = group * taps + tap
            y = torch.arange(rows)[:, None] * w.stride[0] - w.begins[0] + i * w.dilation[0] + offsets[:, 2 * at]
            z = torch.arange(columns) * w.stride[1] - w.begins[1] + j * w.dilation[1] + offsets[:, 2 * at + 1]
            found = read_at(part, y, z)
            parts.append(found if mask is None else found * mask[:, at : at + 1])
        total = total + F.conv2d(torch.cat(parts, 1), weight[:, :, i, j, None, None], groups=op.groups)
    return total if not op.bias else total + p["bias"].reshape(-1, 1, 1)


@operator("deform_conv", deformed)
def deform_conv(draw: Draw) -> Case:
    arguments, w = draw_windows(draw, rank=2)
    groups, own, kinds = draw.one(1, 2), draw.one(1, 2), draw.one((), ("mask",), ("weight",), ("weight", "mask"))
    x = draw.array([draw.whole(1, 3), 2 * draw.whole(1, 2), *w.sizes])
    arguments |= {"channels": groups * draw.whole(1, 3), "groups": groups, "bias": draw.flag()}
    taps, counts = math.prod(w.kernel), w.counts(False)
    inputs = [x, draw.array([x.shape[0], 2 * own * taps, *counts], low=-2.5, high=2.5)]
    shapes = {
        "weight": [arguments["channels"], x.shape[1] // groups, *w.kernel],
        "mask": [x.shape[0], own * taps, *counts],
    }
    inputs += [draw.array(shapes[kind]) for kind in kinds]
    arguments["init"] = "fan" if "weight" in kinds else draw.one("fan", 0.5)
    return Case(arguments | dict.fromkeys(kinds, 1), inputs, draw.one((), (0,)) if "weight" not in kinds else ())


def regions(draw: Draw, x: np.ndarray) -> list[np.ndarray]:
    """Boxes that also reach out of the map, and their images."""
    count = draw.whole(1, 4)
    boxes = draw.array([count, 2, 2], low=-3, high=12)
    boxes.sort(1)
    return [x, boxes.reshape(count, 4), draw.array([count], draw.one("i64", "i32"), 0, x.shape[0] - 1)]


def aligned(op: Any, p: Parameters, x: Tensor, boxes: Tensor, images: Tensor) -> Tensor:
    """Point by point, as torchvision's kernel does."""
    rows, columns = many(op.size, 2)
    out = x.new_zeros(boxes.shape[0], x.shape[1], rows, columns)
    for r, box in enumerate(boxes * op.scale - (0.5 if op.aligned else 0.0)):
        left, top, right, bottom = map(float, box)
        height, width = bottom - top, right - left
        if not op.aligned:
            height, width = max(height, 1.0), max(width, 1.0)
        down, across = (op.samples or math.ceil(size / n) for size, n in ((height, rows), (width, columns)))
        for i, j in itertools.product(range(rows), range(columns)):
            points = [
                point(x[int(images[r])], top + (i + (a + 0.5) / down) * height / rows,
                      left + (j + (b + 0.5) / across) * width / columns)
                for a, b in itertools.product(range(down), range(across))
            ]  # fmt: skip
            out[r, :, i, j] = sum(points, x.new_zeros(x.shape[1])) / max(len(points), 1)
    return out


def point(x: Tensor, y: float, at: float) -> Tensor:
    """[C, H, W] between its positions; zero where it is more than one outside."""
    height, width = x.shape[1:]
    if not (-1 <= y <= height and -1 <= at <= width):
        return x.new_zeros(x.shape[0])
    y, at = min(max(y, 0.0), height - 1.0), min(max(at, 0.0), width - 1.0)
    row, column = min(int(y), height - 1), min(int(at), width - 1)
    below, behind = min(row + 1, height - 1), min(column + 1, width - 1)
    down, right = y - row, at - column
    top = x[:, row, column] * (1 - right) + x[:, row, behind] * right
    bottom = x[:, below, column] * (1 - right) + x[:, below, behind] * right
    return top * (1 - down) + bottom * down


@operator("roi_align", aligned)
def roi_align(draw: Draw) -> Case:
    x = draw.array([*draw.sizes(2, 1, 2), *draw.sizes(2, 2, 7)])
    size, _ = draw.each(2, 1, 3)
    arguments = {
        "size": size, "scale": draw.one(1.0, 0.5, 0.25), "samples": draw.one(0, 1, 2, 3), "aligned": draw.flag()
    }  # fmt: skip
    return Case(arguments, regions(draw, x), ())


def pooled(op: Any, p: Parameters, x: Tensor, boxes: Tensor, images: Tensor) -> Tensor:
    """Bin by bin, as torchvision's kernel does."""
    rows, columns = many(op.size, 2)
    out = x.new_zeros(boxes.shape[0], x.shape[1], rows, columns)
    for r, box in enumerate(boxes * op.scale):
        left, top, right, bottom = (math.floor(abs(float(v)) + 0.5) * (-1 if v < 0 else 1) for v in box)
        height, width = max(bottom - top + 1, 1), max(right - left + 1, 1)
        for i, j in itertools.product(range(rows), range(columns)):
            ys = [math.floor(i * height / rows) + top, math.ceil((i + 1) * height / rows) + top]
            xs = [math.floor(j * width / columns) + left, math.ceil((j + 1) * width / columns) + left]
            a, b = (min(max(v, 0), x.shape[2]) for v in ys)
            c, d = (min(max(v, 0), x.shape[3]) for v in xs)
            if b > a and d > c:
                out[r, :, i, j] = x[int(images[r]), :, a:b, c:d].amax((1, 2))
    return out


@operator("roi_pool", pooled)
def roi_pool(draw: Draw) -> Case:
    x = draw.array([*draw.sizes(2, 1, 2), *draw.sizes(2, 2, 7)])
    size, _ = draw.each(2, 1, 3)
    return Case({"size": size, "scale": draw.one(1.0, 0.5, 0.25)}, regions(draw, x), ())


def unfolded(op: Any, p: Parameters, x: Tensor) -> Tensor:
    """One tap after the other."""
    w = Windows.of(op, x)
    wide = F.pad(x, [n for ends in reversed(w.ends) for n in ends])
    taps = []
    for place in itertools.product(*map(range, w.kernel)):
        at = [
            slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, n, s in zip(place, w.dilation, w.counts(False), w.stride)
        ]
        taps.append(wide[(..., *at)].flatten(2))
    return torch.stack(taps, 2).flatten(1, 2)


@operator("unfold", unfolded)
def unfold(draw: Draw) -> Case:
    arguments, w = draw_windows(draw)
    x = draw.array([*draw.sizes(2, 1, 3), *w.sizes])
    return Case(arguments, [x], free_axes(draw, x.ndim))


def put_back(op: Any, p: Parameters, x: Tensor) -> Tensor:
    """What ``unfold`` takes from a map is what this gives to it: its gradient."""
    taps = math.prod(many(op.kernel, len(op.size)))
    map = torch.zeros(x.shape[0], x.shape[1] // taps, *op.size, dtype=x.dtype, requires_grad=True)
    with torch.enable_grad():
        taken = unfolded(op, p, map)
    (found,) = torch.autograd.grad(taken, map, x)
    return found


@operator("fold", put_back)
def fold(draw: Draw) -> Case:
    arguments, w = draw_windows(draw)
    channels = draw.whole(1, 2) * math.prod(w.kernel)
    x = draw.array([draw.whole(1, 3), channels, math.prod(w.counts(False))])
    return Case(arguments | {"size": w.sizes}, [x], draw.one((), (0,)))
