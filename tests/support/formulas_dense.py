"""Closed forms of networks that give a value for every place, and of HRNet, whose branches keep theirs.

Written from the papers' tables and figures, without the compiler.
"""

from __future__ import annotations

from collections.abc import Sequence

from sheet import Count, Sheet


def up(s: Sheet, out: int, k: int, stride: int, *, bias: bool = True, side: int | None = None) -> Sheet:
    """A transposed convolution, whose arithmetic is that of its input's positions."""
    s.sum[0] += s.c * out * k * k + (out if bias else 0)
    s.sum[1] += s.c * out * k * k * s.side**2
    s.c, s.side = out, side or (s.side - 1) * stride + k
    return s


def bottleneck(s: Sheet, c: int, stride: int) -> None:
    if s.c != 4 * c or stride > 1:
        s.branch().conv(4 * c, 1, stride)
    s.conv(c, 1).conv(c, 3, stride).conv(4 * c, 1)


def trunk(depths: Sequence[int], side: int, finest: int) -> tuple[Sheet, Sheet]:
    """ResNet whose maps are no smaller than 1 / ``finest``; what the first stage gives as well."""
    s = Sheet(3, side).conv(64, 7, 2).pool(3, 2, 1)
    early = s
    for i, n in enumerate(depths):
        for j in range(n):
            bottleneck(s, 64 << i, 2 if j == 0 and i > 0 and 4 << i <= finest else 1)
        if i == 0:
            early = s.branch()
    return s, early


def pspnet(depths: Sequence[int]) -> Count:
    s, _ = trunk(depths, 473, 8)
    for n in (1, 2, 3, 6):
        s.at(2048, n).conv(512, 1)
    return s.at(4096, s.side).conv(512, 3).biased(150, 1).count


def deeplabv3plus(depths: Sequence[int]) -> Count:
    s, early = trunk(depths, 513, 16)
    for k in (1, 3, 3, 3):
        s.branch().conv(256, k)
    s.at(2048, 1).conv(256, 1)
    s.at(5 * 256, s.side).conv(256, 1)
    early.conv(48, 1)
    return s.at(256 + 48, early.side).conv(256, 3).conv(256, 3).biased(21, 1).count


def fcn8s() -> Count:
    s, scores = Sheet(3, 500), []
    for i, (c, n) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))):
        for j in range(n):
            s.biased(c, 3, 1, 100 if i + j == 0 else 1)
        s.pool(2, 2, ceil=True)
        scores.append(s.branch())
    s.biased(4096, 7, 1, 0).biased(4096, 1).biased(21, 1)
    up(s, 21, 4, 2, bias=False)
    scores[3].biased(21, 1)
    up(s, 21, 4, 2, bias=False)
    scores[2].biased(21, 1)
    return up(s, 21, 16, 8, bias=False).count


def unetpp(widths: Sequence[int], side: int) -> Count:
    """Node (i, j) sees j nodes of its row and one from below; a 1x1 at four of the first row."""
    s = Sheet(3, side)
    for i, c in enumerate(widths):
        for j in range(len(widths) - i):
            here = side >> i
            if j:
                up(s.at(widths[i + 1], here // 2), c, 2, 2)
            entering = (j + 1) * c if j else widths[i - 1] if i else 3
            s.at(entering, here).biased(c, 3).biased(c, 3)
        if i:
            s.at(widths[0], side).biased(1, 1)
    return s.count


def edsr(c: int, units: int, factor: int) -> Count:
    s = Sheet(3, 96).biased(c, 3)
    for _ in range(2 * units + 1):
        s.biased(c, 3)
    for _ in range(factor // 2):
        s.biased(4 * c, 3)
        s = s.at(c, 2 * s.side)
    return s.biased(3, 3).count


def espcn(height: int, width: int) -> Count:
    """Counted at one position, and then at all."""
    params, macs = Sheet(1, 1).biased(64, 5).biased(32, 3).biased(9, 3).count
    return params, macs * height * width


def dncnn(depth: int, colours: int) -> Count:
    s = Sheet(colours, 40).biased(64, 3)
    for _ in range(depth - 2):
        s.conv(64, 3)
    return s.conv(colours, 3, bn=False).count


def visualiser() -> Count:
    """ZFNet's convolutions, and the same work on the way back, with no weights of its own."""
    s = Sheet(3, 224).biased(96, 7, 2, 1).pool(3, 2, 1).biased(256, 5, 2, 0).pool(3, 2, 1)
    params, macs = s.biased(384, 3).biased(384, 3).biased(256, 3).count
    return params, 2 * macs


def scse(s: Sheet) -> None:
    """Two layers from channels to channels by way of half of them, and a score of each place."""
    s.at(s.c, 1).biased(s.c // 2, 1).biased(s.c, 1)
    s.branch().biased(1, 1)


def scse_unet(side: int) -> Count:
    s = Sheet(1, side)
    for i in range(5):
        s.conv(64 << i, 3).conv(64 << i, 3)
        if i < 4:
            scse(s)
            s.pool(2, 2)
    for i in reversed(range(4)):
        up(s, 64 << i, 2, 2)
        s = s.at(2 * s.c, s.side).conv(64 << i, 3).conv(64 << i, 3)
        scse(s)
    return s.biased(28, 1).count


def scse_sdnet(side: int) -> Count:
    s = Sheet(1, side)
    for _ in range(4):
        s.conv(64, 7, bias=True)
        scse(s)
        s.pool(2, 2)
    s.conv(64, 7, bias=True)
    for _ in range(4):
        s = s.at(128, 2 * s.side).conv(64, 7, bias=True)
        scse(s)
    return s.biased(28, 1).count


def hrnet(widths: Sequence[int], modules: Sequence[int], n: int, first: tuple[int, int]) -> Count:
    """Units of two 3x3; every branch to every other; then a head of four bottlenecks."""
    s = Sheet(3, 224).conv(64, 3, 2).conv(64, 3, 2)
    for _ in range(first[1]):
        bottleneck(s, first[0], 1)
    maps = [s]
    for stage, times in enumerate(modules):
        coarsest = maps[-1].branch()
        for i, m in enumerate(maps):
            if m.c != widths[i]:
                m.conv(widths[i], 3)
        maps.append(coarsest.conv(widths[stage + 1], 3, 2))
        for _ in range(times):
            for i, m in enumerate(maps):
                for _ in range(2 * n):
                    m.conv(m.c, 3)
                for j, other in enumerate(maps):
                    step = other.branch()
                    for k in range(i - j):
                        step.conv(widths[i] if k == i - j - 1 else step.c, 3, 2)
                    if j > i:
                        step.conv(widths[i], 1)
    for i, m in enumerate(maps):
        bottleneck(m, 32 << i, 1)
    for i in range(3):
        maps[i].branch().conv(256 << i, 3, 2, bias=True)
    return maps[3].at(1024, maps[3].side).conv(2048, 1, bias=True).at(2048, 1).linear(1000).count


def table() -> dict[str, Count]:
    """All closed forms by variant."""
    w18 = (18, 36, 72, 144)
    return {
        "pspnet50": pspnet((3, 4, 6, 3)), "pspnet101": pspnet((3, 4, 23, 3)),
        "deeplabv3plus_resnet50": deeplabv3plus((3, 4, 6, 3)), "deeplabv3plus_resnet101": deeplabv3plus((3, 4, 23, 3)),
        "fcn8s": fcn8s(), "unetpp": unetpp((32, 64, 128, 256, 512), 96), "espcn_x3": espcn(180, 320),
        "edsr_baseline_x2": edsr(64, 16, 2), "edsr_baseline_x4": edsr(64, 16, 4),
        "edsr_x2": edsr(256, 32, 2), "edsr_x4": edsr(256, 32, 4), "dncnn": dncnn(17, 1), "cdncnn_b": dncnn(20, 3),
        "zeiler_visualiser": visualiser(), "scse_unet": scse_unet(256), "scse_sdnet": scse_sdnet(256),
        "hrnet_w18": hrnet(w18, (1, 4, 3), 4, (64, 4)), "hrnet_w18_small_v2": hrnet(w18, (1, 3, 2), 2, (64, 2)),
        "hrnet_w18_small": hrnet((16, 32, 64, 128), (1, 1, 1), 2, (32, 1)),
        "hrnet_w32": hrnet((32, 64, 128, 256), (1, 4, 3), 4, (64, 4)),
        "hrnet_w48": hrnet((48, 96, 192, 384), (1, 4, 3), 4, (64, 4)),
    }  # fmt: skip
