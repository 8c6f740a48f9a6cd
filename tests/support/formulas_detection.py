"""Closed forms of detectors with region proposals or feature pyramids, from their papers' figures and tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from formulas_residual import post
from sheet import Count, Sheet

Head = Callable[[Sheet], None]


def pyramid(levels: Sequence[int], side: int, norms: bool = False) -> tuple[Sheet, list[int]]:
    """ResNet-50, and on these of its four stages 1x1 and 3x3 to 256 channels; the sides of the maps, the finest first."""
    s, sides = Sheet(3, side).conv(64, 7, 2).pool(3, 2, 1), []
    unit = post(deep=True)
    for i, (c, n) in enumerate(zip((64, 128, 256, 512), (3, 4, 6, 3), strict=True)):
        for j in range(n):
            unit(s, c, 2 if i and not j else 1)
        if i + 1 in levels:
            s.branch().conv(256, 1, bias=not norms, bn=norms).conv(256, 3, bias=not norms, bn=norms)
            sides.append(s.side)
    return s, sides


def shared(s: Sheet, sides: Sequence[int], head: Head) -> None:
    """The same head on maps of 256 channels and these sides: its weights count once."""
    for i, side in enumerate(sides):
        other = Sheet(256, side)
        head(other)
        s.sum[0] += other.sum[0] if i == 0 else 0
        s.sum[1] += other.sum[1]


def one_stage(towers: Sequence[Sequence[int]], *, norms: bool, norm_bias: bool, early: bool = False) -> Count:
    """RetinaNet and FCOS at 800 pixels: two more maps, of the backbone's (``early``) or the pyramid's coarsest, and of each map
    towers of four 3x3 with predictions of so many channels.
    """
    s, sides = pyramid((2, 3, 4), 800)
    last = s.branch() if early else s.at(256, s.side)
    for _ in range(2):
        last.biased(256, 3, 2)
        sides.append(last.side)

    def head(m: Sheet) -> None:
        for outs in towers:
            tower = m.branch()
            for _ in range(4):
                tower.conv(256, 3, bias=norm_bias or not norms, bn=norms)
            for out in outs:
                tower.branch().biased(out, 3)

    shared(s, sides, head)
    return s.count


def two_stages(*, v2: bool, masks: bool = False, regions: int = 1000, found: int = 100, classes: int = 91) -> Count:
    """Faster R-CNN at 800 pixels, and the masks of what is found."""
    s, sides = pyramid((1, 2, 3, 4), 800, norms=v2)

    def propose(m: Sheet) -> None:
        for _ in range(2 if v2 else 1):
            m.biased(256, 3)
        m.branch().biased(3, 1)
        m.branch().biased(12, 1)

    def box(m: Sheet) -> None:
        if v2:
            for _ in range(4):
                m.conv(256, 3)
        m.linear(1024, m.c * 49)
        if not v2:
            m.linear(1024)
        m.branch().linear(classes)
        m.branch().linear(4 * classes)

    def mask(m: Sheet) -> None:
        for _ in range(4):
            m.conv(256, 3, bias=not v2, bn=v2)
        m.sum[0] += 256 * 256 * 4 + 256  # a transposed 2x2 with stride 2
        m.sum[1] += 256 * 256 * 4 * 14**2
        m.at(256, 28).biased(classes, 1)

    shared(s, [*sides, (sides[-1] + 1) // 2], propose)
    shared(s, [7] * regions, box)
    if masks:
        shared(s, [14] * found, mask)
    return s.count


def vgg16_regions(regions: int, rpn: bool, classes: int = 21) -> Count:
    """Fast R-CNN, and with ``rpn`` Faster R-CNN, on a picture of 600 x 1000: maps are halved upwards, and not a fifth time."""
    params, macs, c, h, w = 0, 0, 3, 600, 1000
    for stage, (n, out) in enumerate(zip((2, 2, 3, 3, 3), (64, 128, 256, 512, 512), strict=True)):
        h, w = (-(-h // 2), -(-w // 2)) if stage else (h, w)
        for _ in range(n):
            params, macs, c = params + 9 * c * out + out, macs + 9 * c * out * h * w, out
    for inputs, out in [(9 * 512, 512), (512, 18), (512, 36)] if rpn else []:
        params, macs = params + inputs * out + out, macs + inputs * out * h * w
    for inputs, out in [(49 * 512, 4096), (4096, 4096), (4096, classes), (4096, 4 * classes)]:
        params, macs = params + inputs * out + out, macs + inputs * out * regions
    return params, macs


def spp_net() -> Count:
    """ZF-5, and a full layer behind 50 bins of each map."""
    s = Sheet(3, 224).biased(96, 7, 2, 1).pool(3, 2, ceil=True).biased(256, 5, 2, 1).pool(3, 2, ceil=True)
    return s.biased(384, 3).biased(384, 3).biased(256, 3).linear(4096, 50 * 256).linear(4096).linear(1000).count


def table() -> dict[str, Count]:
    retina = [[9 * 91], [9 * 4]]
    return {
        "spp_net": spp_net(),
        "fast_rcnn_vgg16": vgg16_regions(2000, rpn=False),
        "faster_rcnn_vgg16": vgg16_regions(300, rpn=True),
        "retinanet_resnet50_fpn": one_stage(retina, norms=False, norm_bias=False),
        "retinanet_resnet50_fpn_v2": one_stage(retina, norms=True, norm_bias=False, early=True),
        "fcos_resnet50_fpn": one_stage([[91], [4, 1]], norms=True, norm_bias=True),
        "fasterrcnn_resnet50_fpn": two_stages(v2=False),
        "fasterrcnn_resnet50_fpn_v2": two_stages(v2=True),
        "maskrcnn_resnet50_fpn": two_stages(v2=False, masks=True),
        "maskrcnn_resnet50_fpn_v2": two_stages(v2=True, masks=True),
    }
