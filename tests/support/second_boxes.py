"""Second sources of detectors: torchvision's, and networks written from their papers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from second import Second
from second_maps import picture
from second_onestage import renamed

SMALL = {"depths": [1, 1, 1, 1], "c": 64, "classes": 5, "res": 64}
DEPTHS = (1, 1, 1, 1)


def official(name: str) -> Any:
    """torchvision's of this name, as large as it is."""
    from torch_detectors import detection

    return getattr(detection(), name)(weights=None, weights_backbone=None)


def one_stage(variant: str, make: Callable[[], Any]) -> Second:
    def whole() -> Any:
        from torch_detectors import heads

        return heads(official(variant))

    return Second(
        variant, SMALL, "", make, picture(3, 64), lambda net, x: net(x["image"]), {"N": 2}, {"N": (1, 3)}, whole,
        ({"N": 1, "res": 800}, {"N": 2, "res": 256}),
    )  # fmt: skip


def retinanet() -> Second:
    def make() -> Any:
        from torch_detectors import heads, retinanet

        return heads(retinanet(DEPTHS, 64, 5, False))

    return one_stage("retinanet_resnet50_fpn", make)


def retinanet_v2() -> Second:
    def make() -> Any:
        from torch_detectors import heads, retinanet

        return heads(retinanet(DEPTHS, 64, 5, True))

    return one_stage("retinanet_resnet50_fpn_v2", make)


def fcos() -> Second:
    def make() -> Any:
        from torch_detectors import fcos, heads

        return heads(fcos(DEPTHS, 64, 5))

    return one_stage("fcos_resnet50_fpn", make)


def faster(v2: bool = False) -> Second:
    """Of 12 regions, which the proposing network finds in both pictures."""

    def make() -> Any:
        from torch_detectors import faster_rcnn, regions

        return regions(faster_rcnn(DEPTHS, 32, 5, 48, 12, 20, v2, False), 12)

    def whole() -> Any:
        from torch_detectors import regions

        return regions(official(variant), 1000)

    variant = "fasterrcnn_resnet50_fpn" + "_v2" * v2
    small = {**SMALL, "c": 32, "hidden": 48, "regions": 12, "most": 20, "res": 96}
    return one_stage(variant, make)._replace(small=small, full=whole, inputs=picture(3, 96))


def faster_v2() -> Second:
    return faster(True)


def centernet() -> Second:
    """Counted as large as it is in ``count_detectors.py``."""

    def make(*given: Any) -> Any:
        from torch_centernet import CenterNet

        return renamed(CenterNet(*given), [("conv_offset", "conv_offset_mask")])

    small = {"depths": [1, 1, 1, 1], "widths": [16, 12, 8], "classes": 3, "res": 64}
    return Second(
        "centernet_resnet18", small, "xingyizhou", lambda: make("BasicBlock", [1, 1, 1, 1], 3, (16, 12, 8)), picture(3, 64),
        lambda net, x: net(x["image"]), {"N": 2}, {"N": (1, 3)},
    )  # fmt: skip


BOXES: dict[str, Callable[[], Second]] = {
    make.__name__: make for make in (retinanet, retinanet_v2, fcos, faster, faster_v2, centernet)
}
