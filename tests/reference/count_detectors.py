"""Counts detectors of torchvision into ``counts_detection.csv``: parameters, and multiply-accumulates as PyTorch counts them.

    PYTHONPATH=tests/support python tests/reference/count_detectors.py tests/data

At 800 x 800, as torchvision's own record of operations has it, with 1,000 regions of two stages and 100 masks. The networks
run on PyTorch's meta device. torchvision's record of parameters leaves out the norms of backbones that are frozen in its
checkpoints (53,120 numbers of ResNet-50): here all are counted.
"""

from __future__ import annotations

import csv
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import torch_rcnn
from torch.utils.flop_counter import FlopCounterMode
from torch_centernet import CenterNet
from torch_detectors import detection, heads, regions

TORCHVISION = (
    "retinanet_resnet50_fpn", "retinanet_resnet50_fpn_v2", "fcos_resnet50_fpn", "fasterrcnn_resnet50_fpn",
    "fasterrcnn_resnet50_fpn_v2", "maskrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn_v2",
)  # fmt: skip


PAPERS: dict[str, tuple[Any, int]] = {
    "rcnn_caffenet": (torch_rcnn.RCNN, 0),
    "spp_net": (torch_rcnn.SPPNet, 0),
    "fast_rcnn_vgg16": (lambda: torch_rcnn.FastRCNN(torch_rcnn.VGG16Body()), 2000),
    "faster_rcnn_vgg16": (lambda: torch_rcnn.FasterRCNN(torch_rcnn.VGG16Body()), 300),
    "faster_rcnn_zf": (lambda: torch_rcnn.FasterRCNN(torch_rcnn.ZFBody(), 256), 300),
    "rfcn_resnet101": (torch_rcnn.RFCN, 300),
    "centernet_resnet18": (lambda: CenterNet("BasicBlock", [2, 2, 2, 2]), 0),
    "centernet_resnet101": (lambda: CenterNet("Bottleneck", [3, 4, 23, 3]), 0),
}
SIDES = {"rcnn_caffenet": 227, "spp_net": 224, "centernet_resnet18": 512, "centernet_resnet101": 512}
"""Written from their papers (``tests/support/torch_rcnn.py``, ``torch_centernet.py``), with so many regions of a picture of 600 x 1000."""


def count_paper(name: str) -> tuple[int, int]:
    make, found = PAPERS[name]
    with torch.device("meta"):
        net, rois, images = make(), torch.zeros(found, 4), torch.zeros(found, dtype=torch.int64)
        given = [torch.zeros(1, 3, 600, 1000), rois, images] if found else [torch.zeros(1, 3, *[SIDES[name]] * 2)]
    with FlopCounterMode(display=False) as counter, torch.no_grad(), torch.device("meta"):
        net(*given)
    return sum(p.numel() for p in net.parameters()), counter.get_total_flops() // 2


def count(name: str) -> tuple[int, int]:
    """Parameters and multiply-accumulates of torchvision's detector of this name."""
    with torch.device("meta"):
        net: Any = getattr(detection(), name)(weights=None, weights_backbone=None).eval()
        image, read = torch.zeros(1, 3, 800, 800), torch.zeros(100, 256, 14, 14)
    params = sum(p.numel() for p in net.parameters())
    mask = getattr(net, "roi_heads", None) and net.roi_heads.mask_head
    net = regions(net, 1000) if hasattr(net, "roi_heads") else heads(net)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(image)
        if mask is not None:
            net.roi_heads.mask_predictor(mask(read))
    return params, counter.get_total_flops() // 2


def main(folder: Path) -> None:
    source = f"torchvision {version('torchvision')}, counted by tests/reference/count_detectors.py"
    with (folder / "counts_detection.csv").open("w", newline="") as table:
        rows = csv.writer(table, lineterminator="\n")
        rows.writerow(["variant", "params", "macs", "source"])
        rows.writerows([name, *count(name), source] for name in TORCHVISION)
        for name in PAPERS:
            file = "torch_centernet.py" if name.startswith("centernet") else "torch_rcnn.py"
            source = f"the paper written again, tests/support/{file}, counted by tests/reference/count_detectors.py"
            rows.writerow([name, *count_paper(name), source])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
