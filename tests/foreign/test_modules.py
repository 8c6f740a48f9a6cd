"""A PyTorch module of a model that another tool wrote: its weights lie beside it, and it gives the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from console import run
from foreign_models import drawn, model, saved
from onnx import TensorProto, helper

import archdsl
from archdsl.analyses.cost import cost
from archdsl.diagnostics import DiagnosticError

F, INT = TensorProto.FLOAT, TensorProto.INT64
node = helper.make_node


def attention() -> onnx.ModelProto:
    """Tensors of the file that enter sums directly, and layers of three axes whose bias is a node of its own."""
    nodes = [
        node("Add", ["x", "pos"], ["a"], "/Add"), node("MatMul", ["a", "w1"], ["b"], "/q/MatMul"),
        node("Add", ["b1", "b"], ["c"], "/q/Add"), node("MatMul", ["c", "w2"], ["d"], "/k/MatMul"),
        node("Add", ["d", "b1"], ["e"], "/k/Add"), node("Mul", ["e", "1/odd name"], ["y"], "/type/Mul"),
    ]  # fmt: skip
    weights = {"pos": drawn(1, 5, 8), "w1": drawn(8, 8), "b1": drawn(8), "w2": drawn(8, 8), "1/odd name": drawn(5, 8)}
    return model(nodes, {"x": (F, ["N", 5, 8])}, ["y"], weights)


def tied() -> onnx.ModelProto:
    """One table for words that enter and words that leave, and one layer twice."""
    nodes = [
        node("Gather", ["table", "x"], ["a"], "/words/Gather"), node("Gemm", ["a2", "table"], ["y"], "/out/Gemm", transB=1),
        node("Flatten", ["a"], ["a1"]), node("Gemm", ["a1", "w"], ["a2"], "/layer/Gemm", transB=1),
    ]  # fmt: skip
    nodes = [nodes[0], nodes[2], nodes[3], nodes[1]]
    return model(nodes, {"x": (INT, ["N", 1])}, ["y"], {"table": drawn(20, 8), "w": drawn(8, 8)})


def recurrent() -> onnx.ModelProto:
    weights = {"w": drawn(1, 24, 8), "r": drawn(1, 24, 6), "b": drawn(1, 48)}
    nodes = [
        node("LSTM", ["x", "w", "r", "b"], ["a"], "/rnn/LSTM", hidden_size=6),
        node("Squeeze", ["a", "one"], ["y"]),
    ]
    return model(nodes, {"x": (F, [5, "N", 8])}, ["y"], {**weights, "one": np.array([1])})


MODELS: dict[str, tuple[Callable[[], onnx.ModelProto], Any]] = {
    "attention": (attention, drawn(3, 5, 8)),
    "tied": (tied, np.array([[3], [17]])),
    "recurrent": (recurrent, drawn(5, 2, 8)),
}


@pytest.mark.parametrize("name", MODELS)
def test_its_weights_are_written_beside_it(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made, _ = MODELS[name]
    saved(made(), Path("theirs.onnx"))
    assert run("archdsl compile theirs.onnx -o module.py", tmp_path).status == 0
    beside = archdsl.read_weights("module.safetensors").checkpoint
    assert "net.load_state_dict(safetensors.torch.load_file('module.safetensors'))" in Path("module.py").read_text()
    stored = {t.name: onnx.numpy_helper.to_array(t) for t in made().graph.initializer}
    sums = sorted(float(array.sum()) for array in stored.values() if array.dtype.kind == "f")
    ours = [float(tensor.array().sum()) for tensor in beside.values()]
    for one in sums if name != "recurrent" else []:  # the gates of a recurrent layer stand in another order
        assert np.isclose(one, ours, atol=1e-5).any()


def test_a_file_of_others_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    saved(attention(), Path("theirs.onnx"))
    Path("module.safetensors").write_bytes(b"mine")
    done = run("archdsl compile theirs.onnx -o module.py", tmp_path)
    assert done.status == 2 and "E0006" in done.output and "module.safetensors" in done.output
    assert Path("module.safetensors").read_bytes() == b"mine" and not Path("module.py").exists()
    assert run("archdsl compile theirs.onnx -o other.py", tmp_path).status == 0


@pytest.mark.reference
@pytest.mark.parametrize("name", MODELS)
def test_it_gives_the_same_numbers(name: str, tmp_path: Path) -> None:
    """Against ONNX Runtime on the file as it was."""
    import torch
    from torch_module import loaded_module

    made, x = MODELS[name]
    path = saved(made(), tmp_path / "theirs.onnx")
    archdsl.compile(path, tmp_path / "module.py")
    net = loaded_module(tmp_path / "module.py")
    with torch.no_grad():
        ours = net(torch.from_numpy(x)).numpy()
    assert np.abs(ours - archdsl.run(path, x)["y"]).max() < 1e-5
    assert archdsl.verify(path, tmp_path / "module.py").same
    (tmp_path / "module.safetensors").unlink()
    if name == "attention":
        with pytest.raises(DiagnosticError, match="written beside its module"):
            archdsl.verify(path, tmp_path / "module.py")


def test_a_sum_behind_a_product_is_its_bias(tmp_path: Path) -> None:
    """Where the vector is used once: here a second layer has it too, so both stay as they are written."""

    def layers(made: onnx.ModelProto) -> list[str]:
        graph = archdsl.load(saved(made, tmp_path / "m.onnx")).graph()
        assert cost(graph).total("params") == sum(drawn(*t.dims).size for t in made.graph.initializer)
        return [repr(one.op) for one in graph.nodes if one.op.name in ("linear", "add")]

    assert len(layers(attention())) == 5
    nodes = [node("MatMul", ["x", "w"], ["a"], "/q/MatMul"), node("Add", ["b", "a"], ["y"], "/q/Add")]
    weights = {"w": drawn(8, 4), "b": drawn(4)}
    assert layers(model(nodes, {"x": (F, [2, 3, 8])}, ["y"], weights)) == ["linear(4, transposed = true)"]
    assert len(layers(model(nodes, {"x": (F, [2, 3, 8])}, ["y", "a"], weights))) == 2
    wide = {"w": drawn(8, 4), "b": drawn(3, 4)}
    assert len(layers(model(nodes, {"x": (F, [2, 3, 8])}, ["y"], wide))) == 2
