"""Regions of maps, which PyTorch has in torchvision only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.backends.torch.form import Form, Lowering, Site
from archdsl.backends.torch.simple_rules import real

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def roi_align(site: Site) -> Form:
    """A function of ours."""
    op = site.op
    numbers = f"{op.sizes()}, {real(op.scale)}, {op.samples}, {op.aligned}"
    return site.text(f"roi_align_of({{0}}, {{1}}, {{2}}, {numbers})", uses=(f"{__name__}:roi_align_of",))


def roi_pool(site: Site) -> Form:
    """A function of ours."""
    op = site.op
    numbers = f"{op.sizes()}, {real(op.scale)}"
    return site.text(f"roi_pool_of({{0}}, {{1}}, {{2}}, {numbers})", uses=(f"{__name__}:roi_pool_of",))


def roi_line(begin: Tensor, step: Tensor, at: Tensor, size: int) -> Tensor:
    """How much of each position of an axis the points begin + step * at read."""
    point = begin[:, None] + step[:, None] * at
    inside = (point >= -1) & (point <= size)
    point = point.clamp(0, size - 1)
    place = torch.arange(size, device=point.device)
    share = (1 - (point[:, :, None] - place).abs()).clamp(min=0)
    return share * inside[:, :, None].to(share.dtype)


def roi_share(low: Tensor, high: Tensor, bins: int, size: int, samples: int, aligned: bool) -> Tensor:
    """How much each bin of each region reads of each position of an axis."""
    length = high - low if aligned else (high - low).clamp(min=1)
    step = length / bins
    shares = []
    bin = torch.arange(bins, device=low.device, dtype=low.dtype)
    if samples:
        for i in range(samples):
            shares.append(roi_line(low, step, bin + (i + 0.5) / samples, size))
        return torch.stack(shares).mean(0)
    count = step.ceil().clamp(min=1)
    total = low.new_zeros(low.shape[0], bins, size)
    for i in range(int(count.max()) if low.numel() else 0):
        part = (i + 0.5) / count
        at = low[:, None] + step[:, None] * (bin + part[:, None])
        one = roi_line(at.flatten(), torch.zeros_like(at.flatten()), bin[:1] * 0, size)
        one = one.reshape(total.shape)
        total = total + one * (i < count).to(low.dtype)[:, None, None]
    return total / count[:, None, None]


def roi_align_of(
    x: Tensor,
    boxes: Tensor,
    images: Tensor,
    bins: tuple[int, int],
    scale: float,
    samples: int,
    aligned: bool,
) -> Tensor:
    """The means of interpolated points in the bins of each box."""
    ends = (boxes * scale - (0.5 if aligned else 0.0)).unbind(1)
    rows = roi_share(ends[1], ends[3], bins[0], x.shape[2], samples, aligned)
    columns = roi_share(ends[0], ends[2], bins[1], x.shape[3], samples, aligned)
    read = x[images.long()]
    return rows[:, None] @ read @ columns[:, None].transpose(2, 3)


def roi_pool_of(x: Tensor, boxes: Tensor, images: Tensor, bins: tuple[int, int], scale: float) -> Tensor:
    """The maxima of the bins of each box, whose sides are whole positions."""
    scaled = boxes * scale
    whole = torch.where(scaled < 0, (scaled - 0.5).ceil(), (scaled + 0.5).floor())
    read, least = x[images.long()], float("-inf")
    for axis, count, low, high in (
        (2, bins[0], whole[:, 1], whole[:, 3]),
        (3, bins[1], whole[:, 0], whole[:, 2]),
    ):
        size = (high - low + 1).clamp(min=1) / count
        place = torch.arange(x.shape[axis], device=x.device)
        shape = [-1, 1, 1, 1]
        shape[axis] = x.shape[axis]
        lines = []
        for i in range(count):
            begin = ((i * size).floor() + low).clamp(0, x.shape[axis])
            end = (((i + 1) * size).ceil() + low).clamp(0, x.shape[axis])
            inside = (place >= begin[:, None]) & (place < end[:, None])
            lines.append(read.masked_fill(~inside.reshape(shape), least).amax(axis))
        read = torch.stack(lines, axis)
    return read.masked_fill(read == least, 0)


RULES: dict[str, Lowering] = {"roi_align": roi_align, "roi_pool": roi_pool}
