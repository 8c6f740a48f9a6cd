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
from torch.utils.flop_counter import FlopCounterMode
from torch_detectors import detection, heads, regions

TORCHVISION = (
    "retinanet_resnet50_fpn", "retinanet_resnet50_fpn_v2", "fcos_resnet50_fpn", "fasterrcnn_resnet50_fpn",
    "fasterrcnn_resnet50_fpn_v2", "maskrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn_v2",
)  # fmt: skip


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


if __name__ == "__main__":
    main(Path(sys.argv[1]))
