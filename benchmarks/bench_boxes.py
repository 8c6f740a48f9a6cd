"""What detectors do behind their heads, timed apart: anchors, decoding, choosing and suppression, from heads to boxes.

Ours: the time in ONNX Runtime of the network with ``boxes = true``, less that of its heads, in turns. Theirs: the time
that torchvision's detector with the same weights spends in ``postprocess_detections``, with its compiled suppression
where that loads (`pytest -m compiled` has such an environment), else in plain PyTorch. One picture, one thread,
processor time. Weights are random, so that hundreds of boxes of many classes are suppressed: more than in photographs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from bench_sequences import Timed, missing
from measure import ROOT, verdict

import archdsl
from archdsl import driver

sys.path.insert(0, str(ROOT / "tests" / "support"))

NEEDED = ("torch", "torchvision")
CASES: dict[str, tuple[dict[str, Any], int, tuple[str, ...]]] = {
    "ssdlite320_mobilenet_v3_large": ({}, 320, ("classification_head", "regression_head")),
    "ssd300_vgg16": ({}, 300, ("classification_head", "regression_head")),
    "retinanet_resnet50_fpn": ({"res": 320}, 320, ("cls_logits", "bbox_reg")),
    "fcos_resnet50_fpn": ({"res": 320}, 320, ("cls_logits", "bbox_reg")),
}
"""Variant: its settings, pixels a side, and the layers whose values are made smaller, so that scores differ."""


def theirs(name: str, image: Any) -> tuple[Any, list[float], bool]:
    """torchvision's detector with random values, the seconds of its post-processing, and whether that is compiled."""
    import torch
    import torchvision
    from second import lively
    from torch_detectors import as_given, detection

    compiled = torchvision.extension._has_ops()
    suppression = torchvision.ops.boxes.nms
    models = detection()
    if compiled:
        torchvision.ops.boxes.nms = suppression
    net = as_given(getattr(models, name)(weights=None, weights_backbone=None), image.shape[-1])
    lively(net, image.double())
    with torch.no_grad():
        for path, value in net.named_parameters():
            if any(layer in path for layer in CASES[name][2]):
                value.mul_(0.3)
    net, inner, seconds = net.float(), net.postprocess_detections, []

    def timed(*given: Any) -> Any:
        start = time.process_time()
        found = inner(*given)
        seconds.append(time.process_time() - start)
        return found

    net.postprocess_detections = timed
    return net, seconds, compiled


def compare(name: str, rounds: int, folder: Path) -> list[str]:
    """Print the times of one detector, and say whether its boxes are others."""
    import torch
    from second import checkpoint
    from torch_models import torchvision_models

    torchvision_models()
    torch.set_num_threads(1)
    settings, side, _ = CASES[name]
    image = torch.from_numpy(np.random.default_rng(5).normal(size=(1, 3, side, side)).astype(np.float32))
    net, seconds, compiled = theirs(name, image)
    weights, timed = checkpoint(net, folder / "w.pth"), []
    program, variant = driver.resolve_target(name)
    for boxes in (False, True):
        model = folder / f"{name}_{boxes}.onnx"
        archdsl.compile(program.graph(variant, **settings, boxes=boxes), model, weights=weights)
        timed.append(Timed(model, {"image": image.numpy()}, 1))
    heads, whole = timed
    times: list[tuple[float, float]] = []
    with torch.no_grad():
        for _ in range(rounds + 1):  # the first is not counted
            times.append((heads.run(), whole.run()))
            (found,) = net(list(image))
    own = median(b - a for a, b in times[1:])
    plain = "compiled" if compiled else "plain"
    print(
        f"{name:30s} {median(a for a, _ in times[1:]) * 1e3:8.1f} ms heads {own * 1e3:7.1f} ms behind them"
        f" {median(seconds[-rounds:]) * 1e3:8.1f} ms torchvision's ({plain}) {len(found['scores']):4d} boxes",
        flush=True,
    )
    scores = np.sort(whole.session.run(["scores"], whole.inputs)[0][0])[::-1][: len(found["scores"])]
    far = float(np.abs(scores - np.sort(found["scores"].numpy())[::-1]).max(initial=0))
    return [f"{name}: scores differ by {far:.1e}"] if far > 1e-3 or len(found["scores"]) < 10 else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("detectors", nargs="*", help="some of the detectors; default: all", metavar="DETECTOR")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--smoke", action="store_true", help="few rounds of the smallest one")
    options = parser.parse_args()
    if missing(NEEDED):
        return
    broken = []
    with tempfile.TemporaryDirectory() as folder:
        for name in options.detectors or list(CASES)[: 1 if options.smoke else None]:
            broken += compare(name, 2 if options.smoke else options.rounds, Path(folder))
    verdict(broken)


if __name__ == "__main__":
    main()
