"""The mobile, searched and dense networks that ``count_torchvision.py`` counts, of torchvision, timm and pytorchcv."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from residual_networks import Found
from torch import nn

RESOLUTIONS = (224, 240, 260, 300, 380, 456, 528, 600)
"""Of EfficientNet-B0 to B7."""

TORCHVISION = {
    **{f"efficientnet_b{i}": res for i, res in enumerate(RESOLUTIONS)},
    **dict.fromkeys(("mobilenet_v3_large", "mobilenet_v3_small"), 224),
    **dict.fromkeys(("mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3"), 224),
}
"""torchvision's name, which is ours too, and the resolution."""

TIMM = {
    "tf_efficientnet_b0": ("tf_efficientnet_b0", 224),
    "mnasnet_a1": ("semnasnet_100", 224),
    "nasnetalarge": ("nasnetalarge", 331),
    "pnasnet5large": ("pnasnet5large", 331),
}
"""Our name -> timm's, and the resolution."""

PYTORCHCV: dict[str, tuple[str, str, int]] = {
    "msdnet22": ("msdnet", "msdnet22", 224),
    **{f"shufflenet_v1_g{g}": ("shufflenet", f"shufflenet_g{g}_w1", 224) for g in (1, 2, 3, 4, 8)},
    **{
        f"densenet_bc_{n}_k{k}": ("densenet_cifar", f"densenet{n}_k{k}_bc_cifar10", 32)
        for n, k in ((100, 12), (190, 40), (250, 24))
    },
}
"""Our name -> pytorchcv's module and function, and the resolution."""


def mobile(module: Callable[[str], Any]) -> Found:
    """Everything, on the device that is set; ``module`` imports by name."""
    vision, timm = module("torchvision"), module("timm")
    theirs, tag = vision.models, f"torchvision {vision.__version__}"
    found: Found = [(name, tag, res, getattr(theirs, name)()) for name, res in TORCHVISION.items()]
    for size in ("large", "small"):
        name = f"mobilenet_v3_{size}"
        make = theirs.mobilenetv3
        rows, last = make._mobilenet_v3_conf(name, width_mult=0.75)
        net: nn.Module = make.MobileNetV3(rows, last)
        found.append((f"{name}_w0_75", f"{tag} with width_mult = 0.75", 224, net))
    for ours, (name, res) in TIMM.items():
        found.append((ours, f"timm {timm.__version__} {name}", res, timm.create_model(name)))
    for ours, (file, name, res) in PYTORCHCV.items():
        net = getattr(module(f"pytorchcv.models.{file}"), name)()
        found.append((ours, f"pytorchcv {version('pytorchcv')} {name}", res, net))
    return found
