"""Networks of the zoo made small: in the generated module every parameter gets a gradient, and `--deploy` keeps outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from second import graph_of, singles, tensors
from second_backbones import BACKBONES
from second_boxes import BOXES
from second_dense import DENSE
from second_dense_maps import DENSE_MAPS
from second_maps import MAPS
from second_more import MORE
from second_onestage import ONESTAGE
from second_rcnn import RCNN
from second_speech import SPEECH
from second_vision import VISION

import archdsl
from archdsl.project.compiling import with_weights

CASES = {**MAPS, **BACKBONES, **BOXES, **RCNN, **ONESTAGE, **MORE, **DENSE, **DENSE_MAPS, **SPEECH, **VISION}

BY_NIGHT = {
    "convnext_linear", "convnext_torchvision", "cspresnext", "dla_bottleneck", "efficientnet_v2_timm", "faster_rcnn_zf",
    "faster_v2", "mc3_18", "mobilenet_v4", "r2plus1d_18", "r3d_18", "regnet_torchvision", "regnet_x", "repvgg_a0",
    "repvit_early", "retinanet_v2", "yolov8",
}  # fmt: skip
"""Other cases of a family or of its blocks, and video networks of 30 million parameters, which cannot be made small."""

WITHOUT = {"vqvae": ("encoder.", "before."), "detr": ("decoder.0.self_attn.v_proj.weight",)}
"""Beginnings of parameters without a gradient, by the equations. What chooses the nearest code is no continuous function:
the paper copies the decoder's gradient there while it trains (arXiv:1711.00937, section 3.2). DETR's decoder begins with
zeros (arXiv:2005.12872, section 3.2)."""

TOLERANCE, STIR, DRAWS = 1e-4, 1e-6, 4
"""What is the same; ten times what so small a change of the inputs makes is no difference either."""

pytestmark = pytest.mark.reference


def module(graph: Any, given: list[Any], seed: int) -> Any:
    """The generated one, with random values, and running statistics of these inputs. What is weighed is not cut off."""
    import torch
    from torch_lively import calibrate, enliven
    from torch_module import module_of

    net = enliven(module_of(graph), *given, seed=seed, bias=0.2)
    weighing = [value for path, value in net.named_parameters() if path.endswith("edge_weights")]
    if weighing:
        with torch.no_grad():
            for value in weighing:
                value.abs_()
        calibrate(net, *given)
    return net


def silent(net: Any, given: list[Any]) -> set[str]:
    """What is to be trained and gets no gradient of any output."""
    import torch

    found = net(*given)
    outputs = found.values() if isinstance(found, dict) else found if isinstance(found, tuple) else [found]
    sums = [(one * torch.randn(one.shape)).sum() for one in outputs if one.requires_grad]
    torch.stack(sums).sum().backward()
    trained = [(path, p) for path, p in net.named_parameters() if p.requires_grad]
    assert trained and all(p.grad is None or p.grad.isfinite().all() for _, p in trained)
    return {path for path, p in trained if p.grad is None or not p.grad.any()}


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.nightly] * (n in BY_NIGHT)) for n in CASES])
def test_gradients_reach_every_parameter_and_deploying_keeps_outputs(name: str, tmp_path: Path) -> None:
    """A unit may be cut off by its ReLU for all that is given: then values are drawn again."""
    import torch
    from torch_module import distance, outputs_of

    case = CASES[name]()
    graph = graph_of(case)
    arrays = singles(case.inputs(np.random.default_rng(5), case.sizes))
    given = [tensors(arrays)[value.name] for value in graph.inputs]
    left: set[str] | None = None
    for seed in range(DRAWS):
        net = module(graph, given, seed)
        found = silent(net, given)
        left = found if left is None else left & found
        if not {path for path in left if not path.startswith(WITHOUT.get(name, "\0"))}:
            break
    assert left is not None
    assert {path for path in left if not path.startswith(WITHOUT.get(name, "\0"))} == set()
    assert all(any(path.startswith(one) for path in left) for one in WITHOUT.get(name, ()))

    state = {path: v.numpy() for path, v in net.state_dict().items() if not path.endswith("num_batches_tracked")}
    np.savez(tmp_path / "w.npz", **state)  # type: ignore[arg-type]
    archdsl.compile(with_weights(graph, tmp_path / "w.npz")[0], tmp_path / "m.onnx", deploy=True)
    deployed = archdsl.run(tmp_path / "m.onnx", arrays)
    assert list(deployed) == list(graph.outputs)

    def far(one: list[Any]) -> float:
        """The largest distance of an output of the module."""
        with torch.no_grad():
            return max(distance(a, b) for a, b in zip(one, outputs_of(net(*given)), strict=True))

    if (apart := far(list(deployed.values()))) > TOLERANCE:
        with torch.no_grad():
            stirred = outputs_of(net(*[x * (1 + STIR) if x.is_floating_point() else x for x in given]))
        assert apart <= 10 * far(stirred)
