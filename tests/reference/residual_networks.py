"""The residual networks that ``count_torchvision.py`` counts: what torchvision, timm and pytorchcv have of them."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from torch import nn

Found = list[tuple[str, str, int, nn.Module]]
"""Our variant name, the source, the resolution and the network."""

TIMM = {"dpn92": "dpn92", "dpn98": "dpn98", "senet154": "legacy_senet154"}
"""Our name -> timm's."""

PYTORCHCV: dict[str, tuple[str, str, dict[str, Any]]] = {
    **{f"preact_resnet{n}": ("preresnet", f"preresnet{n}", {}) for n in (18, 34)},
    **{f"preact_resnet{n}": ("preresnet", f"preresnet{n}b", {}) for n in (50, 101, 152, 200)},
    "preact_resnet50_v1": ("preresnet", "preresnet50", {}),
    "pyramidnet101_a360": ("pyramidnet", "pyramidnet101_a360", {}),
    **{f"pyramidnet200_a{a}": ("pyramidnet", "get_pyramidnet", {"blocks": 200, "alpha": a}) for a in (300, 450)},
    "sknet50": ("sknet", "sknet50", {}),
    "sknet101": ("sknet", "sknet101", {}),
    "cbam_resnet50": ("cbamresnet", "cbam_resnet50", {}),
    "bam_resnet50": ("bamresnet", "bam_resnet50", {}),
    "residual_attention56": ("resattnet", "resattnet56", {}),
    "residual_attention92": ("resattnet", "resattnet92", {}),
}
"""Our name -> pytorchcv's module, function and arguments."""

CIFAR: dict[str, tuple[str, dict[str, Any]]] = {
    **{f"resnet{n}_cifar": ("resnet", {"blocks": n, "bottleneck": False}) for n in (20, 32, 44, 56, 110, 1202)},
    **{f"resnet{n}_cifar": ("resnet", {"blocks": n, "bottleneck": True}) for n in (164, 1001)},
    "preact_resnet110_cifar": ("preresnet", {"blocks": 110, "bottleneck": False}),
    **{f"preact_resnet{n}_cifar": ("preresnet", {"blocks": n, "bottleneck": True}) for n in (164, 1001)},
    **{f"stochastic_depth_{n}": ("resdropresnet", {"blocks": n, "bottleneck": False}) for n in (110, 1202)},
    **{f"wrn_{d}_{k}": ("wrn", {"blocks": d, "width_factor": k}) for d, k in ((40, 4), (16, 8), (28, 10))},
    "pyramidnet164_a270_cifar": ("pyramidnet", {"blocks": 164, "alpha": 270, "bottleneck": True}),
    "pyramidnet200_a240_cifar": ("pyramidnet", {"blocks": 200, "alpha": 240, "bottleneck": True}),
    **{f"resnext29_{c}x64d_cifar": ("resnext", {"blocks": 29, "cardinality": c, "bottleneck_width": 64})
       for c in (8, 16)},
}  # fmt: skip
"""The same at 32 x 32, ten classes: our name -> pytorchcv's family and arguments."""

OPTION_A = {
    **{f"resnet{n}_cifar": f"resnet{n}_cifar_a" for n in (20, 32, 44, 56, 110, 1202)},
    "stochastic_depth_110": "stochastic_depth_110_a",
    "preact_resnet110_cifar": "resnet110_full_pre_activation",
}
"""Networks of the table above -> the same without weights in their shortcuts."""


def without_projections(net: Any, zero_pad: Callable[[int], nn.Module]) -> nn.Module:
    """A pytorchcv CIFAR network whose projections are replaced by ``zero_pad``."""
    for unit in net.modules():
        if (old := getattr(unit, "identity_conv", None)) is not None:
            unit.identity_conv = zero_pad(getattr(old, "conv", old).out_channels)
    return net  # type: ignore[no-any-return]


def residual(module: Callable[[str], Any], zero_pad: Callable[[int], nn.Module]) -> Found:
    """All of them, on the current device."""
    vision, timm = module("torchvision"), module("timm")
    theirs, tag = vision.models, f"torchvision {vision.__version__}"
    found: Found = [(name, tag, 224, getattr(theirs, name)()) for name in ("wide_resnet50_2", "wide_resnet101_2")]
    for groups, width in ((2, 64), (1, 100), (8, 14)):
        net = theirs.resnet.ResNet(theirs.resnet.Bottleneck, [3, 4, 23, 3], groups=groups, width_per_group=width)
        found.append((f"resnext101_{groups}x{width}d", f"{tag} ResNet class", 224, net))
    for ours, name in TIMM.items():
        found.append((ours, f"timm {timm.__version__} {name}", 224, timm.create_model(name)))
    tag = f"pytorchcv {version('pytorchcv')}"
    for ours, (file, name, arguments) in PYTORCHCV.items():
        net = getattr(module(f"pytorchcv.models.{file}"), name)(**arguments)
        found.append((ours, f"{tag} {name}", 224, net))
    for ours, (family, arguments) in CIFAR.items():
        make = getattr(module(f"pytorchcv.models.{family}_cifar"), f"get_{family}_cifar")
        found.append((ours, f"{tag} {family}_cifar", 32, make(num_classes=10, **arguments)))
        if ours in OPTION_A:
            net = without_projections(make(num_classes=10, **arguments), zero_pad)
            found.append((OPTION_A[ours], f"{tag} {family}_cifar with zero-padded shortcuts", 32, net))
    return found
