"""Every variant of the zoo at its own resolution in ONNX Runtime, batches of 1 and 3 from one file; nightly."""

from __future__ import annotations

import json
from pathlib import Path

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
    one = archdsl.run(file, {name: value[:1] for name, value in inputs.items()})
    for name, output in graph.outputs.items():
        assert three[name].shape == (3, *[dims.evaluate(size, graph.defaults) for size in output.type.shape[1:]])
        assert np.isfinite(three[name]).all() and (three[name][0] != three[name][1]).any()
        scale = float(np.abs(three[name]).max())
        np.testing.assert_allclose(one[name], three[name][:1], rtol=1e-3, atol=1e-4 * scale)
