"""What is chosen by its values."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from drawn import Case, Draw, operator
from drawn.words import Parameters, axis_of


def suppressed(op: Any, p: Parameters, boxes: Tensor, scores: Tensor) -> Tensor:
    """Box by box, the best first: kept if it overlaps none of its class that is kept."""
    found = []
    for n, c in np.ndindex(*scores.shape[:2]):
        kept: list[int] = []
        for i in sorted(range(boxes.shape[1]), key=lambda i, n=n, c=c: -float(scores[n, c, i])):
            good = op.score_threshold is None or float(scores[n, c, i]) > op.score_threshold
            hidden = any(overlap(op.center, boxes[n, i], boxes[n, k]) > op.iou_threshold for k in kept)
            if good and not hidden and len(kept) < op.max_per_class:
                kept.append(i)
        found += [(n, c, i) for i in kept]
    return torch.tensor(found, dtype=torch.int64).reshape(-1, 3)


def overlap(center: bool, a: Tensor, b: Tensor) -> float:
    """Intersection over union, axis by axis."""
    shared, areas = 1.0, [1.0, 1.0]
    for axis in range(2):
        spans = [span(center, [float(v) for v in box.double()], axis) for box in (a, b)]
        shared *= max(0.0, min(high for _, high in spans) - max(low for low, _ in spans))
        areas = [area * (high - low) for area, (low, high) in zip(areas, spans)]
    return shared / (sum(areas) - shared) if shared else 0.0


def span(center: bool, box: list[float], axis: int) -> tuple[float, float]:
    first, second = box[axis], box[axis + 2]
    if center:
        return first - second / 2, first + second / 2
    return min(first, second), max(first, second)


@operator("non_max_suppression", suppressed)
def non_max_suppression(draw: Draw) -> Case:
    n, classes, count = draw.whole(1, 3), draw.whole(1, 3), draw.whole(1, 12)
    center = draw.flag()
    boxes = draw.array([n, count, 4], "f32", 0, 4)
    if center:
        boxes[..., 2:] = np.abs(boxes[..., 2:]) + 0.1
    arguments = {
        "max_per_class": draw.one(1, 2, 5, 20),
        "iou_threshold": draw.one(0.05, 0.3, 0.5),
        "score_threshold": draw.one(None, 0.0, 1.0),
        "center": center,
    }
    return Case(arguments, [boxes, draw.array([n, classes, count])], draw.one((), (0,)))


def compressed(op: Any, p: Parameters, x: Tensor, keep: Tensor) -> Tensor:
    return x.index_select(axis_of(op.axis, x), torch.from_numpy(np.flatnonzero(keep.numpy())))


@operator("compress", compressed)
def compress(draw: Draw) -> Case:
    """None, some or all of the positions."""
    x = draw.array(draw.shape(1, 4), draw.one("f32", "f64", "i64", "bool"))
    axis, dim = draw.axis(x.ndim)
    keep = draw.array([x.shape[dim]], "bool")
    if draw.flag():
        keep[:] = draw.flag()
    return Case({"axis": axis}, [x, keep])


@operator("nonzero", lambda op, p, x: torch.from_numpy(np.argwhere(x.numpy())))
def nonzero(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 3), draw.one("bool", "i64", "f32", "i32"), -1, 1)
    x = np.round(x).astype(x.dtype)
    return Case({}, [x], draw.one((), (0,)))
