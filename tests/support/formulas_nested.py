"""Closed forms of networks whose branches or levels lie within one another: RepVGG, Hourglass, U-Net.

Written from the papers' tables and figures, without the compiler.
"""

from __future__ import annotations

from collections.abc import Sequence

from sheet import Count, Sheet


def repvgg(depths: Sequence[int], a: float, b: float, groups: int = 1) -> Count:
    """3x3 and 1x1 with norms, and a norm of the input where it has the same shape; every other layer has groups."""
    s = Sheet(3, 224)

    def layer(c: int, stride: int, g: int) -> None:
        if s.c == c and stride == 1:
            s.sum[0] += 2 * c
        s.branch().conv(c, 1, stride, groups=g)
        s.conv(c, 3, stride, groups=g)

    widths = [int(64 * a), int(128 * a), int(256 * a), int(512 * b)]
    layer(min(64, widths[0]), 2, 1)
    for n, c in zip(depths, widths):
        for j in range(n):
            layer(c, 1 if j else 2, groups if j % 2 else 1)
    return s.linear(1000).count


def residual(s: Sheet, c: int) -> None:
    """The pre-activated bottleneck: 1x1, 3x3, 1x1, all with biases; a norm before each; a projection for new channels."""
    if s.c != c:
        s.branch().biased(c, 1)
    s.sum[0] += 2 * s.c + 2 * (c // 2) * 2
    s.biased(c // 2, 1).biased(c // 2, 3).biased(c, 1)


def hourglass(stacks: int, c: int = 256, joints: int = 16) -> Count:
    s = Sheet(3, 256).conv(64, 7, 2, bias=True)
    residual(s, c // 2)
    s.pool(2, 2)
    residual(s, c // 2)
    residual(s, c)
    for i in range(stacks):
        for depth in range(4):
            residual(s.at(c, s.side >> depth), c)
            for _ in range(2 if depth < 3 else 3):
                residual(s.at(c, s.side >> depth + 1), c)
        residual(s, c)
        s.conv(c, 1, bias=True)
        s.branch().biased(joints, 1)
        if i < stacks - 1:
            s.branch().biased(c, 1)
            s.at(joints, s.side).biased(c, 1)
    return s.count


def unet(channels: int, side: int, padded: bool) -> Count:
    """Two 3x3 at each of four levels down, below, and at each of four levels up; 2x2 transposed convolutions between."""
    s = Sheet(channels, side)

    def twice(c: int) -> None:
        for _ in range(2):
            s.conv(c, 3, 1, 1 if padded else 0, bias=not padded, bn=padded)

    for i in range(4):
        twice(64 << i)
        s.pool(2, 2)
    twice(1024)
    for i in reversed(range(4)):
        c = 64 << i
        s.sum[0] += 2 * c * c * 4 + c
        s.sum[1] += 2 * c * c * 4 * s.side**2
        s.c, s.side = 2 * c, 2 * s.side
        twice(c)
    return s.biased(2, 1).count


def table() -> dict[str, Count]:
    """All closed forms by variant."""
    few, more = (2, 4, 14, 1), (4, 6, 16, 1)
    return {
        "repvgg_a0": repvgg(few, 0.75, 2.5), "repvgg_a1": repvgg(few, 1, 2.5), "repvgg_a2": repvgg(few, 1.5, 2.75),
        "repvgg_b0": repvgg(more, 1, 2.5), "repvgg_b1": repvgg(more, 2, 4), "repvgg_b1g4": repvgg(more, 2, 4, 4),
        "repvgg_b2": repvgg(more, 2.5, 5), "repvgg_b2g4": repvgg(more, 2.5, 5, 4), "repvgg_b3": repvgg(more, 3, 5),
        "repvgg_b3g4": repvgg(more, 3, 5, 4),
        "hourglass_2": hourglass(2), "hourglass_8": hourglass(8),
        "unet": unet(1, 572, padded=False), "unet_padded": unet(3, 256, padded=True),
    }  # fmt: skip
