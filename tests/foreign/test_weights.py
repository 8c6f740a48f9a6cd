"""Weights of models that other tools wrote: listed, exported, matched and loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from console import run
from foreign_models import drawn, model, saved
from onnx import TensorProto, helper

import archdsl

F = TensorProto.FLOAT
node = helper.make_node


def square(path: Path, seed: int) -> Path:
    """Square matrices as PyTorch's exporter calls them: only the map, and no shape, says that they are transposed."""
    nodes = [
        node("MatMul", ["x", "onnx::MatMul_7"], ["a"], "/q/MatMul"), node("Add", ["q.bias", "a"], ["b"], "/q/Add"),
        node("MatMul", ["b", "onnx::MatMul_8"], ["c"], "/k/MatMul"), node("Add", ["k.bias", "c"], ["y"], "/k/Add"),
    ]  # fmt: skip
    draw = np.random.default_rng(seed).standard_normal
    shapes = {"onnx::MatMul_7": (8, 8), "onnx::MatMul_8": (8, 8), "q.bias": (8,), "k.bias": (8,)}
    weights = {name: draw(shape).astype(np.float32) for name, shape in shapes.items()}
    return saved(model(nodes, {"x": (F, [2, 3, 8])}, ["y"], weights), path)


def test_weights_of_another_file_of_the_same_network(tmp_path: Path) -> None:
    """ONNX Runtime on the other file is the judge; what is exported is as PyTorch has it."""
    mine, other, x = square(tmp_path / "mine.onnx", 1), square(tmp_path / "other.onnx", 2), drawn(2, 3, 8)
    archdsl.export_weights(other, tmp_path / "other.safetensors")
    exported = archdsl.read_weights(tmp_path / "other.safetensors").checkpoint
    assert sorted(exported) == ["k.bias", "k.weight", "q.bias", "q.weight"]
    wanted = archdsl.run(other, x)["y"]
    for number, file in enumerate((other, tmp_path / "other.safetensors")):
        assert archdsl.match_weights(mine, file).complete
        made = tmp_path / f"made{number}.onnx"
        archdsl.compile(mine, made, weights=file)
        assert (
            np.abs(archdsl.run(made, x)["y"] - wanted).max() < 1e-5 < np.abs(archdsl.run(mine, x)["y"] - wanted).max()
        )


def test_weights_that_do_not_fit(tmp_path: Path) -> None:
    square(tmp_path / "mine.onnx", 1)
    other = model([node("Gemm", ["x", "w"], ["y"])], {"x": (F, [2, 8])}, ["y"], {"w": drawn(8, 4)})
    saved(other, tmp_path / "other.onnx")
    done = run("archdsl compile mine.onnx --weights other.onnx -o made.onnx", tmp_path)
    assert done.status == 1 and "E0903" in done.output and "`q.weight`" in done.output
    done = run("archdsl compile mine.onnx --set width=2 -o made.onnx", tmp_path)
    assert done.status == 2 and "E0007" in done.output and "--bind" in done.output
    done = run("archdsl fmt mine.onnx", tmp_path)
    assert "archdsl cost mine.onnx" in done.output and "rename" not in done.output


def test_a_layer_is_called_after_its_module(tmp_path: Path) -> None:
    graph = archdsl.load(square(tmp_path / "m.onnx", 1)).graph()
    assert [one.path for one in graph.nodes] == ["q", "k"]
    assert sorted(graph.parameters()) == ["k.bias", "k.weight", "q.bias", "q.weight"]


@pytest.mark.reference
def test_weights_of_an_exported_program(tmp_path: Path) -> None:
    """PyTorch's own state dictionary, tensor by tensor."""
    import torch
    from exported import exported
    from torch import nn

    net = nn.Sequential(nn.LSTM(4, 3, batch_first=True, num_layers=2), nn.Identity()).eval()

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = net[0]
            self.norm = nn.BatchNorm1d(3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.norm(self.rnn(x)[0][:, -1])  # type: ignore[no-any-return]

    last = Last().eval()
    path = exported(last, [torch.ones(2, 5, 4)], tmp_path / "net.pt2")
    found = archdsl.read_weights(path).checkpoint
    for name, tensor in last.state_dict().items():
        assert np.array_equal(found[name].array(), tensor.numpy())
    assert found.keys() == last.state_dict().keys()
    archdsl.export_weights(path, tmp_path / "net.safetensors")
    done = run("archdsl compile net.pt2 --weights net.safetensors -o net.onnx", tmp_path)
    assert done.status == 0 and archdsl.verify(path, tmp_path / "net.onnx").same


def test_names_of_the_file_itself(tmp_path: Path) -> None:
    """What `weights export` writes fits the model that it is from: square matrices [in, out] stay so."""
    nodes = [
        node("MatMul", ["x", "first matrix"], ["a"], "/layers/layers.0/blocks/blocks.1/q/MatMul"),
        node("Add", ["a", "vector"], ["b"], "/layers/layers.0/blocks/blocks.1/q/Add"),
        node("MatMul", ["b", "val_7"], ["y"], "/head/MatMul"),
    ]
    weights = {"first matrix": drawn(8, 8), "vector": drawn(8) + 1, "val_7": drawn(8, 8).T.copy()}
    path = saved(model(nodes, {"x": (F, [2, 3, 8])}, ["y"], weights), tmp_path / "m.onnx")
    assert [one.path for one in archdsl.load(path).graph().nodes] == ["layers.0.blocks.1.q", "head"]
    archdsl.export_weights(path, tmp_path / "m.safetensors")
    for number, file in enumerate((path, tmp_path / "m.safetensors")):
        archdsl.compile(path, tmp_path / f"{number}.onnx", weights=file, names="file")
        assert archdsl.verify(path, tmp_path / f"{number}.onnx").same
