"""The networks of ``bench_vision.py`` as torchvision and timm have them, or as they are written again for the tests.

``vision_networks.py NAME EXPORTER FOLDER`` writes what ``sequence_networks.py`` does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import sequence_networks
import torch
from sequence_networks import Case, given, normal, write
from torch import Tensor, nn

EXPORTERS = {name: sequence_networks.EXPORTERS[name] for name in ("default", "legacy")}


LOGITS, MASKS = ("logits",), ("masks",)


class Named(nn.Module):
    """A network whose outputs are the spec's, in their order."""

    def __init__(self, net: nn.Module, said: Callable[[Any, Any], Mapping[str, Tensor]]) -> None:
        super().__init__()
        self.net, self.said = net, said

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.said(self.net, {"image": image}).values())


def classifier(name: str, library: str = "torchvision") -> Callable[[], nn.Module]:
    """Of torchvision or timm; videos are torchvision's."""

    def make() -> nn.Module:
        import torch_models

        models = torch_models.timm() if library == "timm" else torch_models.torchvision_models()
        net: Any = models.create_model(name) if library == "timm" else models.get_model(name)
        return Named(net, lambda net, x: {"logits": net(x["image"])})

    return make


def segmenter(name: str) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        from torch_models import torchvision_models

        net: Any = torchvision_models().get_model(name, weights=None, weights_backbone=None)
        return Named(net, lambda net, x: {"masks": net(x["image"])["out"]})

    return make


def detector(module: str, name: str) -> Callable[[], nn.Module]:
    """A case of the tests, as large as it is: its heads."""

    def make() -> nn.Module:
        case = getattr(__import__(module), name)()
        return Named(case.full(), case.outputs)

    return make


def case(
    variant: str, make: Callable[[], nn.Module], *shape: int, map: str = "", outputs: tuple[str, ...] = LOGITS,
    **more: int,
) -> Case:  # fmt: skip
    """From a picture or a clip of this shape."""
    name = "video" if len(shape) == 4 else "image"
    settings = {"res": shape[-1], **more}
    return Case(
        variant, settings, map, make, given(**{name: normal(1, *shape)}), outputs, " x ".join(str(n) for n in shape[1:])
    )


CASES = {
    "ConvNeXt": case("convnext_tiny", classifier("convnext_tiny"), 3, 224, 224, map="torchvision"),
    "RegNet": case("regnety_004", classifier("regnet_y_400mf"), 3, 224, 224, map="torchvision"),
    "EfficientNetV2": case("efficientnet_v2_s", classifier("efficientnet_v2_s"), 3, 224, 224),
    "MobileNetV4": case("mobilenetv4_conv_small", classifier("mobilenetv4_conv_small", "timm"), 3, 224, 224),
    "HRNet": case("hrnet_w18", classifier("hrnet_w18", "timm"), 3, 224, 224),
    "FCN": case("fcn_resnet50", segmenter("fcn_resnet50"), 3, 256, 256, outputs=MASKS),
    "DeepLabV3": case(
        "deeplabv3_mobilenet_v3_large", segmenter("deeplabv3_mobilenet_v3_large"), 3, 256, 256, outputs=MASKS
    ),
    "LR-ASPP": case("lraspp_mobilenet_v3_large", segmenter("lraspp_mobilenet_v3_large"), 3, 256, 256, outputs=MASKS),
    "RetinaNet": case(
        "retinanet_resnet50_fpn", detector("second_boxes", "retinanet"), 3, 320, 320,
        outputs=("cls_logits", "bbox_regression"),
    ),
    "YOLOv8": case(
        "yolov8n", detector("second_onestage", "yolov8"), 3, 640, 640, map="ultralytics",
        outputs=("distances", "logits"),
    ),
    "r3d": case("r3d_18", classifier("r3d_18"), 3, 8, 64, 64, map="torchvision", frames=8),
}  # fmt: skip


def calibrated(net: nn.Module, arguments: tuple[Tensor, ...]) -> None:
    """Running statistics are those of two other inputs: of one, what is left behind its mean would be rounding."""
    from torch_lively import calibrate

    calibrate(net, *[torch.randn(2, *one.shape[1:]) for one in arguments])


if __name__ == "__main__":
    write(CASES, EXPORTERS, *sys.argv[1:], ready=calibrated)
