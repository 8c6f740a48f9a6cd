"""Counts one-stage detectors as others define them: parameters that are trained, and multiply-accumulates.

    python tests/reference/count_onestage.py tests/data

writes ``counts_onestage.csv`` there. Needs torch, torchvision, timm, ultralytics, yolov5 and effdet; networks run on
PyTorch's meta device where they can. The modules of ``tests/support`` are written from the papers.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

SUPPORT = Path(__file__).parents[1] / "support"
sys.path.insert(0, str(SUPPORT))
SIZES = {
    "n": (0.33, 0.25, 1024),
    "s": (0.33, 0.5, 1024),
    "m": (0.67, 0.75, 768),
    "l": (1.0, 1.0, 512),
    "x": (1.0, 1.25, 512),
}
"""Of YOLOv8: depth, width, the most channels of the coarsest maps before ``width``."""

Row = tuple[str, str, Callable[[], Any], int, Callable[[Any, torch.Tensor], Any]]


def plain(net: Any, x: torch.Tensor) -> Any:
    return net(x)


def ultralytics() -> Iterator[Row]:
    from ultralytics.nn.tasks import DetectionModel, SegmentationModel

    tag = f"ultralytics {version('ultralytics')}"
    for size in SIZES:
        name = f"yolov8{size}"
        yield name, f"{tag} {name}.yaml", lambda name=name: DetectionModel(f"{name}.yaml", verbose=False), 640, plain
    yield (
        "yolov8n_seg",
        f"{tag} yolov8n-seg.yaml",
        lambda: SegmentationModel("yolov8n-seg.yaml", verbose=False),
        640,
        plain,
    )


def yolov5() -> Iterator[Row]:
    sys.modules.setdefault("seaborn", ModuleType("seaborn"))  # it draws curves of training
    import yolov5
    from yolov5.models.yolo import Model

    folder = Path(yolov5.__file__).parent / "models"
    for size in "ns":
        name = f"yolov5{size}"
        yield (
            name,
            f"yolov5 {version('yolov5')} {name}.yaml",
            lambda name=name: Model(folder / f"{name}.yaml"),
            640,
            plain,
        )


def others() -> Iterator[Row]:
    """timm's, torchvision's and effdet's."""
    from torch_models import timm, torchvision_models

    models = torchvision_models()
    tag = f"torchvision {version('torchvision')}"
    yield "darknet53", f"timm {version('timm')} darknet53", lambda: timm().create_model("darknet53"), 256, plain
    ssd = models.detection.ssd300_vgg16
    for name, classes in (("ssd300_vgg16", 91), ("ssd300_voc", 21)):

        def net(classes: int = classes) -> Any:
            return ssd(weights=None, weights_backbone=None, num_classes=classes)

        yield name, f"{tag} ssd300_vgg16 of {classes} classes", net, 300, headless
    lite = models.detection.ssdlite320_mobilenet_v3_large
    name = "ssdlite320_mobilenet_v3_large"
    yield name, f"{tag} {name}", lambda: lite(weights=None, weights_backbone=None), 320, headless

    import effdet

    for name in ("efficientdet_d0", "tf_efficientdet_d0"):
        config = effdet.get_efficientdet_config(name)

        def make(config: Any = config) -> Any:
            return effdet.EfficientDet(config, pretrained_backbone=False)

        yield name, f"effdet {version('effdet')} {name}", make, 512, plain


def headless(net: Any, x: torch.Tensor) -> Any:
    """torchvision's detector without what needs compiled operators."""
    return net.head([*net.backbone(x).values()])


def papers() -> Iterator[Row]:
    from torch_efficientdet import EfficientDet
    from torch_yolo import Darknet53, YoloV1, YoloV3
    from torch_yolo_csp import YoloV5, YoloV8
    from torch_yolox import YoloX

    def boxes(net: Any, x: torch.Tensor) -> Any:
        """With the means of the distributions, which are a convolution."""
        found = net(x)
        bins = torch.cat([m.flatten(2) for m in found[:3]], 2)[:, :64]
        return net.model[22].dfl.conv(bins.reshape(len(x), 4, 16, -1).softmax(2).transpose(1, 2))

    for size, (depth, width, most) in SIZES.items():

        def make(masks: int = 0, sizes: Any = (depth, width, most)) -> Any:
            return YoloV8(80, *sizes, masks=masks)

        yield f"yolov8{size}", "torch_yolo_csp.py", make, 640, boxes
        if size == "n":
            yield "yolov8n_seg", "torch_yolo_csp.py", lambda make=make: make(32), 640, boxes
    for size in "ns":
        yield f"yolov5{size}", "torch_yolo_csp.py", lambda size=size: YoloV5(80, *SIZES[size][:2]), 640, plain
    yield "yolox_s", "torch_yolox.py", YoloX, 640, plain
    yield "yolov3", "torch_yolo.py", YoloV3, 416, plain
    yield "darknet53", "torch_yolo.py", lambda: Darknet53(classes=1000), 256, plain
    yield "yolo_v1", "torch_yolo.py", lambda: YoloV1(norms=False), 448, plain
    yield "yolo_v1_cfg", "torch_yolo.py", lambda: YoloV1(boxes=3, local=True), 448, plain
    yield "tf_efficientdet_d0", "torch_efficientdet.py", EfficientDet, 512, plain


def count(make: Callable[[], Any], res: int, call: Callable[[Any, torch.Tensor], Any], device: str) -> tuple[int, int]:
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device(device):
        net, counter = make().eval(), FlopCounterMode(display=False)
        with counter, torch.no_grad():
            call(net, torch.zeros(1, 3, res, res))
    return sum(p.numel() for p in net.parameters() if p.requires_grad), int(counter.get_total_flops()) // 2


def main(folder: Path) -> None:
    rows = [["variant", "params", "macs", "source"]]
    for source in (others, ultralytics, yolov5, papers):
        for name, tag, make, res, call in source():
            device = "meta" if source in (others, papers) else "cpu"
            tag = f"{tag}, written from the paper" if source is papers else tag
            found = count(make, res, call, device)
            rows.append([name, *map(str, found), f"{tag}, counted by tests/reference/count_onestage.py"])
            print(*rows[-1])
    with (folder / "counts_onestage.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
