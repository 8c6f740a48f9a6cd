"""Whole detectors, from the picture to boxes, against torchvision's with suppression and regions in plain PyTorch."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from second import both_ways, checkpoint as saved, lively, singles, tensors
from second_boxes import BOXES, DEPTHS
from second_rcnn import RCNN

import archdsl
from archdsl import driver
from archdsl.project.compiling import with_weights

CLOSE = 1e-4

pytestmark = pytest.mark.reference


def retinanet(v2: bool = False) -> Any:
    from torch_detectors import retinanet

    return retinanet(DEPTHS, 64, 5, v2)


def fcos() -> Any:
    from torch_detectors import fcos

    return fcos(DEPTHS, 64, 5)


def faster(v2: bool, masks: bool) -> Any:
    from torch_detectors import faster_rcnn

    return faster_rcnn(DEPTHS, 32, 5, 48, 12, 20, v2, masks)


WHOLE: dict[str, tuple[str, Callable[[], Any], int, tuple[str, ...]]] = {
    "retinanet_resnet50_fpn": ("retinanet", retinanet, 300, ("cls_logits", "bbox_reg")),
    "retinanet_resnet50_fpn_v2": ("retinanet_v2", lambda: retinanet(True), 300, ("cls_logits", "bbox_reg")),
    "fcos_resnet50_fpn": ("fcos", fcos, 100, ("cls_logits", "bbox_reg")),
    "fasterrcnn_resnet50_fpn": ("faster", lambda: faster(False, False), 20, ("cls_score", "bbox_pred")),
    "fasterrcnn_resnet50_fpn_v2": ("faster_v2", lambda: faster(True, False), 20, ("cls_score", "bbox_pred")),
    "maskrcnn_resnet50_fpn": ("faster", lambda: faster(False, True), 20, ("cls_score", "bbox_pred")),
    "maskrcnn_resnet50_fpn_v2": ("faster_v2", lambda: faster(True, True), 20, ("cls_score", "bbox_pred")),
}
"""Of a variant: the case of its heads, the detector to boxes, how many it gives, and the layers whose values are made smaller."""


def detector(name: str) -> tuple[Any, Any]:
    """With random values, so that scores are neither all alike nor all 1; and two pictures."""
    import torch

    case, make, _, last = WHOLE[name]
    inputs = BOXES[case]().inputs(np.random.default_rng(5), {"N": 2})
    net = make().double()
    lively(net, tensors(inputs)["image"])
    with torch.no_grad():
        for path, value in net.named_parameters():
            if any(layer in path for layer in last):
                value.mul_(0.3)
    return net, inputs


BY_NIGHT = {"retinanet_resnet50_fpn_v2", "fasterrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn"}
"""Those of which the other version is compared by day."""


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.nightly] * (n in BY_NIGHT)) for n in WHOLE])
def test_the_same_boxes(name: str, tmp_path: Path) -> None:
    """In ONNX Runtime and of the generated module: to 1e-4, or four times what torchvision's in single precision differ."""
    import torch
    from torch_detectors import found

    case, most = BOXES[WHOLE[name][0]](), WHOLE[name][2]
    net, inputs = detector(name)
    with torch.no_grad():
        wanted, near = (
            {key: value.numpy() for key, value in found(one, tensors(given)["image"], most).items()}
            for one, given in ((net, inputs), (copy.deepcopy(net).float(), singles(inputs)))
        )
    there = wanted["scores"] > 0
    assert there[0].sum() > 10 and there.any(1).all()
    graph = driver.resolve_target(name)[0].graph(name, **case.small, boxes=True)
    for given in both_ways(graph, saved(net, tmp_path / "w.pth"), inputs):
        assert set(given) == set(wanted)
        for (
            output,
            value,
        ) in wanted.items():  # line by line: where the score is 0, the box is zeros, and nothing else is said
            line = there.reshape(*there.shape, *[1] * (value.ndim - 2))
            got = given[output] if output in ("boxes", "scores") else np.where(line, given[output], 0)
            noise = np.abs(near[output].astype("float64") - value).max()
            scale = np.abs(value).max()
            assert np.abs(got - value).max() <= max(CLOSE * scale, 4 * noise), output
            assert noise < 50 * CLOSE * scale, output


@pytest.mark.parametrize("name", ["faster_rcnn_vgg16", "faster_rcnn_zf"])
def test_the_same_boxes_as_the_paper_written_again(name: str, tmp_path: Path) -> None:
    """Where fewer than twelve regions are proposed, too: what stands in place of the others is no region."""
    import torch
    from torch_boxes import suppress

    case = RCNN[name]()
    net, inputs = lively(case.other()), case.inputs(np.random.default_rng(3), {"N": 2})
    with torch.no_grad():
        net.cls_score.weight.mul_(0.03)
        net.bbox_pred.weight.mul_(0.02)
    graph = driver.resolve_target(name)[0].graph(name, **case.small, boxes=True, most=20)
    whole, _ = with_weights(graph, saved(net, tmp_path / "w.pth"))
    archdsl.compile(whole, tmp_path / "w.onnx")
    given = archdsl.run(tmp_path / "w.onnx", singles(inputs))
    for i, image in enumerate(tensors(inputs)["image"]):
        with torch.no_grad():
            _, scores, boxes = net.boxes(image[None], most=12)
        lines: list[list[float]] = []
        for label in range(1, scores.shape[1]):
            there = scores[:, label] > 0.05
            near, sure = boxes[there, label], scores[there, label]
            lines += [[float(sure[k]), label, *near[k].tolist()] for k in suppress(near, sure, 0.3, plus=1.0)]
        wanted = np.array(sorted(lines, reverse=True)[:20])
        count = len(wanted)
        found = np.concatenate([given["scores"][i, :, None], given["labels"][i, :, None], given["boxes"][i]], 1)
        np.testing.assert_allclose(found[:count], wanted, atol=1e-2, rtol=1e-4)
        assert count > 5 and not given["scores"][i, count:].any()
