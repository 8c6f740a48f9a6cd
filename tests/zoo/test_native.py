"""Every variant of the zoo at its own resolution in ONNX Runtime, batches of 1 and 3 from one file; nightly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from paths import SPECS
from zoo_models import images

import archdsl
from archdsl import dims
from archdsl.reading import zoo_names

ZOO = zoo_names()
FIGURES = json.loads((SPECS / "figures.json").read_text(encoding="utf-8"))
RUN = [entry["name"] for entry in FIGURES if entry["measured"]["params"] < 400_000_000]
"""Larger ones, Llama for instance, are tried small elsewhere."""


@pytest.mark.nightly
@pytest.mark.parametrize("variant", RUN)
def test_runs_at_its_own_resolution(variant: str, tmp_path: Path) -> None:
    graph = archdsl.load(ZOO[variant]).graph(variant)
    file = tmp_path / "model.onnx"
    archdsl.compile(graph, file)
    onnx.checker.check_model(str(file), full_check=True)
    inputs = images(graph, 3, variant, native=True)
    three = archdsl.run(file, inputs)
    first: dict[Any, Any] = {value.type.shape[0]: slice(1) for value in graph.inputs}
    if "images" in inputs:  # of regions, those that lie in the first picture
        first[graph.inputs[-1].type.shape[0]] = inputs["images"] == 0
    one = archdsl.run(file, {value.name: inputs[value.name][first[value.type.shape[0]]] for value in graph.inputs})
    for name, output in graph.outputs.items():
        sizes = {**graph.defaults, "N": 3}
        assert three[name].shape == tuple(dims.evaluate(size, sizes) for size in output.type.shape)
        assert np.isfinite(three[name]).all() and (three[name][0] != three[name][1]).any()
        scale = float(np.abs(three[name]).max())
        same = three[name][first[output.type.shape[0]]]
        np.testing.assert_allclose(one[name], same, rtol=1e-3, atol=1e-4 * scale)
