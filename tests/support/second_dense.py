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


NARROW = {"widths": [8, 16, 32, 64], "modules": [1, 2, 1], "n": 1, "first": [16, 1], "classes": 5, "res": 64}
"""Several modules of one unit a branch, with narrow branches: the exchange is what is compared."""


def narrow() -> dict[str, Any]:
    """The same as timm's settings."""
    from torch_hrnet import settings

    found = settings("hrnet_w18_small_v2")
    for i, times in enumerate((1, 2, 1)):
        widths = tuple(8 * 2**k for k in range(i + 2))
        found[f"stage{i + 2}"].update(num_modules=times, num_blocks=(1,) * (i + 2), num_channels=widths)
    found["stage1"].update(num_blocks=(1,), num_channels=(16,))
    return found


def hrnet() -> Second:
    def make(small: bool) -> Any:
        from torch_hrnet import settings
        from torch_models import timm

        given, classes = (narrow(), 5) if small else (settings("hrnet_w18_small_v2"), 1000)
        return timm().models.hrnet.HighResolutionNet(given, num_classes=classes)

    return case(
        "hrnet_w18_small_v2", NARROW, lambda: make(True), lambda: make(False), picture(3, 64),
        ({"N": 1, "res": 224}, {"N": 2, "res": 96}), name="logits",
    )  # fmt: skip


def hrnet_v2() -> Second:
    def make(small: bool) -> Any:
        from torch_hrnet import hrnet_v2, settings

        return hrnet_v2(narrow(), 5) if small else hrnet_v2(settings("hrnet_w18"))

    return case(
        "hrnetv2_w18", {**NARROW, "width": 96}, lambda: make(True), lambda: make(False),
        lambda draw, n: {"image": draw.normal(size=(n["N"], 3, n.get("res", 64), n.get("width", 96)))},
        ({"N": 1, "res": 512, "width": 1024}, {"N": 2, "res": 96, "width": 64}),
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


def visualiser() -> Second:
    """A gradient with rules of its own, against the way back written out."""
    places = ["", ".pooled.layer", ".pooled.layer.pooled.layer"]
    places += [places[2] + ".layer", places[2] + ".layer.layer"]
    rename = by_rules((r"convs\.(\d)", lambda m: f"layer{places[int(m[1])]}.conv"))

    def make(*given: int) -> Any:
        from torch_visualiser import Visualiser

        return named(Visualiser(*given), rename)

    def draw_it(draw: Any, size: Sizes) -> Any:
        n, side = size["N"], size.get("res", 70)
        small = (side - 5) // 16
        features = 8 * (32 if "res" in size else 4)
        return {
            "image": draw.normal(size=(n, 3, side, side)), "seen": draw.uniform(0, 1, (n, features, small, small)),
        }  # fmt: skip

    return Second(
        "zeiler_visualiser", {"c": 4, "res": 70}, "", lambda: make(4), draw_it,
        lambda net, x: {"pixels": net(x["image"], x["seen"])}, {"N": 2}, {"N": (1, 3)}, make,
        ({"N": 1, "res": 224}, {"N": 2, "res": 100}),
    )  # fmt: skip


DENSE: dict[str, Callable[[], Second]] = {
    make.__name__: make
    for make in (fcn, deeplabv3, lraspp, hrnet, hrnet_v2, deconvnet, segnet, fcn8s, pspnet, deeplabv3plus, visualiser)
}
