"""What is chosen by its values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.backends.torch.form import Form, Lowering, Site
from archdsl.shapes import resolve_axis

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def non_max_suppression(site: Site) -> Form:
    """A function of ours: PyTorch itself has none."""
    op = site.op
    text = f"nms({{0}}, {{1}}, {op.max_per_class}, {op.iou_threshold!r}, {op.score_threshold!r}, {op.center})"
    return site.text(text, uses=(f"{__name__}:nms",))


def overlaps(one: Tensor, others: Tensor) -> Tensor:
    """Intersection over union of one box, given by its corners, with others."""
    low = torch.maximum(one[:2], others[:, :2])
    high = torch.minimum(one[2:], others[:, 2:])
    shared = (high - low).clamp(min=0).prod(1)
    areas = (others[:, 2:] - others[:, :2]).prod(1)
    union = (one[2:] - one[:2]).prod() + areas - shared
    return torch.where(shared > 0, shared / union, torch.zeros_like(shared))


def suppressed(boxes: Tensor, scores: Tensor, most: int, iou: float, least: float | None) -> list[int]:
    """The boxes that are kept, the best first."""
    order = scores.argsort(descending=True, stable=True)
    if least is not None:
        order = order[scores[order] > least]
    kept: list[int] = []
    while len(order) > 0 and len(kept) < most:
        kept.append(int(order[0]))
        rest = order[1:]
        order = rest[overlaps(boxes[order[0]], boxes[rest]) <= iou]
    return kept


def nms(
    boxes: Tensor,
    scores: Tensor,
    most: int,
    iou: float,
    least: float | None,
    center: bool,
) -> Tensor:
    """Lines of sample, class and box: those that no better box of the class hides."""
    first, second = boxes.float()[..., :2], boxes.float()[..., 2:]
    if center:
        first, second = first - second / 2, first + second / 2
    corners = torch.cat([torch.minimum(first, second), torch.maximum(first, second)], -1)
    found = [
        [n, c, box]
        for n in range(scores.shape[0])
        for c in range(scores.shape[1])
        for box in suppressed(corners[n], scores[n, c].float(), most, iou, least)
    ]
    return torch.tensor(found, dtype=torch.int64, device=boxes.device).reshape(-1, 3)


def compress(site: Site) -> Form:
    """An index with conditions."""
    axis = resolve_axis(site.op.axis, site.types[0])
    return site.text("{0}[" + ":, " * axis + "{1}]")


def nonzero(site: Site) -> Form:
    """``nonzero``."""
    return site.text("{0}.nonzero()")


RULES: dict[str, Lowering] = {
    "non_max_suppression": non_max_suppression,
    "compress": compress,
    "nonzero": nonzero,
}
