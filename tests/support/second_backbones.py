"""Second sources of the backbones that timm or torchvision have: theirs, made as small as ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from second import Second
from second_maps import picture

RES = 64
"""Pixels a side: two positions where the map is smallest."""


def of_timm(variant: str, ours: dict[str, Any], map: str, theirs: Mapping[str, Any] | Callable[[], Any]) -> Second:
    """A network of the same name, made small by arguments, or in its own way. Variants themselves are counted in
    ``count_backbones.py``.
    """

    def small() -> Any:
        from torch_models import timm

        return theirs() if callable(theirs) else timm().create_model(variant, num_classes=7, **theirs)

    return Second(
        variant, {**ours, "classes": 7, "res": RES}, map, small, picture(3, RES), lambda net, x: {"logits": net(x["image"])},
        {"N": 2}, {"N": (1, 3)},
    )  # fmt: skip


def convnext() -> Second:
    ours = {"w": 8, "depths": [1, 2, 1, 1]}
    return of_timm("convnext_atto", ours, "timm", {"depths": (1, 2, 1, 1), "dims": (8, 16, 32, 64)})


def convnext_linear() -> Second:
    """With `linear` for the 1x1 convolutions, as timm's larger ones are."""
    ours = {"w": 8, "depths": [1, 2, 1, 1]}
    return of_timm("convnext_tiny", ours, "timm_linear", {"depths": (1, 2, 1, 1), "dims": (8, 16, 32, 64)})


def convnext_torchvision() -> Second:
    def make() -> Any:
        from torch_models import torchvision_models

        theirs = torchvision_models().convnext
        widths = (8, 16, 32, 64, None)
        stages = [theirs.CNBlockConfig(a, b, n) for a, b, n in zip(widths, widths[1:], (1, 2, 1, 1))]
        return theirs.ConvNeXt(stages, num_classes=7)

    return convnext_linear()._replace(map="torchvision", other=make)


def convnext_v2() -> Second:
    ours = {"w": 8, "depths": [1, 2, 1, 1]}
    return of_timm("convnextv2_atto", ours, "", {"depths": (1, 2, 1, 1), "dims": (8, 16, 32, 64)})


def regnet() -> Second:
    def make() -> Any:
        from torch_models import timm

        theirs = timm().models.regnet
        return theirs.RegNet(
            theirs.RegNetCfg(depth=6, w0=16, wa=24, wm=2.2, group_size=12, se_ratio=0.25), num_classes=7
        )

    return of_timm("regnety_004", {"depth": 6, "w0": 16, "wa": 24, "wm": 2.2, "group": 12}, "", make)


def regnet_x() -> Second:
    def make() -> Any:
        from torch_models import timm

        theirs = timm().models.regnet
        return theirs.RegNet(theirs.RegNetCfg(depth=5, w0=16, wa=24, wm=2.0, group_size=8), num_classes=7)

    return of_timm("regnetx_002", {"depth": 5, "w0": 16, "wa": 24, "wm": 2.0, "group": 8}, "", make)


def regnet_torchvision() -> Second:
    def make() -> Any:
        from torch_models import torchvision_models

        theirs = torchvision_models().regnet
        numbers = theirs.BlockParams.from_init_params(
            depth=6, w_0=16, w_a=24, w_m=2.2, group_width=8, se_ratio=0.25
        )  # fmt: skip
        return theirs.RegNet(numbers, num_classes=7)

    small = {"depth": 6, "w0": 16, "wa": 24, "wm": 2.2, "group": 8, "classes": 7, "res": RES}
    return regnet()._replace(small=small, map="torchvision", other=make)


def efficientnet_v2() -> Second:
    def make() -> Any:
        from torch_models import torchvision_models

        theirs = torchvision_models().efficientnet
        stages, last = theirs._efficientnet_conf("efficientnet_v2_s")
        for stage in stages:
            stage.input_channels = theirs._make_divisible(stage.input_channels * 0.25, 8)
            stage.out_channels = theirs._make_divisible(stage.out_channels * 0.25, 8)
            stage.num_layers = -int(-stage.num_layers * 0.1 // 1)
        norm = theirs.partial(theirs.nn.BatchNorm2d, eps=1e-3)
        return theirs.EfficientNet(stages, 0.2, num_classes=7, norm_layer=norm, last_channel=last // 4)

    small = {"width": 0.25, "depth": 0.1}
    return of_timm("efficientnet_v2_s", small, "", make)


def efficientnet_v2_timm() -> Second:
    """Padded as in TensorFlow."""

    def make() -> Any:
        from torch_models import timm

        return timm().models.efficientnet._gen_efficientnetv2_s(
            "tf_efficientnetv2_s", channel_multiplier=0.25, depth_multiplier=0.1, num_classes=7, pad_type="same",
            bn_eps=1e-3,
        )  # fmt: skip

    return of_timm("tf_efficientnetv2_s", {"width": 0.25, "depth": 0.1}, "timm", make)


def mobilenet_v4() -> Second:
    return _mobilenet_v4("mobilenetv4_conv_small", "")


def mobilenet_v4_hybrid() -> Second:
    """With attention."""
    return _mobilenet_v4("mobilenetv4_hybrid_medium", "timm")


def _mobilenet_v4(variant: str, map: str) -> Second:
    def make() -> Any:
        from torch_models import timm

        return timm().models.mobilenetv3._gen_mobilenet_v4(variant, channel_multiplier=0.125, num_classes=7)

    return of_timm(variant, {"width": 0.125}, map, make)


def ghostnet() -> Second:
    def make() -> Any:
        from torch_models import timm

        return timm().models.ghostnet._create_ghostnet("ghostnet_100", width=0.25, num_classes=7)

    return of_timm("ghostnet_100", {"width": 0.25}, "timm", make)


def res2net() -> Second:
    ours = {"depths": [1, 2, 1, 1], "width": 8, "scale": 3}
    return of_timm("res2net50_26w_4s", ours, "", {"layers": [1, 2, 1, 1], "base_width": 8, "block_args": {"scale": 3}})


def resnest() -> Second:
    ours = {"depths": [1, 2, 1, 1], "stem": 8}
    return of_timm("resnest50d", ours, "timm", {"layers": [1, 2, 1, 1], "stem_width": 8})


def mobileone() -> Second:
    def make() -> Any:
        from torch_models import timm

        theirs = timm().models.byobnet
        widths, counts = (0.25, 0.125, 0.125, 0.125), (1, 2, 2, 1)
        blocks = theirs._mobileone_bcfg(counts, widths, num_conv_branches=2)
        given = theirs.model_cfgs["mobileone_s0"]
        return theirs.ByobNet(theirs.replace(given, blocks=blocks, stem_chs=16), num_classes=7)

    return of_timm("mobileone_s0", {"widths": [0.25, 0.125, 0.125, 0.125], "counts": [1, 2, 2, 1], "n": 2}, "", make)


def repvit() -> Second:
    ours = {"w": 16, "depths": [1, 2, 3, 1]}
    return of_timm("repvit_m0_9", ours, "", {"embed_dim": (16, 32, 64, 128), "depth": (1, 2, 3, 1)})


def repvit_early() -> Second:
    ours = {"w": 16, "depths": [1, 2, 1, 1]}
    return of_timm("repvit_m1", ours, "", {"embed_dim": (16, 32, 64, 128), "depth": (1, 2, 1, 1)})


def dla() -> Second:
    ours = {"depths": [1, 2, 3, 1], "widths": [32, 48, 64, 96]}
    return of_timm("dla34", ours, "", {"levels": [1, 1, 1, 2, 3, 1], "channels": [16, 32, 32, 48, 64, 96]})


def dla_bottleneck() -> Second:
    ours = {"depths": [1, 1, 2, 1], "widths": [32, 48, 64, 96]}
    return of_timm("dla60", ours, "", {"levels": [1, 1, 1, 1, 2, 1], "channels": [16, 32, 32, 48, 64, 96]})


def vovnet() -> Second:
    return _vovnet("ese_vovnet39b", [1, 1, 3, 1])


def vovnet_depthwise() -> Second:
    return _vovnet("ese_vovnet19b_dw", [1, 1, 1, 1])


def _vovnet(variant: str, counts: list[int]) -> Second:
    mid, out = [8, 12, 16, 20], [16, 24, 32, 40]

    def make() -> Any:
        from torch_models import timm

        theirs = timm().models.vovnet
        sizes = {"stage_conv_chs": mid, "stage_out_chs": out, "block_per_stage": counts, "layer_per_block": 2}
        return theirs.VovNet({**theirs.model_cfgs[variant], **sizes}, num_classes=7)

    return of_timm(variant, {"counts": counts, "layers": 2, "mid": mid, "out": out}, "", make)


def edgenext() -> Second:
    """timm projects the places, 8 x 8 of 64 sines, for each picture anew."""
    widths, depths = [16, 24, 30, 40], [1, 2, 3, 2]
    return of_timm(
        "edgenext_small", {"widths": widths, "depths": depths, "heads": 2}, "",
        {"dims": widths, "depths": depths, "heads": [2] * 4},
    )._replace(beyond=lambda sizes, graph: (sizes["N"] - 1) * 8 * 8 * 64 * 24)  # fmt: skip


def fastvit() -> Second:
    ours = {"w": 8, "depths": [1, 2, 1, 1]}
    return of_timm("fastvit_t8", ours, "timm", {"embed_dims": (8, 16, 32, 64), "layers": (1, 2, 1, 1)})


def poolformer() -> Second:
    def make() -> Any:
        from torch_models import timm

        theirs = timm().models.metaformer
        return theirs.MetaFormer(
            depths=(1, 1, 3, 1), dims=(8, 16, 24, 32), num_classes=7, downsample_norm=None, mlp_act=theirs.nn.GELU,
            mlp_bias=True, norm_layers=theirs.GroupNorm1, layer_scale_init_values=1e-5, res_scale_init_values=None,
            use_mlp_head=False,
        )  # fmt: skip

    return of_timm("poolformer_s12", {"n": 1, "widths": [8, 16, 24, 32]}, "timm", make)


def convmixer() -> Second:
    ours = {"h": 12, "depth": 3, "k": 5, "p": 8}
    theirs = {"dim": 12, "depth": 3, "kernel_size": 5, "patch_size": 8}

    def make() -> Any:
        from torch_models import timm

        return timm().models.convmixer.ConvMixer(num_classes=7, **theirs)

    return of_timm("convmixer_1536_20", ours, "", make)


BACKBONES: dict[str, Callable[[], Second]] = {
    make.__name__: make
    for make in (
        convnext, convnext_linear, convnext_torchvision, convnext_v2, regnet, regnet_x, regnet_torchvision, efficientnet_v2,
        efficientnet_v2_timm, mobilenet_v4, mobilenet_v4_hybrid, ghostnet, res2net, resnest, mobileone, repvit, repvit_early,
        dla, dla_bottleneck, vovnet, vovnet_depthwise, edgenext, fastvit, poolformer, convmixer,
    )
}  # fmt: skip
