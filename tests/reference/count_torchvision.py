"""Counts torchvision's, timm's and pytorchcv's definitions: parameters, multiply-accumulates, names and shapes.

    python tests/reference/count_torchvision.py tests/data

writes ``counts.csv`` and ``names.json`` there. The networks run on PyTorch's meta device, so nothing is allocated and
the weights do not matter; forward hooks read the output shape of every convolution and linear layer. Needs torch,
torchvision, timm and pytorchcv (the versions used are in the files); the tests read the files and need none of them.
"""

from __future__ import annotations

import csv
import importlib
import json
import math
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from mobile_networks import mobile
from residual_networks import Found, residual
from torch import nn

TORCHVISION = [
    "alexnet",
    "vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn",
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d",
    "resnext101_32x8d", "resnext101_64x4d",
    "densenet121", "densenet161", "densenet169", "densenet201", "googlenet", "squeezenet1_0", "squeezenet1_1",
    "shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "shufflenet_v2_x1_5", "shufflenet_v2_x2_0",
]  # fmt: skip
"""Counted at 224 x 224 under torchvision's own name, which is ours too."""

TIMM = {
    "seresnet50": "seresnet50",
    "seresnet101": "seresnet101",
    "seresnet152": "seresnet152",
    "seresnet50_v1": "legacy_seresnet50",
    "seresnet101_v1": "legacy_seresnet101",
    "seresnet152_v1": "legacy_seresnet152",
    "seresnext50_32x4d": "seresnext50_32x4d",
    "seresnext101_32x4d": "seresnext101_32x4d",
    "resnext101_32x4d": "resnext101_32x4d",
    **{f"repvgg_{n}": f"repvgg_{n}" for n in ("a0", "a1", "a2", "b0", "b1", "b1g4", "b2", "b2g4", "b3", "b3g4")},
    "nf_resnet50": "nf_resnet50",
    "nf_resnet101": "nf_resnet101",
}
"""Our name -> timm's."""

TIMM_299 = {
    "inception_v4": "inception_v4",
    "inception_resnet_v2": "inception_resnet_v2",
    "xception": "legacy_xception",
}
"""The same at 299 x 299."""

PYTORCHCV = {
    "bn_inception": ("bninception", "bninception", 224),
    "inception_resnet_v1": ("inceptionresnetv1", "inceptionresnetv1", 299),
    "nin_cifar10": ("nin_cifar", "nin_cifar10", 32),
    "polynet": ("polynet", "polynet", 331),
    "zfnet": ("zfnet", "zfnet", 224),
}
"""Our name -> pytorchcv's module and function, and the resolution."""

NAMED = ["alexnet", "vgg11", "vgg11_bn", "resnet18", "resnet50", "resnext50_32x4d", "densenet121", "googlenet",
         "squeezenet1_0", "squeezenet1_1", "shufflenet_v2_x1_0", "mobilenet_v2", "inception_v3", "inception_v4",
         "inception_resnet_v2", "wide_resnet50_2", "efficientnet_b0", "mobilenet_v3_large", "mobilenet_v3_small",
         "mnasnet1_0", "repvgg_a0"]  # fmt: skip
"""Networks whose parameter names and shapes are recorded."""


def module(name: str) -> Any:
    """Import ``name``; torchvision also where its compiled detection operators do not fit the installed torch."""
    try:
        return importlib.import_module(name)
    except RuntimeError:
        for loaded in [key for key in sys.modules if key.split(".")[0] in ("torchvision", "timm")]:
            del sys.modules[loaded]
        torch.library.register_fake = lambda *_, **__: lambda function: function
        return importlib.import_module(name)


def count(net: nn.Module, res: int) -> tuple[int, int]:
    """Trainable parameters without auxiliary heads, and multiply-accumulates of one inference at ``res`` x ``res``."""
    macs = 0

    def hook(layer: Any, _: Any, output: torch.Tensor) -> None:
        nonlocal macs
        fan_in = math.prod(layer.weight.shape[1:])
        macs += output.numel() * fan_in

    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(hook)
    net.eval()(torch.zeros(1, 3, res, res, device="meta"))
    heads = ("aux1.", "aux2.", "AuxLogits.")
    return sum(p.numel() for n, p in net.named_parameters() if not n.startswith(heads)), macs


def early(net: Any) -> nn.Module:
    """A torchvision ResNet with every stride moved from the 3x3 into the first 1x1, as published in 2015."""
    for block in net.modules():
        if hasattr(block, "conv3"):
            block.conv1.stride, block.conv2.stride = block.conv2.stride, (1, 1)
    return net  # type: ignore[no-any-return]


class ZeroPad(nn.Module):
    """Option A: every second position, then channels of zeros."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x[:, :, ::2, ::2]
        return nn.functional.pad(x, (0, 0, 0, 0, 0, self.channels - x.shape[1]))


def option_a(net: Any) -> nn.Module:
    """A torchvision ResNet whose projections are replaced by :class:`ZeroPad`."""
    for block in net.modules():
        if getattr(block, "downsample", None) is not None:
            block.downsample = ZeroPad(block.downsample[0].out_channels)
    return net  # type: ignore[no-any-return]


def with_lrn(net: Any) -> nn.Module:
    """A torchvision VGG with response normalisation after its first ReLU (configuration A-LRN)."""
    net.features.insert(2, nn.LocalResponseNorm(5))
    return net  # type: ignore[no-any-return]


def build() -> Found:
    """Everything that is counted, on the meta device."""
    vision, timm = module("torchvision"), module("timm")
    theirs, tag = vision.models, f"torchvision {vision.__version__}"
    found: Found = []
    with torch.device("meta"):
        for name in TORCHVISION:
            options = {"init_weights": False, "aux_logits": True} if name == "googlenet" else {}
            found.append((name, tag, 224, getattr(theirs, name)(**options)))
        for ours, name in TIMM.items():
            found.append((ours, f"timm {timm.__version__} {name}", 224, timm.create_model(name)))
        found += parallel(theirs, tag, timm)
        found += modified(theirs, tag)
        found += residual(module, ZeroPad)
        for width in (1.0, 1.4, 1.3, 0.75, 0.5, 0.35):
            for res in (224, 192, 160, 128, 96) if width <= 1 else (224,):
                found.append((variant("mobilenet_v2", width, res), tag, res, theirs.mobilenet_v2(width_mult=width)))
        make = module("timm.models.efficientnet")._gen_mobilenet_v1
        for width in (1.0, 0.75, 0.5, 0.25):
            for res in (224, 192, 160, 128):
                net = make("mobilenetv1_100", channel_multiplier=width)
                found.append((variant("mobilenet_v1", width, res), f"timm {timm.__version__}", res, net))
        found += mobile(module)
    return found


def parallel(theirs: Any, tag: str, timm: Any) -> Found:
    """The networks of parallel branches, and what is only in pytorchcv."""
    found: Found = [("inception_v3", tag, 299, theirs.inception_v3(init_weights=False))]
    for ours, name in TIMM_299.items():
        found.append((ours, f"timm {timm.__version__} {name}", 299, timm.create_model(name)))
    for ours, (file, name, res) in PYTORCHCV.items():
        net = getattr(module(f"pytorchcv.models.{file}"), name)()
        found.append((ours, f"pytorchcv {version('pytorchcv')} {name}", res, net))
    return found


def modified(theirs: Any, tag: str) -> Found:
    """Networks that torchvision's classes give with other arguments or a small change."""
    found: Found = [
        (f"resnet{n}_v1", f"{tag} with the stride moved to the first 1x1", 224, early(getattr(theirs, f"resnet{n}")()))
        for n in (50, 101, 152)
    ]
    for n in (18, 34):
        net = option_a(getattr(theirs, f"resnet{n}")())
        found.append((f"resnet{n}_a", f"{tag} with zero-padded shortcuts", 224, net))
    for groups, width in ((2, 40), (4, 24), (8, 14)):
        net = theirs.resnet.ResNet(theirs.resnet.Bottleneck, [3, 4, 6, 3], groups=groups, width_per_group=width)
        found.append((f"resnext50_{groups}x{width}d", f"{tag} ResNet class", 224, net))
    found.append(("vgg11_lrn", f"{tag} vgg11 with LocalResponseNorm", 224, with_lrn(theirs.vgg11())))
    return found


def variant(family: str, width: float, res: int) -> str:
    """``mobilenet_v2_w0_5 res=192``; width 1 and resolution 224 are not spelled."""
    return family + (f"_w{width:g}".replace(".", "_") if width != 1 else "") + (f" res={res}" if res != 224 else "")


def main(folder: Path) -> None:
    """Write both files."""
    names: dict[str, Any] = {}
    rows: list[list[Any]] = [["variant", "params", "macs", "source"]]
    for name, source, res, net in build():
        rows.append([name, *count(net, res), f"{source}, counted by tests/reference/count_torchvision.py"])
        if name in NAMED:
            state = net.state_dict()
            names[name] = {
                "source": source,
                "tensors": {k: list(v.shape) for k, v in state.items() if not k.endswith("num_batches_tracked")},
            }
    with (folder / "counts.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    (folder / "names.json").write_text(json.dumps(names, indent=0) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
