"""Second sources of detectors: torchvision's, and networks written from their papers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from second import Second
from second_maps import picture

SMALL = {"depths": [1, 1, 1, 1], "c": 64, "classes": 5, "res": 128}
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
        variant, SMALL, "", make, picture(3, 128), lambda net, x: net(x["image"]), {"N": 2}, {"N": (1, 3)}, whole,
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


BOXES: dict[str, Callable[[], Second]] = {make.__name__: make for make in (retinanet, retinanet_v2, fcos)}
