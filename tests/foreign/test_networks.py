"""Whole models of other tools: figures, names and paths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from foreign_models import drawn, model, saved
from onnx import TensorProto, helper
from onnx_counter import counted

import archdsl
from archdsl.diagnostics import DiagnosticError


@pytest.fixture
def cnn(tmp_path: Path) -> Path:
    """A convolution, a mean and a layer, with names that are no identifiers."""
    node = helper.make_node
    nodes = [
        node("Conv", ["x.1", "stem.conv.weight", "stem.conv.bias"], ["1"], "/stem/conv/Conv", pads=[1, 1, 1, 1]),
        node("Relu", ["1"], ["2"], "/stem/relu/Relu"),
        node("GlobalAveragePool", ["2"], ["3"], "/pool/GlobalAveragePool"),
        node("Flatten", ["3"], ["4"], "/Flatten"),
        node("Gemm", ["4", "fc.weight", "fc.bias"], ["387"], "/fc/Gemm", transB=1),
    ]
    weights = {
        "stem.conv.weight": drawn(8, 3, 3, 3), "stem.conv.bias": drawn(8), "fc.weight": drawn(10, 8), "fc.bias": drawn(10),
    }  # fmt: skip
    inputs = {"x.1": (TensorProto.FLOAT, ["batch size", 3, 32, 32])}
    return saved(model(nodes, inputs, ["387"], weights), tmp_path / "cnn.onnx")


def test_figures_paths_and_names(cnn: Path) -> None:
    table = archdsl.cost(cnn)
    assert [node.path for node in table.graph.nodes] == ["stem.conv", "stem.relu", "pool", "flatten", "fc"]
    assert table.total("params") == 8 * 27 + 8 + 80 + 10
    assert table.total("macs") == 8 * 27 * 32 * 32 + 80
    assert [value.name for value in table.graph.inputs] == ["x.1"]
    assert list(table.graph.outputs) == ["387"]
    assert sorted(table.graph.parameters()) == ["fc.bias", "fc.weight", "stem.conv.bias", "stem.conv.weight"]
    assert archdsl.cost(cnn, {"batch_size": 4}).total("macs") == 4 * (8 * 27 * 32 * 32 + 80)


def test_a_size_that_is_not_there(cnn: Path) -> None:
    with pytest.raises(DiagnosticError) as refused:
        archdsl.cost(cnn, {"batch": 4})
    assert refused.value.diagnostics[0].code == "E0007"
    assert "batch_size" in refused.value.diagnostics[0].help


def test_a_value_that_nothing_makes(tmp_path: Path) -> None:
    made = model([helper.make_node("Relu", ["y"], ["z"], "n")], {"x": (TensorProto.FLOAT, [2])}, ["z"])
    with pytest.raises(DiagnosticError) as refused:
        archdsl.cost(saved(made, tmp_path / "bad.onnx"))
    (found,) = refused.value.diagnostics
    assert found.code == "E1001" and "`y`" in found.message
    assert found.span is not None and found.span.text == "Relu(y) -> z  # n"


def test_a_table_counts_whole_however_many_rows_are_looked_up(tmp_path: Path) -> None:
    """Positions of a model are constants where the length is known: the file has the table all the same."""
    weights = {"positions": drawn(16, 4), "ids": np.arange(3).reshape(1, 3)}
    nodes = [
        helper.make_node("Gather", ["positions", "ids"], ["rows"], "look"),
        helper.make_node("Add", ["x", "rows"], ["y"], "add"),
    ]
    made = model(nodes, {"x": (TensorProto.FLOAT, [1, 3, 4])}, ["y"], weights)
    assert archdsl.cost(saved(made, tmp_path / "table.onnx")).total("params") == 16 * 4


@pytest.mark.parametrize(("name", "params"), [("norm.weight", 12), ("val_9", 6)])
def test_ones_that_a_norm_has_to_be_given_are_no_weights(tmp_path: Path, name: str, params: int) -> None:
    """ONNX's norms need a scale: without one in the module, exporters write ones. The shift is a module's here."""
    nodes = [helper.make_node("InstanceNormalization", ["x", name, "norm.bias"], ["y"], "norm")]
    weights = {name: np.ones(6, np.float32), "norm.bias": drawn(6)}
    made = model(nodes, {"x": (TensorProto.FLOAT, [1, 6, 5])}, ["y"], weights)
    assert archdsl.cost(saved(made, tmp_path / "norm.onnx")).total("params") == params


def test_a_layer_with_other_activations_counts_as_others_do(tmp_path: Path) -> None:
    """Keras' of old: gates by `HardSigmoid`. Weights, two biases, and products with what enters and with the state."""
    node = helper.make_node(
        "LSTM", ["x", "w", "r", "b"], ["y"], "lstm", hidden_size=4, activations=["HardSigmoid", "Tanh", "Tanh"]
    )
    weights = {"w": drawn(1, 16, 6), "r": drawn(1, 16, 4), "b": drawn(1, 32)}
    path = saved(model([node], {"x": (TensorProto.FLOAT, ["T", 2, 6])}, ["y"], weights), tmp_path / "lstm.onnx")
    table = archdsl.cost(path, {"T": 5})
    figures = table.total("params"), table.total("macs")
    assert figures == counted(path, {"x": drawn(5, 2, 6)}) == (16 * (6 + 4 + 2), 5 * 2 * 16 * (6 + 4))
    assert not table.partial
