"""Second sources of dense prediction: torchvision's and timm's, and networks that were written with torch.nn from the papers.

The latter have names of their own, which :func:`named` makes those of the zoo.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from second import Second, Sizes
from second_maps import picture

Rename = Callable[[str], str]


def named(net: Any, rename: Rename) -> Any:
    """The network, whose state has the zoo's names; a linear layer of what was averaged is a 1x1 convolution there."""

    def hook(module: Any, state: dict[str, Any], prefix: str, _: Any) -> None:
        found = {rename(name): value for name, value in state.items()}
        state.clear()
        state.update({name: value[:, :, None, None] if ".fc" in name and value.ndim == 2 else value
                      for name, value in found.items()})  # fmt: skip

    net.register_state_dict_post_hook(hook)
    return net


def by_rules(*rules: tuple[str, Any]) -> Rename:
    """The first pattern that the beginning of a name has, replaced."""

    def rename(name: str) -> str:
        for pattern, put in rules:
            if re.match(pattern, name):
                return re.sub(f"^{pattern}", put, name)
        return name

    return rename


def case(
    variant: str, small: dict[str, Any], make: Callable[[], Any], full: Callable[[], Any], draw: Any, sizes: tuple[Sizes, ...],
    output: Callable[[Any], Any] = lambda found: found, name: str = "masks", grid: Any = None, at: Sizes | None = None,
) -> Second:  # fmt: skip
    """One picture in, one map out."""
    return Second(
        variant, small, "", make, draw, lambda net, x: {name: output(net(next(iter(x.values()))))}, {"N": 2, **(at or {})},
        {"N": (1, 3), **(grid or {})}, full, sizes,
    )  # fmt: skip


# torchvision and timm


def segmenter(kind: str, head: str) -> Second:
    """torchvision's head, on a narrow trunk of one unit a stage; its own trunk is compared at its size by night."""

    def make(depths: list[int], c: int, classes: int) -> Any:
        from torch_models import torchvision_models
        from torch_segmenters import DilatedResNet

        class Trunk(DilatedResNet):
            def forward(self, x: Any) -> Any:
                return {"out": super().forward(x)[-1]}

        theirs = getattr(torchvision_models().segmentation, kind.lower())
        return getattr(theirs, kind)(Trunk(depths, c, 8), getattr(theirs, head)(32 * c, classes))

    return case(
        f"{kind.lower()}_resnet50", {"depths": [1, 1, 1, 1], "c": 4, "classes": 5, "res": 48},
        lambda: make([1, 1, 1, 1], 4, 5), lambda: make([3, 4, 6, 3], 64, 21), picture(3, 48),
        ({"N": 1, "res": 520}, {"N": 2, "res": 100}), lambda found: found["out"],
    )  # fmt: skip


def fcn() -> Second:
    return segmenter("FCN", "FCNHead")


def deeplabv3() -> Second:
    return segmenter("DeepLabV3", "DeepLabHead")


def lraspp() -> Second:
    def make(classes: int) -> Any:
        from torch_models import torchvision_models

        make = torchvision_models().segmentation.lraspp_mobilenet_v3_large
        return make(weights=None, weights_backbone=None, num_classes=classes)

    return case(
        "lraspp_mobilenet_v3_large", {"classes": 5, "res": 64}, lambda: make(5), lambda: make(21), picture(3, 64),
        ({"N": 1, "res": 520}, {"N": 2, "res": 100}), lambda found: found["out"],
    )  # fmt: skip


def hrnet() -> Second:
    """Several modules of one unit a branch, with narrow branches: the exchange is what is compared."""

    def make(small: bool) -> Any:
        import copy

        from torch_models import timm

        kind = timm().models.hrnet
        settings = copy.deepcopy(kind.cfg_cls["hrnet_w18_small_v2"])
        if small:
            for i, times in enumerate((1, 2, 1)):
                widths = tuple(8 * 2**k for k in range(i + 2))
                settings[f"stage{i + 2}"].update(num_modules=times, num_blocks=(1,) * (i + 2), num_channels=widths)
            settings["stage1"].update(num_blocks=(1,), num_channels=(16,))
        return kind.HighResolutionNet(settings, num_classes=5 if small else 1000)

    small = {"widths": [8, 16, 32, 64], "modules": [1, 2, 1], "n": 1, "first": [16, 1], "classes": 5, "res": 64}
    return case(
        "hrnet_w18_small_v2", small, lambda: make(True), lambda: make(False), picture(3, 64),
        ({"N": 1, "res": 224}, {"N": 2, "res": 96}), name="logits",
    )  # fmt: skip


# Written from the papers


def stage(i: int, between: str = ".unpooled.level") -> str:
    """The level of a nested encoder and decoder, ``i`` below the highest."""
    return "level" + between * int(i)


def deconvnet() -> Second:
    def one(m: re.Match[str]) -> str:
        kind = "batch_norm" if m[1] else "conv_transpose" if m[2] else "conv"
        return f"{stage(int(m[3]) - 1)}.{m[2]}conv.{int(m[4]) - 1}.{kind}"

    def low(m: re.Match[str]) -> str:
        kind = "batch_norm" if m[1] else "conv_transpose" if "de" in m[2] else "conv"
        return f"{stage(4)}.unpooled.{m[2]}.{kind}"

    rename = by_rules((r"(bn)?(de|)conv(\d)_(\d)", one), (r"(bn)?(fc6|fc7|deconv_fc6)", low))

    def make(*given: int) -> Any:
        from torch_segmenters import DeconvNet

        return named(DeconvNet(*given), rename)

    small = {"width": 2, "hidden": 12, "classes": 5, "res": 64}
    return case(
        "deconvnet", small, lambda: make(5, 2, 12, 2), lambda: make(21, 64, 4096), picture(3, 64),
        ({"N": 1, "res": 224}, {"N": 2, "res": 224}),
    )  # fmt: skip


def segnet() -> Second:
    def encoder(m: re.Match[str]) -> str:
        n, k = divmod(int(m[2]), 3)
        return f"{stage(int(m[1]))}.encoder.{n}.{['conv', 'batch_norm'][k]}"

    def decoder(m: re.Match[str]) -> str:
        n, k = divmod(int(m[2]), 3)
        return f"{stage(4 - int(m[1]))}.decoder.layer{f'_{n + 1}' if n else ''}.{['conv', 'batch_norm'][k]}"

    rename = by_rules(
        (r"encoder\.(\d)\.(\d)", encoder), (r"decoder\.4\.3", "classifier"), (r"decoder\.(\d)\.(\d)", decoder)
    )

    def make(*given: int) -> Any:
        from torch_segmenters import SegNet

        return named(SegNet(*given), rename)

    return case(
        "segnet", {"width": 4, "classes": 5, "res": 32}, lambda: make(5, 4), lambda: make(19), picture(3, 32),
        ({"N": 1, "res": 480}, {"N": 2, "res": 96}),
    )  # fmt: skip


def fcn8s() -> Second:
    def make(*given: int) -> Any:
        from torch_segmenters import FCN8s

        return FCN8s(*given)

    return case(
        "fcn8s", {"c": 2, "hidden": 12, "classes": 5, "res": 50}, lambda: make(5, 2, 12), lambda: make(), picture(3, 50),
        ({"N": 1, "res": 500}, {"N": 2, "res": 97}),
    )  # fmt: skip


def pspnet() -> Second:
    rename = by_rules((r"stages\.(\d)", r"ppm.\1.conv_bn"), (r"bottleneck\.4", "cls.2"), (r"bottleneck", "cls.0"))

    def make(*given: Any) -> Any:
        from torch_segmenters import PSPNet

        return named(PSPNet(*given), rename)

    return case(
        "pspnet50", {"depths": [1, 1, 1, 1], "c": 4, "classes": 5, "res": 56}, lambda: make(5, [1] * 4, 4), lambda: make(150),
        picture(3, 56), ({"N": 1, "res": 473}, {"N": 2, "res": 100}),
    )  # fmt: skip


def deeplabv3plus() -> Second:
    decoder = {"0": "0.0", "1": "0.1", "3": "1.0", "4": "1.1", "6": "2"}
    rename = by_rules(
        (r"aspp\.pool\.(\d)", lambda m: f"classifier.context.convs.4.{int(m[1]) + 1}"), (r"aspp", "classifier.context"),
        (r"low", "classifier.project"), (r"decoder\.(\d)", lambda m: f"classifier.classifier.{decoder[m[1]]}"),
    )  # fmt: skip

    def make(*given: Any) -> Any:
        from torch_segmenters import DeepLabV3Plus

        return named(DeepLabV3Plus(*given), rename)

    return case(
        "deeplabv3plus_resnet50", {"depths": [1, 1, 1, 1], "c": 8, "classes": 5, "res": 50}, lambda: make(5, [1] * 4, 8), make,
        picture(3, 50), ({"N": 1, "res": 513}, {"N": 2, "res": 100}),
    )  # fmt: skip


def unetpp() -> Second:
    def row(i: str) -> str:
        return "x" + ".below.row" * int(i)

    rename = by_rules(
        (r"conv(\d)_0", lambda m: f"{row(m[1])}.first"), (r"conv(\d)_(\d)", lambda m: f"{row(m[1])}.node.{int(m[2]) - 1}"),
        (r"up(\d)_(\d)", lambda m: f"{row(m[1])}.up.{int(m[2]) - 1}"), (r"final(\d)", lambda m: f"mask.{int(m[1]) - 1}.conv"),
    )  # fmt: skip

    def make(*given: Any) -> Any:
        from torch_dense_maps import UNetPP

        return named(UNetPP(*given), rename)

    def masks(found: Any) -> Any:
        import torch

        return torch.stack(found, 1).sigmoid()

    widths = [3, 4, 5, 6, 7]
    return case(
        "unetpp", {"widths": widths, "res": 32}, lambda: make(3, 1, widths), make, picture(3, 32),
        ({"N": 1, "res": 96}, {"N": 2, "res": 64}), masks,
    )  # fmt: skip


def volume(channels: int, size: int) -> Any:
    def draw_it(draw: Any, given: Sizes) -> Any:
        n = given.get("size", size)
        return {"volume": draw.normal(size=(given["N"], channels, n, n, n - 16))}

    return draw_it


def unet_3d() -> Second:
    """Cropped by different sizes at its two levels, which are no cubes."""

    def make(depth: int, *given: int) -> Any:
        from torch_dense_maps import UNet3D

        def part(m: re.Match[str]) -> str:
            n, k = divmod(int(m[3]), 3)
            level = int(m[2]) if m[1] == "down" else depth - 1 - int(m[2])
            return f"{stage(level, '.below')}.{m[1]}.{n}.{['conv', 'batch_norm'][k]}"

        rename = by_rules(
            (r"(down|join)\.(\d)\.(\d)", part), (r"up\.(\d)", lambda m: f"{stage(depth - 1 - int(m[1]), '.below')}.up"),
            (r"out", "outc"),
        )  # fmt: skip
        return named(UNet3D(*given, depth), rename)

    return case(
        "unet_3d", {"c": 2, "depth": 2, "size": 60}, lambda: make(2, 3, 3, 1), lambda: make(3, 3, 3, 32), volume(3, 60),
        ({"N": 1, "size": 132}, {"N": 2, "size": 116}),
    )  # fmt: skip


def small_picture(channels: int) -> Any:
    def draw_it(draw: Any, given: Sizes) -> Any:
        return {"image": draw.normal(size=(given["N"], channels, given["H"], given["W"]))}

    return draw_it


FREE: dict[str, Any] = {"at": {"H": 9, "W": 7}, "grid": {"H": (1, 8), "W": (5, 6)}, "name": "restored"}
"""Of networks that take every size."""
SIZES = ({"N": 1, "H": 96, "W": 96}, {"N": 2, "H": 5, "W": 30})


def espcn() -> Second:
    def make() -> Any:
        from torch_dense_maps import ESPCN

        return ESPCN()

    return case("espcn_x3", {}, make, make, small_picture(1), SIZES, **FREE)


def edsr() -> Second:
    """With scaled branches; twice two pixels."""

    def make(units: int, *given: Any) -> Any:
        from torch_dense_maps import EDSR

        rename = by_rules(
            (r"head", "head.0"), (r"body\.(\d+)", r"body.\1.body"), (r"last", f"body.{units}"),
            (r"up\.(\d)", lambda m: f"tail.0.{2 * int(m[1])}"), (r"tail", "tail.1"),
        )  # fmt: skip
        return named(EDSR(*given), rename)

    small = {"c": 4, "units": 2}
    return case(
        "edsr_x4",
        small,
        lambda: make(2, 4, 4, 2, 0.1),
        lambda: make(32, 4, 256, 32, 0.1),
        small_picture(3),
        SIZES,
        **FREE,
    )


def dncnn() -> Second:
    def make(*given: int) -> Any:
        from torch_dense_maps import DnCNN

        return named(DnCNN(*given), by_rules((r"layers", "dncnn")))

    return case("dncnn", {"depth": 4, "c": 6}, lambda: make(4, 6), lambda: make(), small_picture(1), SIZES, **FREE)


def scse_unet() -> Second:
    def gate(m: re.Match[str]) -> str:
        at = stage(int(m[2]) if m[1] == "down" else 3 - int(m[2]), ".below")
        return f"{at}.{m[1]}.6.{GATES[m[3]]}"

    rename = by_rules(
        (r"se_(down|join)\.(\d)\.(cse\.0|cse\.2|sse)", gate), (r"down\.(\d)", lambda m: f"{stage(int(m[1]), '.below')}.down"),
        (r"(up|join)\.(\d)", lambda m: f"{stage(3 - int(m[2]), '.below')}.{m[1]}"),
        (r"bottom", f"{stage(4, '.below')}.down"), (r"out", "outc"),
    )  # fmt: skip

    def make(*given: int) -> Any:
        from torch_dense_maps import SEUNet

        return named(SEUNet(*given), rename)

    return case(
        "scse_unet", {"c": 4, "classes": 5}, lambda: make(1, 5, 4), lambda: make(1, 28), picture(1, 0),
        ({"N": 1, "H": 16, "W": 16}, {"N": 2, "H": 3, "W": 5}), at={"H": 3, "W": 2}, grid={"H": (1, 4), "W": (2, 3)},
    )  # fmt: skip


GATES = {"cse.0": "channels.fc1", "cse.2": "channels.fc2", "sse": "places.score"}


def scse_sdnet() -> Second:
    def at(i: int) -> str:
        return stage(i, ".below.level")

    kinds = ("conv", "batch_norm")

    def gate(m: re.Match[str]) -> str:
        where = f"{at(int(m[2]))}.down" if m[1] == "down" else f"{at(3 - int(m[2]))}.up"
        return f"{where}.scse.{GATES[m[3]]}"

    rename = by_rules(
        (r"se_(down|join)\.(\d)\.(cse\.0|cse\.2|sse)", gate),
        (r"down\.(\d)\.(\d)", lambda m: f"{at(int(m[1]))}.down.{kinds[int(m[2])]}"),
        (r"join\.(\d)\.(\d)", lambda m: f"{at(3 - int(m[1]))}.up.{kinds[int(m[2])]}"),
        (r"bottom\.(\d)", lambda m: f"{at(4)}.down.{kinds[int(m[1])]}"), (r"out", "classifier"),
    )  # fmt: skip

    def make(*given: int) -> Any:
        from torch_dense_maps import SDNet

        return named(SDNet(*given), rename)

    return case(
        "scse_sdnet", {"c": 8, "k": 3, "classes": 5, "res": 32}, lambda: make(1, 5, 8, 3), lambda: make(), picture(1, 32),
        ({"N": 1, "res": 256}, {"N": 2, "res": 64}),
    )  # fmt: skip


DENSE: dict[str, Callable[[], Second]] = {
    make.__name__: make
    for make in (
        fcn, deeplabv3, lraspp, hrnet, deconvnet, segnet, fcn8s, pspnet, deeplabv3plus, unetpp, unet_3d, espcn, edsr, dncnn,
        scse_unet, scse_sdnet,
    )
}  # fmt: skip
