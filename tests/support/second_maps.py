"""Second sources of networks on maps: written again with `torch.nn`, under the names of their authors' code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from second import Arrays, Second, Sizes


def picture(channels: int, side: int) -> Callable[[np.random.Generator, Sizes], Arrays]:
    """Of ``side`` pixels; or of 16 H x 16 W; or of ``res``."""

    def draw_it(draw: np.random.Generator, size: Sizes) -> Arrays:
        sides = [16 * size[name] if name in size else size.get("res", side) for name in ("H", "W")]
        return {"image": draw.normal(size=(size["N"], channels, *sides))}

    return draw_it


def hourglass() -> Second:
    def make(*given: int) -> Any:
        from torch_nested import Hourglass

        return Hourglass(*given)

    return Second(
        "hourglass_2", {"c": 16, "joints": 5, "res": 64}, "pytorch_pose", lambda: make(2, 16, 5), picture(3, 64),
        lambda net, x: {"heatmaps": net(x["image"])}, {"N": 2}, {"N": (1, 3)},
        lambda: make(2, 256, 16), ({"N": 1, "res": 256}, {"N": 2, "res": 128}),
    )  # fmt: skip


def unet() -> Second:
    """Without padding: what is copied across is cropped by different sizes at each level."""

    def make(*given: int) -> Any:
        from torch_nested import PaperUNet

        return PaperUNet(*given)

    return Second(
        "unet", {"c": 3, "res": 188}, "", lambda: make(3), picture(1, 188), lambda net, x: {"masks": net(x["image"])},
        {"N": 2}, {"N": (1, 3)}, lambda: make(64), ({"N": 1, "res": 572}, {"N": 2, "res": 188}),
    )  # fmt: skip


def unet_padded() -> Second:
    """At sizes that are free."""

    def make(*given: int) -> Any:
        from torch_nested import UNet

        return UNet(*given)

    return Second(
        "unet_padded", {"c": 3}, "milesial", lambda: make(3), picture(3, 0), lambda net, x: {"masks": net(x["image"])},
        {"N": 2, "H": 3, "W": 2}, {"N": (1, 3), "H": (1, 4), "W": (2, 3)},
        lambda: make(64), ({"N": 1, "H": 16, "W": 16}, {"N": 2, "H": 3, "W": 5}),
    )  # fmt: skip


def repvgg() -> Second:
    """With groups in every other layer, as the B1g4."""

    def make(*given: Any) -> Any:
        from torch_nested import RepVGG

        return RepVGG(*given)

    small = {"depths": [2, 4, 2, 1], "a": 0.125, "b": 0.0625, "groups": 2, "classes": 7, "res": 64}
    return Second(
        "repvgg_b1g4", small, "repvgg", lambda: make([2, 4, 2, 1], 0.125, 0.0625, 2, 7), picture(3, 64),
        lambda net, x: {"logits": net(x["image"])}, {"N": 2}, {"N": (1, 3)},
        lambda: make([4, 6, 16, 1], 2, 4, 4, 1000), ({"N": 1, "res": 224}, {"N": 2, "res": 96}),
    )  # fmt: skip


def repvgg_a0() -> Second:
    def make(*given: Any) -> Any:
        from torch_nested import RepVGG

        return RepVGG(*given)

    small = {"depths": [1, 2, 1, 1], "a": 0.125, "b": 0.125, "classes": 7, "res": 64}
    return repvgg()._replace(
        variant="repvgg_a0", small=small, other=lambda: make([1, 2, 1, 1], 0.125, 0.125, 1, 7),
        full=lambda: make([2, 4, 14, 1], 0.75, 2.5, 1, 1000),
    )  # fmt: skip


def nf_resnet() -> Second:
    """timm's, which makes the small one of the same configuration."""

    def make(depths: tuple[int, ...], classes: int) -> Any:
        from torch_models import timm

        kind = timm().models.nfnet
        return kind.NormFreeNet(kind._nfres_cfg(depths=depths), num_classes=classes)

    return Second(
        "nf_resnet50", {"depths": [1, 2, 1, 1], "classes": 10, "res": 64}, "timm", lambda: make((1, 2, 1, 1), 10),
        picture(3, 64), lambda net, x: {"logits": net(x["image"])}, {"N": 2}, {"N": (1, 3)},
        lambda: make((3, 4, 6, 3), 1000), ({"N": 1, "res": 224}, {"N": 2, "res": 96}),
    )  # fmt: skip


def dcn() -> Second:
    def make(*given: Any) -> Any:
        from torch_deformable import DeformableResNet

        return DeformableResNet(*given)

    return Second(
        "dcn_v2_resnet50", {"depths": [1, 2, 1, 1], "classes": 10, "res": 64}, "mmdet",
        lambda: make([1, 2, 1, 1], 10), picture(3, 64), lambda net, x: {"logits": net(x["image"])}, {"N": 2},
        {"N": (1, 3)}, lambda: make([3, 4, 6, 3], 1000), ({"N": 1, "res": 224}, {"N": 2, "res": 96}),
    )  # fmt: skip


MAPS: dict[str, Callable[[], Second]] = {
    make.__name__: make for make in (hourglass, unet, unet_padded, repvgg, repvgg_a0, nf_resnet, dcn)
}
