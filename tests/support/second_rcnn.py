"""Second sources of the first detectors with regions: networks that were written from their papers (``torch_rcnn``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from second import Arrays, Second, Sizes

WIDTHS = [8, 12, 16, 16, 8]
FAST = {"width": 4, "hidden": 24, "classes": 5, "size": [96, 128]}


def seen(high: int, wide: int) -> Callable[[np.random.Generator, Sizes], Arrays]:
    """Pictures, and R regions of them: corners in pixels, and in which picture each lies."""

    def draw_it(draw: np.random.Generator, size: Sizes) -> Arrays:
        image = draw.normal(size=(size["N"], 3, high, wide))
        ends = np.sort(draw.uniform(0, 1, (size["R"], 2, 2)), axis=1) * [wide - 1, high - 1]
        return {"image": image, "rois": ends.reshape(-1, 4), "images": draw.integers(0, size["N"], size["R"])}

    return draw_it


def rcnn() -> Second:
    def make(*given: Any) -> Any:
        from torch_rcnn import RCNN

        return RCNN(*given)

    return Second(
        "rcnn_caffenet", {"widths": WIDTHS, "hidden": 24, "classes": 5}, "", lambda: make(WIDTHS, 24, 5),
        lambda draw, size: {"regions": draw.normal(size=(size["N"], 3, 227, 227))},
        lambda net, x: {"scores": net(x["regions"])}, {"N": 2}, {"N": (1, 3)}, make, ({"N": 1}, {"N": 2}),
    )  # fmt: skip


def spp_net() -> Second:
    def make(*given: Any) -> Any:
        from torch_rcnn import SPPNet

        return SPPNet(*given)

    return Second(
        "spp_net", {"widths": WIDTHS, "hidden": 24, "classes": 5, "res": 97}, "", lambda: make(WIDTHS, 24, 5),
        lambda draw, size: {"image": draw.normal(size=(size["N"], 3, *[size.get("res", 97)] * 2))},
        lambda net, x: {"logits": net(x["image"])}, {"N": 2}, {"N": (1, 3)}, make,
        ({"N": 1, "res": 224}, {"N": 2, "res": 180}),
    )  # fmt: skip


def fast_rcnn() -> Second:
    def make(width: int, *given: int) -> Any:
        from torch_rcnn import FastRCNN, VGG16Body

        return FastRCNN(VGG16Body(width), *given)

    def said(net: Any, x: Arrays) -> Arrays:
        return dict(zip(("cls_score", "bbox_pred"), net(x["image"], x["rois"], x["images"]), strict=True))

    def full(draw: np.random.Generator, size: Sizes) -> Arrays:
        return seen(*((96, 128) if size["R"] < 10 else (600, 1000)))(draw, size)

    return Second(
        "fast_rcnn_vgg16", FAST, "", lambda: make(4, 24, 5), full, said, {"N": 2, "R": 6}, {"N": (1, 3), "R": (1, 4)},
        lambda: make(64), ({"N": 1, "R": 300}, {"N": 2, "R": 20}),
    )  # fmt: skip


def faster_rcnn_vgg16() -> Second:
    """Of twelve regions, which it finds by itself."""

    def make(width: int, *given: int) -> Any:
        from torch_rcnn import FasterRCNN, VGG16Body

        return FasterRCNN(VGG16Body(width), *given)

    return Second(
        "faster_rcnn_vgg16", {**FAST, "rpn": 16, "regions": 12}, "", lambda: make(4, 16, 24, 5), one(96, 128), proposed(12),
        {"N": 2}, {"N": (1, 3)},
    )  # fmt: skip


def faster_rcnn_zf() -> Second:
    def make(*given: int) -> Any:
        from torch_rcnn import ZF, FasterRCNN, ZFBody

        return FasterRCNN(ZFBody([c // 8 for c in ZF]), *given)

    return faster_rcnn_vgg16()._replace(
        variant="faster_rcnn_zf", small={**FAST, "width": 8, "rpn": 16, "regions": 12}, other=lambda: make(16, 24, 5)
    )


def one(high: int, wide: int) -> Callable[[np.random.Generator, Sizes], Arrays]:
    """Pictures only."""
    return lambda draw, size: {"image": draw.normal(size=(size["N"], 3, high, wide))}


def proposed(count: int) -> Callable[[Any, Arrays], Arrays]:
    """Of ``count`` regions of each picture; where fewer are proposed, the last are empty boxes in the corner."""

    def said(net: Any, x: Arrays) -> Arrays:
        import torch
        from torch.utils._python_dispatch import _disable_current_modes

        image = x["image"]
        maps = net.body(image)
        rois = image.new_tensor([0.0, 0.0, -1.0, -1.0]).repeat(len(image), count, 1)
        with _disable_current_modes():  # what proposes is counted below
            for i, lines in enumerate([] if image.is_meta else rois):
                found = net.propose(maps[i : i + 1], *image.shape[2:], most=count)
                lines[: len(found)] = found
        images = torch.arange(len(image)).repeat_interleave(count)
        scores, moves = net.regions(maps, rois.reshape(-1, 4), images)
        return {
            **dict(zip(("rpn_cls_score", "rpn_bbox_pred"), net.raw(maps), strict=True)), "rois": rois,
            "scores": scores.reshape(*rois.shape[:2], -1), "moves": moves.reshape(*rois.shape[:2], -1, 4),
        }  # fmt: skip

    return said


def rfcn() -> Second:
    """With bins that are read by interpolation, as the zoo's are."""

    def make(*given: Any) -> Any:
        import torch
        import torch_rcnn
        from torch.utils._python_dispatch import _disable_current_modes
        from torch_boxes import roi_align

        def bins(maps: Any, rois: Any, images: Any, n: int, scale: float) -> Any:
            with _disable_current_modes():  # its products are not the network's
                read = roi_align(maps, rois, images, n, scale, 2, True)
            parts = read.reshape(len(rois), -1, n * n, n * n)
            return torch.diagonal(parts, dim1=2, dim2=3).reshape(len(rois), -1, n, n)

        class Interpolated(torch_rcnn.RFCN):
            def forward(self, image: Any, rois: Any, images: Any = None) -> Any:
                images = torch.zeros(len(rois), dtype=torch.int64) if images is None else images
                kept, torch_rcnn.psroi_pool = torch_rcnn.psroi_pool, bins
                try:
                    return super().forward(image, rois, images)
                finally:
                    torch_rcnn.psroi_pool = kept

        return Interpolated(*given)

    case = fast_rcnn()
    return case._replace(
        variant="rfcn_resnet101", small={"depths": [1, 1, 1, 1], "c": 16, "classes": 5, "size": [96, 128]},
        other=lambda: make([1, 1, 1, 1], 64, 16, 5), full=make,
        grid={"N": (1, 3)},
    )  # fmt: skip


RCNN: dict[str, Callable[[], Second]] = {
    make.__name__: make for make in (rcnn, spp_net, fast_rcnn, faster_rcnn_vgg16, faster_rcnn_zf, rfcn)
}
