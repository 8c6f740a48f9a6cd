"""The windows of a map side by side, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.backends.torch.conv import padded
from archdsl.backends.torch.form import Form, Lowering, Site, call, short
from archdsl.backends.torch.simple_rules import unless

if TYPE_CHECKING:
    import torch
    import torch.nn.functional as F  # noqa: N812
    from torch import Tensor


def unfold(site: Site) -> Form:
    """``Unfold`` on two axes with even padding; else a function of ours."""
    op, x = site.op, site.types[0]
    kernel, stride, dilation = op.geometry(x)
    pads = op.pads(x)
    if x.rank == 4 and all(begin == end for begin, end in pads):
        begins = short([begin for begin, _ in pads])
        numbers = f"{kernel}, {dilation}, {begins}, {stride}"
        layer = call(
            "nn.Unfold", ("kernel", kernel), dilation=unless(1, short(dilation)), padding=unless(0, begins),
            stride=unless(1, short(stride)),
        )  # fmt: skip
        return site.text(f"F.unfold({{0}}, {numbers})", layer=layer)
    wide = padded(site, pads) if any(map(any, pads)) else "{0}"
    return site.text(f"windows_of({wide}, {kernel}, {stride}, {dilation})", uses=(f"{__name__}:windows_of",))


def windows_of(
    x: Tensor,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
) -> Tensor:
    """The windows of a map as columns."""
    n, channels, rank = x.shape[0], x.shape[1], len(kernel)
    for axis, (k, s, d) in enumerate(zip(kernel, stride, dilation), 2):
        x = x.unfold(axis, d * (k - 1) + 1, s)[..., ::d]
    order = (0, 1, *range(2 + rank, 2 + 2 * rank), *range(2, 2 + rank))
    taps = torch.Size(kernel).numel()
    return x.permute(order).reshape(n, channels * taps, -1)


def fold(site: Site) -> Form:
    """``Fold`` on two axes with even padding; else a transposed convolution, which puts each tap in its place."""
    op = site.op
    kernel, stride, dilation = op.geometry()
    pads, size = op.pads(), site.sizes(op.size)
    if len(kernel) == 2 and all(begin == end for begin, end in pads):
        begins = short([begin for begin, _ in pads])
        return site.text(f"F.fold({{0}}, {size}, {kernel}, {dilation}, {begins}, {stride})")
    numbers = f"{size}, {kernel}, {stride}, {tuple(begin for begin, _ in pads)}, {dilation}"
    ends = tuple(end for _, end in pads)
    return site.text(f"folded({{0}}, {numbers}, {ends})", uses=(f"{__name__}:folded",))


def folded(
    x: Tensor,
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    begins: tuple[int, ...],
    dilation: tuple[int, ...],
    ends: tuple[int, ...],
) -> Tensor:
    """The sum of windows in their places."""
    taps, rank = torch.Size(kernel).numel(), len(kernel)
    wide = [n + b + e for n, b, e in zip(size, begins, ends)]
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, kernel)]
    counts = [(n - r) // s + 1 for n, r, s in zip(wide, spans, stride)]
    left = [n - (c - 1) * s - r for n, c, s, r in zip(wide, counts, stride, spans)]
    windows = x.reshape(-1, taps, *counts)
    one = torch.eye(taps, dtype=x.dtype, device=x.device).reshape(taps, 1, *kernel)
    put = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[rank - 1]
    y = put(windows, one, None, stride, dilation=dilation)
    y = F.pad(y, [n for extra in reversed(left) for n in (0, extra)])
    for axis, (n, begin) in enumerate(zip(size, begins), 2):
        y = y.narrow(axis, begin, n)
    return y.reshape(x.shape[0], x.shape[1] // taps, *size)


RULES: dict[str, Lowering] = {"unfold": unfold, "fold": fold}
