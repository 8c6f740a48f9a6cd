"""Every variant of the zoo at its own resolution in ONNX Runtime, batches of 1 and 3 from one file; nightly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

import archdsl
from archdsl.reading import zoo_names

ZOO = zoo_names()


@pytest.mark.nightly
@pytest.mark.parametrize("variant", ZOO)
def test_runs_at_its_own_resolution(variant: str, tmp_path: Path) -> None:
    graph = archdsl.load(ZOO[variant]).graph(variant)
    file = tmp_path / "model.onnx"
    archdsl.compile(graph, file)
    onnx.checker.check_model(str(file), full_check=True)
    (value,) = graph.inputs
    pictures = np.random.default_rng(0).normal(size=(3, *value.type.shape[1:])).astype(np.float32)
    three = archdsl.run(file, {value.name: pictures})
    one = archdsl.run(file, {value.name: pictures[:1]})
    for name, output in graph.outputs.items():
        assert three[name].shape == (3, *output.type.shape[1:])
        assert np.isfinite(three[name]).all() and (three[name][0] != three[name][1]).any()
        scale = float(np.abs(three[name]).max())
        np.testing.assert_allclose(one[name], three[name][:1], rtol=1e-3, atol=1e-4 * scale)
