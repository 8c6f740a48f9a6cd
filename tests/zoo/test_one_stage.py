"""One-stage detectors from the picture to boxes, against their second sources with suppression in plain PyTorch."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from second import Arrays, both_ways, checkpoint as saved, lively, singles, tensors
from second_onestage import ONESTAGE

from archdsl import driver

CLOSE = 1e-4
Decoded = tuple[Any, Any]
"""Corners [N, B, 4], and scores [N, classes, B]."""

pytestmark = pytest.mark.reference


def sure(found: Any) -> Decoded:
    """Of lines: centre and size, how sure it is, classes."""
    import torch

    half = found[..., 2:4] / 2
    corners = torch.cat([found[..., :2] - half, found[..., :2] + half], -1)
    return corners, (found[..., 4:5] * found[..., 5:]).transpose(1, 2)


def yolo(net: Any, image: Any) -> Decoded:
    return sure(net.boxes(net(image)))


def yolov8(net: Any, image: Any) -> Decoded:
    import torch

    x, y, w, h, *scores = net.boxes(net(image)).unbind(1)
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], -1), torch.stack(scores, 1)


def torchvisions(net: Any, image: Any) -> Decoded:
    """Its own anchors and decoding, of each picture; only the best of each class are looked at."""
    import torch
    from torch_models import torchvision_models

    lists = torchvision_models().detection.image_list
    side = image.shape[-1]
    pictures = lists.ImageList(image, [(side, side)] * len(image))
    maps = [*net.backbone(image).values()]
    found = net.head(maps)
    pairs = zip(found["bbox_regression"], net.anchor_generator(pictures, maps))
    boxes = torch.stack([net.box_coder.decode_single(deltas, anchors) for deltas, anchors in pairs]).clamp(0, side)
    scores = found["cls_logits"].softmax(-1)[..., 1:].transpose(1, 2)
    least = scores.topk(min(net.topk_candidates, scores.shape[2]), -1)[0][..., -1:]
    return boxes, scores * (scores >= least)


def efficientdet(net: Any, image: Any) -> Decoded:
    """Nine anchors of four strides a side, three sizes in an octave; deltas are y, x, height and width."""
    import torch

    maps, rows, around = net(image), [], []
    for i, (m, logits) in enumerate(zip(maps[5:], maps[:5])):
        n, _, h, w = m.shape
        stride = image.shape[-1] // w
        parts = [part.permute(0, 2, 3, 1).reshape(n, h * w * 9, -1) for part in (m, logits)]
        rows.append(torch.cat(parts, -1))
        for y in range(h):
            for x in range(w):
                for octave in range(3):
                    for wide, tall in ((1.0, 1.0), (1.4, 0.7), (0.7, 1.4)):
                        side = 4 * stride * 2 ** (octave / 3)
                        around.append([(x + 0.5) * stride, (y + 0.5) * stride, side * wide, side * tall])
        assert 8 * 2**i == stride
    found, (x, y, w, h) = torch.cat(rows, 1), torch.tensor(around).to(image).unbind(-1)
    dy, dx, dh, dw = found[..., :4].unbind(-1)
    most = float(np.log(1000 / 16))
    cx, cy, w, h = x + dx * w, y + dy * h, w * dw.clamp(max=most).exp(), h * dh.clamp(max=most).exp()
    return torch.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], -1), found[..., 4:].sigmoid().transpose(1, 2)


WHOLE: dict[str, tuple[Callable[[Any, Any], Decoded], float, float, int]] = {
    "yolov3": (yolo, 0.45, 0.5, 100),
    "yolov5": (yolo, 0.45, 0.25, 300),
    "yolov8": (yolov8, 0.7, 0.25, 300),
    "yolox": (yolo, 0.45, 0.25, 300),
    "ssd": (torchvisions, 0.45, 0.01, 200),
    "ssdlite": (torchvisions, 0.55, 0.001, 300),
    "efficientdet": (efficientdet, 0.5, 0.05, 100),
}
"""Of a case: what it says of boxes and scores, which overlap is too much, the least score, and how many are given."""


def suppressed(boxes: Any, scores: Any, overlap: float, least: float, most: int) -> Arrays:
    """Class by class; of all the best."""
    import torch
    from torch_boxes import suppress

    every = []
    for one, each in zip(boxes, scores):
        found = []
        for label, score in enumerate(each):
            there = (score > least).nonzero()[:, 0]
            kept = there[suppress(one[there], score[there], overlap)] if len(there) else there
            found += [[*one[k].tolist(), float(score[k]), label] for k in kept]
        found = sorted(found, key=lambda line: -line[4])[:most]
        wide = min(most, each.numel())
        every.append(torch.tensor(found + [[0.0] * 6] * (wide - len(found)), dtype=boxes.dtype))
    whole = torch.stack(every).numpy()
    return {"boxes": whole[..., :4], "scores": whole[..., 4], "labels": whole[..., 5]}


def pair(name: str) -> tuple[Any, Any, Arrays]:
    """Random values, and two pictures; the heads' are made smaller, so that boxes are not all alike."""
    import torch

    case = ONESTAGE[name]()
    inputs = case.inputs(np.random.default_rng(5), {"N": 2})
    net = case.other().double()
    lively(net, tensors(inputs)["image"])
    with torch.no_grad():
        for path, value in net.named_parameters():
            if any(part in path for part in ("predict", "preds", "24.m", "22.cv", "module_list")) and value.ndim != 1:
                value.mul_(0.5)
        if name == "yolov8":
            net.model[22].dfl.conv.weight.copy_(torch.arange(16.0).reshape(1, 16, 1, 1))
    return case, net, inputs


@pytest.mark.parametrize("name", WHOLE)
def test_the_same_boxes(name: str, tmp_path: Path) -> None:
    """In ONNX Runtime and of the generated module: to 1e-4, or four times what the second source in single precision
    differs. Behind a background class labels begin at 1.
    """
    import torch

    decode, *limits = WHOLE[name]
    case, net, inputs = pair(name)
    with torch.no_grad():
        wanted, near = (
            suppressed(*decode(one, tensors(given)["image"]), *limits)
            for one, given in ((net, inputs), (copy.deepcopy(net).float(), singles(inputs)))
        )
    for found in (wanted, near):
        found["labels"] += (found["scores"] > 0) * name.startswith("ssd")
    noise = apart(near, wanted)
    assert noise <= 10 * CLOSE
    there = wanted["scores"] > 0
    assert there.sum(1).min() > 5 and len(set(wanted["labels"][there])) > 1
    graph = driver.resolve_target(case.variant)[0].graph(case.variant, **case.small, boxes=True)
    for given in both_ways(graph, saved(net, tmp_path / "w.pth"), inputs):
        assert set(given) == set(wanted)
        found = {output: np.asarray(value) for output, value in given.items()}
        found["labels"] = np.where(found["scores"] > 0, found["labels"], 0)
        assert apart(found, wanted) <= max(CLOSE, 4 * noise)


def apart(found: Arrays, wanted: Arrays) -> float:
    """How far a line is from the nearest of the others, beside the largest value: two of nearly one score may change
    their places. Scores are compared in their order.
    """
    most = float(np.abs(found["scores"] - wanted["scores"]).max())
    for one, other in zip(lines(found), lines(wanted)):
        far = np.abs(one[:, None] - other[None]).max(-1)
        most = max(most, far.min(0).max() / np.abs(other).max(), far.min(1).max() / np.abs(other).max())
    return most


def lines(found: Arrays) -> Any:
    """[N, most, 6]: box, score and label."""
    return np.concatenate([found["boxes"], found["scores"][..., None], found["labels"][..., None]], -1)
