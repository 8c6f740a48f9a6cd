"""CenterNet from the picture to boxes, against its second source and peaks that are looked for one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from second import both_ways, checkpoint as saved, lively, tensors
from second_boxes import BOXES

from archdsl import driver

CLOSE = 1e-4

pytestmark = pytest.mark.reference


def test_the_same_boxes(tmp_path: Path) -> None:
    """In ONNX Runtime and of the generated module; behind the last peak scores are 0."""
    import torch
    from torch_centernet import peaks

    case = BOXES["centernet"]()
    inputs = case.inputs(np.random.default_rng(5), {"N": 2})
    image = tensors(inputs)["image"]
    net = lively(case.other(), image)
    with torch.no_grad():
        net.hm[2].weight.mul_(0.3)
        wanted = peaks(net(image))
    graph = driver.resolve_target(case.variant)[0].graph(case.variant, **case.small, boxes=True)
    assert list(graph.outputs) == ["boxes", "scores", "labels"]
    for found in both_ways(graph, saved(net, tmp_path / "w.pth"), inputs):
        for lines, *given in zip(wanted, *found.values()):
            assert 10 < len(lines) <= 100 and len({label for _, _, label in lines}) > 1
            boxes, scores, labels = (one[: len(lines)] for one in given)
            np.testing.assert_allclose(scores, [score for _, score, _ in lines], atol=CLOSE)
            np.testing.assert_allclose(boxes, [box for box, _, _ in lines], atol=CLOSE * 64)
            np.testing.assert_array_equal(labels, [label for _, _, label in lines])
            assert not given[1][len(lines) :].any()
