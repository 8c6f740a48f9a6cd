"""CenterNet from the picture to boxes, against its second source and peaks that are looked for one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from second import checkpoint as saved, lively, singles, tensors
from second_boxes import BOXES

import archdsl
from archdsl import driver
from archdsl.project.compiling import with_weights

CLOSE = 1e-4

pytestmark = pytest.mark.reference


def test_the_same_boxes(tmp_path: Path) -> None:
    """In ONNX Runtime and of the generated module; behind the last peak scores are 0."""
    import onnx
    import torch
    from torch_centernet import peaks
    from torch_module import load_initialisers, module_of, outputs_of

    case = BOXES["centernet"]()
    inputs = case.inputs(np.random.default_rng(5), {"N": 2})
    image = tensors(inputs)["image"]
    net = lively(case.other(), image)
    with torch.no_grad():
        net.hm[2].weight.mul_(0.3)
        wanted = peaks(net(image))
    graph = driver.resolve_target(case.variant)[0].graph(case.variant, **case.small, boxes=True)
    archdsl.compile(with_weights(graph, saved(net, tmp_path / "w.pth"))[0], tmp_path / "w.onnx")
    module = module_of(graph)
    load_initialisers(module, onnx.load(tmp_path / "w.onnx"))
    with torch.no_grad():
        made = outputs_of(module(tensors(singles(inputs))["image"]))
    assert list(graph.outputs) == ["boxes", "scores", "labels"]
    for found in (list(archdsl.run(tmp_path / "w.onnx", singles(inputs)).values()), made):
        for lines, *given in zip(wanted, *found):
            assert 10 < len(lines) <= 100 and len({label for _, _, label in lines}) > 1
            boxes, scores, labels = (one[: len(lines)] for one in given)
            np.testing.assert_allclose(scores, [score for _, score, _ in lines], atol=CLOSE)
            np.testing.assert_allclose(boxes, [box for box, _, _ in lines], atol=CLOSE * 64)
            np.testing.assert_array_equal(labels, [label for _, _, label in lines])
            assert not given[1][len(lines) :].any()
