"""Second sources of backbones: timm's own definitions made small, or networks written from their papers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from second import Second
from second_maps import picture


def classifier(
    variant: str, small: dict[str, Any], make: Callable[[], Any], side: int = 64, names: str = "", unseen: tuple[str, ...] = ()
) -> Second:  # fmt: skip
    """A network from one picture to logits of seven classes; at its own size it is counted in ``count_more.py``."""
    return Second(
        variant, {**small, "classes": 7, "res": side}, names, make, picture(3, side),
        lambda net, x: {"logits": net(x["image"])}, {"N": 2}, {"N": (1, 3)}, unseen=unseen,
    )  # fmt: skip


def from_timm(name: str, **settings: Any) -> Callable[[], Any]:
    def make() -> Any:
        from torch_models import timm

        return timm().create_model(name, num_classes=7, **settings)

    return make


def inception_next() -> Second:
    other = from_timm("inception_next_atto", depths=(1, 1, 2, 1), dims=(16, 32, 64, 128))
    return classifier("inception_next_atto", {"depths": [1, 1, 2, 1], "c": 16}, other)


def starnet() -> Second:
    other = from_timm("starnet_s1", base_dim=8, depths=[1, 2, 1, 1])
    return classifier("starnet_s1", {"width": 8, "depths": [1, 2, 1, 1]}, other)


def fasternet() -> Second:
    other = from_timm("fasternet_t0", embed_dim=16, depths=(1, 1, 2, 1))
    return classifier("fasternet_t0", {"c": 16, "depths": [1, 1, 2, 1]}, other)


def cross_stage(name: str, stem_width: int = 0, **changes: Any) -> Callable[[], Any]:
    """timm's of other depths and widths."""

    def make() -> Any:
        from dataclasses import replace

        from torch_models import timm

        module = timm().models.cspnet
        known = module.model_cfgs[name]
        stem = replace(known.stem, out_chs=stem_width or known.stem.out_chs)
        config = replace(known, stem=stem, stages=replace(known.stages, **changes))
        return module.CspNet(config, num_classes=7)

    return make


def cspresnet() -> Second:
    other = cross_stage("cspresnet50", out_chs=(16, 32, 48, 64))
    return classifier("cspresnet50", {"widths": [16, 32, 48, 64]}, other)


def cspresnext() -> Second:
    other = cross_stage("cspresnext50", out_chs=(64, 64, 128, 128))
    return classifier("cspresnext50", {"widths": [64, 64, 128, 128]}, other)


def cspdarknet() -> Second:
    other = cross_stage("cspdarknet53", stem_width=4, depth=(1, 1, 2, 1, 1), out_chs=(8, 16, 32, 64, 128))
    return classifier("cspdarknet53", {"width": 8, "depths": [1, 1, 2, 1, 1]}, other)


def bit() -> Second:
    def make() -> Any:
        from functools import partial

        from torch_models import timm

        layers = timm().layers
        return timm().models.resnetv2.ResNetV2(
            [1, 2, 1, 1], width_factor=0.5, num_classes=7, stem_type="fixed",
            conv_layer=partial(layers.StdConv2d, eps=1e-8),
        )  # fmt: skip

    return classifier("resnetv2_50x1_bit", {"depths": [1, 2, 1, 1], "c": 32}, make)


def eca_resnet() -> Second:
    def make() -> Any:
        from torch_models import timm

        kind = timm().models.resnet
        return kind.ResNet(kind.Bottleneck, [1, 2, 1, 1], num_classes=7, block_args={"attn_layer": "eca"})

    return classifier("eca_resnet50", {"depths": [1, 2, 1, 1]}, make)


def hardnet() -> Second:
    blocks = [(8, 6, 32, True), (4, 8, 40, False), (2, 10, 48, True)]

    def make() -> Any:
        from torch_hardnet import HarDNet

        return HarDNet(blocks, (8, 16), 1.7, 7)

    return classifier("hardnet68", {"blocks": [list(block) for block in blocks], "stem": [8, 16]}, make)


def coordinate_attention() -> Second:
    def make() -> Any:
        from torch_coordinate import CoordinateMobileNetV2

        return CoordinateMobileNetV2(0.25, 7, 4)

    return classifier("mobilenet_v2_ca", {"width": 0.25, "r": 4}, make, names="flat")


MORE: dict[str, Callable[[], Second]] = {
    make.__name__: make
    for make in (
        inception_next, starnet, fasternet, cspresnet, cspresnext, cspdarknet, bit, eca_resnet, hardnet,
        coordinate_attention,
    )
}  # fmt: skip
