"""Counts networks that give a value for every place, of torchvision and timm, and those written from their papers.

    python tests/reference/count_dense.py tests/data

writes ``counts_dense.csv`` there. The networks run on PyTorch's meta device; ``torch.utils.flop_counter`` sees every
convolution, two operations for one multiply-accumulate. Those of ``tests/support/torch_segmenters.py`` and
``torch_dense_maps.py`` were written with torch.nn by somebody who had not seen the zoo's. The tests read the file only.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import torch_dense_maps as maps
import torch_hrnet as hrnet
import torch_segmenters as segmenters
from torch_models import timm, torchvision_models

BACKBONES = (
    "fcn_resnet50",
    "fcn_resnet101",
    "deeplabv3_resnet50",
    "deeplabv3_resnet101",
    "deeplabv3_mobilenet_v3_large",
)
HRNETS = ("hrnet_w18", "hrnet_w18_small", "hrnet_w18_small_v2", "hrnet_w32", "hrnet_w48")
RESNETS = {"50": (3, 4, 6, 3), "101": (3, 4, 23, 3)}
PAPERS: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    "deconvnet": (segmenters.DeconvNet, (3, 224, 224)),
    "segnet": (lambda: segmenters.SegNet(19), (3, 1024, 1024)),
    "fcn8s": (segmenters.FCN8s, (3, 500, 500)),
    **{f"pspnet{n}": (lambda d=d: segmenters.PSPNet(150, d), (3, 473, 473)) for n, d in RESNETS.items()},
    **{f"deeplabv3plus_resnet{n}": (lambda d=d: segmenters.DeepLabV3Plus(21, d), (3, 513, 513)) for n, d in RESNETS.items()},
    "unetpp": (maps.UNetPP, (3, 96, 96)),
    "unet_3d": (maps.UNet3D, (3, 132, 132, 116)),
    "espcn_x3": (maps.ESPCN, (1, 180, 320)),
    **{f"edsr_baseline_x{n}": (lambda n=n: maps.EDSR(n), (3, 96, 96)) for n in (2, 4)},
    **{f"edsr_x{n}": (lambda n=n: maps.EDSR(n, 256, 32, 0.1), (3, 96, 96)) for n in (2, 4)},
    "dncnn": (maps.DnCNN, (1, 40, 40)),
    "cdncnn_b": (lambda: maps.DnCNN(20, channels=3), (3, 40, 40)),
    "scse_unet": (lambda: maps.SEUNet(1, 28), (1, 256, 256)),
    "scse_sdnet": (maps.SDNet, (1, 256, 256)),
}  # fmt: skip
"""Our name -> the network, and the shape of its input."""


def count(net: Any, shape: tuple[int, ...]) -> tuple[int, int]:
    """Parameters, and multiply-accumulates of one input."""
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        net.eval()(torch.zeros(1, *shape, device="meta"))
    return sum(p.numel() for p in net.parameters()), int(counter.get_total_flops()) // 2


def build() -> Iterator[tuple[str, str, Any, tuple[int, ...]]]:
    """Name, source, network and the shape of its input."""
    theirs, version = torchvision_models().segmentation, sys.modules["torchvision"].__version__
    bare, picture = {"weights": None, "weights_backbone": None}, (3, 520, 520)
    for name in BACKBONES:
        for ending, aux in (("", False), (" train=1", True)):
            yield name + ending, f"torchvision {version}", getattr(theirs, name)(**bare, aux_loss=aux), picture
    name = "lraspp_mobilenet_v3_large"
    yield name, f"torchvision {version}", getattr(theirs, name)(**bare), picture
    for name in HRNETS:
        yield name, f"timm {timm().__version__}", timm().create_model(name), (3, 224, 224)
    for name in ("hrnet_w18", "hrnet_w48"):
        source = f"PyTorch {torch.__version__}, the head of the paper on timm's branches"
        yield name.replace("hrnet", "hrnetv2"), source, hrnet.hrnet_v2(hrnet.settings(name)), (3, 512, 1024)
    for name, (make, shape) in PAPERS.items():
        yield name, f"PyTorch {torch.__version__}, {make().__class__.__name__} written from its paper", make(), shape


def main(folder: Path) -> None:
    """Write the file."""
    with torch.device("meta"), (folder / "counts_dense.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["variant", "params", "macs", "source"])
        for name, source, net, shape in build():
            table.writerow([name, *count(net, shape), f"{source}, counted by tests/reference/count_dense.py"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
