"""Second sources of backbones: timm's own definitions made small, or networks written from their papers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from second import Arrays, Second, Sizes
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


def clip(channels: int, *size: int) -> Callable[[Any, Sizes], Arrays]:
    """A tensor of one name and size for each sample."""
    return lambda draw, sizes: {"video": draw.normal(size=(sizes["N"], channels, *size))}


def video(variant: str, small: dict[str, Any], make: Callable[[], Any], frames: int, side: int, names: str) -> Second:
    return Second(
        variant, {**small, "classes": 7, "frames": frames, "res": side}, names, make, clip(3, frames, side, side),
        lambda net, x: {"logits": net(x["video"])}, {"N": 2}, {"N": (1, 3)},
    )  # fmt: skip


def video_resnet(name: str) -> Callable[[], Second]:
    def make() -> Any:
        from torch_models import torchvision_models

        return getattr(torchvision_models().video, name)(num_classes=7)

    return lambda: video(name, {}, make, 4, 24, "" if name == "r2plus1d_18" else "torchvision")


def c3d() -> Second:
    def make() -> Any:
        from torch_video import C3D

        return C3D(4, 20, 7, 16, 48)

    return video("c3d", {"c": 4, "hidden": 20}, make, 16, 48, "")


def x3d() -> Second:
    def make() -> Any:
        from torch_video import X3D

        return X3D([2, 1, 2, 1], 8, 20, 7)

    return video("x3d_s", {"depths": [2, 1, 2, 1], "width": 8, "hidden": 20}, make, 5, 40, "paper")


def wavenet() -> Second:
    def make() -> Any:
        from torch_wave import WaveNet

        return WaveNet(6, 10, 8, 4, 2)

    return Second(
        "wavenet", {"c": 6, "skips": 10, "values": 8, "doublings": 4, "times": 2}, "", make,
        lambda draw, sizes: {"audio": draw.normal(size=(sizes["N"], 8, sizes["T"]))},
        lambda net, x: {"logits": net(x["audio"])}, {"N": 2, "T": 40}, {"N": (1, 3), "T": (20, 33)},
    )  # fmt: skip


def tcn() -> Second:
    def make() -> Any:
        from torch_wave import TemporalNet

        return TemporalNet(2, 5, (6, 6, 8), 3)

    return Second(
        "tcn_mnist", {"widths": [6, 6, 8], "k": 3, "channels": 2, "classes": 5}, "locuslab", make,
        lambda draw, sizes: {"x": draw.normal(size=(sizes["N"], 2, sizes["T"]))},
        lambda net, x: {"logits": net(x["x"])}, {"N": 2, "T": 40}, {"N": (1, 3), "T": (20, 33)},
    )  # fmt: skip


def dcgan() -> Second:
    def make() -> Any:
        from torch_generative import Generator

        return Generator(4, 10)

    return Second(
        "dcgan", {"c": 4, "z": 10}, "", make, lambda draw, sizes: {"noise": draw.normal(size=(sizes["N"], 10, 1, 1))},
        lambda net, x: {"picture": net(x["noise"])}, {"N": 2}, {"N": (1, 3)},
    )  # fmt: skip


def dcgan_discriminator() -> Second:
    def make() -> Any:
        from torch_generative import Discriminator

        return Discriminator(4)

    return Second(
        "dcgan_discriminator", {"c": 4}, "", make,
        lambda draw, sizes: {"picture": draw.normal(size=(sizes["N"], 3, 64, 64))},
        lambda net, x: {"real": net(x["picture"])}, {"N": 2}, {"N": (1, 3)},
    )  # fmt: skip


def stylegan2() -> Second:
    def make() -> Any:
        from torch_generative import Synthesis

        return Synthesis(32, 12, 10, 128)

    return Second(
        "stylegan2_256", {"res": 32, "style": 12, "most": 10, "base": 128}, "nvidia", make,
        lambda draw, sizes: {"styles": draw.normal(size=(sizes["N"], 8, 12))},
        lambda net, x: {"picture": net(x["styles"])}, {"N": 2}, {"N": (1, 3)},
    )  # fmt: skip


def vqvae() -> Second:
    def make() -> Any:
        from torch_generative import VQVAE

        return VQVAE(6, 64, 5)

    return Second(
        "vqvae", {"c": 6, "codes": 64, "width": 5, "res": 48}, "", make, picture(3, 48),
        lambda net, x: {"numbers": (numbers := net.encode(x["image"])), "picture": net.decode(numbers)},
        {"N": 2}, {"N": (1, 3)},
    )  # fmt: skip


def siamfc() -> Second:
    def make() -> Any:
        from torch_siamfc import SiamFC

        return SiamFC(2)

    return Second(
        "siamfc", {"c": 2, "small": 87, "res": 119}, "", make,
        lambda draw, sizes: {"exemplar": draw.normal(size=(sizes["N"], 3, 87, 87)),
                             "search": draw.normal(size=(sizes["N"], 3, 119, 119))},
        lambda net, x: {"response": net(x["exemplar"], x["search"])}, {"N": 2}, {"N": (1, 3)},
    )  # fmt: skip


MORE: dict[str, Callable[[], Second]] = {
    make.__name__: make
    for make in (
        inception_next, starnet, fasternet, cspresnet, cspresnext, cspdarknet, bit, eca_resnet, hardnet,
        coordinate_attention, c3d, x3d, wavenet, tcn, dcgan, dcgan_discriminator, stylegan2, vqvae, siamfc,
    )
} | {name: video_resnet(name) for name in ("r3d_18", "mc3_18", "r2plus1d_18")}  # fmt: skip
