"""The zoo is timm's as functions: same weights by name, same image, same scores. See `test_weights_torchvision`, too."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
from onnx_case import generator
from paths import DATA
from zoo_models import VARIANTS, graph_of, images, session_of, structure

NAMES: dict[str, Any] = json.loads((DATA / "names.json").read_text())
"""Networks whose parameter paths are the other library's; see ``test_zoo``."""


def theirs(path: str) -> str:
    """The difference of names."""
    return re.sub(r"\b(two|three)_views\.", "", path)


def other(variant: str) -> Any:
    """timm's network with weights that matter, everywhere."""
    import torch
    from torch_models import timm

    net = timm().create_model(NAMES[variant]["source"].split()[-1])
    for path, value in net.state_dict().items():
        draw = generator(path)
        if value.ndim > 1:
            value.copy_(torch.from_numpy(draw.normal(0, (2 / value[0].numel()) ** 0.5, value.shape)))
        elif value.ndim == 1:
            low, high = (0.5, 1.5) if path.endswith(("running_var", "weight")) else (-0.2, 0.2)
            value.copy_(torch.from_numpy(draw.uniform(low, high, value.shape)))
    return net.eval()


@pytest.mark.reference
@pytest.mark.parametrize("variant", [v for v in NAMES if v in VARIANTS and NAMES[v]["source"].startswith("timm")])
def test_same_scores(variant: str) -> None:
    import torch

    net, graph = other(variant), graph_of(variant)
    (inputs,) = images(graph, 1, variant).values()
    weights = net.state_dict()
    feeds = {path: weights[theirs(path)].numpy() for path in graph.parameters()}
    (found,) = session_of(structure(graph)).run(None, {graph.inputs[0].name: inputs, **feeds})
    with torch.no_grad():
        expected = net(torch.from_numpy(inputs)).numpy()
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()
