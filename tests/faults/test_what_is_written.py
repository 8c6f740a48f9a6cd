"""What the backends write: outputs that are inputs, norms in sequences, norms that are folded."""

from __future__ import annotations

import ast
import builtins
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from faults import again, archdsl, fault, network

# B7: outputs that are other tensors of the interface

OUTPUTS = {
    "an input": "output x",
    "an input under another name": "relu\noutput y = x",
    "an input beside a result": "output y = relu(x), x = x",
    "one tensor twice": "let t = relu(x)\noutput a = t, b = t",
    "an input twice": "output a = x, b = x",
    "a constant": "output a = constant([1, 2]), y = relu(x)",
    "only a constant": "output a = constant([1, 2])",
    "a parameter": "w: param([2, 3])\noutput w",
    "what leaves no node": "output y = reshape([N, 3, 32, 32])",
}


@fault(
    "B7",
    "names of outputs were compared with those of inputs only when ONNX was written",
    "an output called like another input, like a parameter, two that are swapped; the last flow under an input's name",
)
@pytest.mark.parametrize(
    "body", ["relu\noutput x = relu(x)", "output z = x, x = relu(x)", "w: param([2])\noutput w = relu(x)"]
)
def test_an_output_that_cannot_have_its_name_is_told_by_check(tmp_path: Path, body: str) -> None:
    done = archdsl(tmp_path, "check net.arch", net__arch=network(body))
    assert done.status == 1
    assert "error[E0604]" in done.output
    assert "net.arch:" in done.output
    assert "output " in done.output.partition("help:")[2]


@again("B7")
@pytest.mark.parametrize("body", OUTPUTS.values(), ids=OUTPUTS.keys())
def test_every_other_output_is_written(tmp_path: Path, body: str) -> None:
    done = archdsl(tmp_path, "compile net.arch -o net.onnx && archdsl compile net.arch --backend torch -o net.py",
                   net__arch=network(body))  # fmt: skip
    assert done.status == 0, done.output
    onnx.checker.check_model(onnx.load(tmp_path / "net.onnx"), full_check=True)
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    given = {one.name: np.ones((1, 3, 32, 32), np.float32) for one in session.get_inputs()}
    assert len(session.run(None, given)) == len(session.get_outputs())


# B1: helpers of the PyTorch backend

LAYERS = {
    "layer_norm": "layer_norm(axes = c)",
    "layer_norm without scale": "layer_norm(axes = [h, w], scale = false)",
    "rms_norm": "rms_norm(axes = c)",
    "group_norm": "group_norm(2, shift = false)",
    "instance_norm": "instance_norm(scale = false)",
    "batch_norm": "batch_norm(scale = false)",
    "drop_path": "drop_path(0.5)",
    "lrn": "lrn(2)",
    "max_pool": "max_pool(3, stride = 1, pad = same_lower)",
    "pad_axes": "pad_axes([1, 1, 1, 1], mode = edge)",
}
PLACES = {
    "alone in a sequence": "head: { norm: LAYER; flatten }",
    "in a sequence of numbers": "head: { relu -> LAYER -> relu }",
    "nested": "head: { a: { b: LAYER; relu }; relu }",
    "repeated": "body: { repeat 2 { relu -> LAYER } }",
    "shared": "share s = LAYER\nx -> s -> s",
    "beside another": "parallel(concat) { | LAYER | relu -> LAYER }",
}


@fault("B1", "helper classes were collected from the lines of forward(), not from layers in a sequence",
       "RmsNorm, GroupNorm, BatchNorm without scale, DropPath; sequences in sequences, repeated, shared")  # fmt: skip
@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS.keys())
def test_a_module_brings_what_it_names(tmp_path: Path, layer: str) -> None:
    for place in PLACES.values():
        text = network(place.replace("LAYER", layer), x="f32[N, 4, 8, 8]")
        done = archdsl(tmp_path, "compile net.arch --backend torch -o net.py", net__arch=text)
        assert done.status == 0, done.output
        tree = ast.parse((tmp_path / "net.py").read_text())
        (tmp_path / "net.py").unlink()
        made = {n.name for n in ast.walk(tree) if isinstance(n, ast.ClassDef | ast.FunctionDef)}
        made |= {a.asname or a.name.partition(".")[0] for n in ast.walk(tree)
                 if isinstance(n, ast.Import | ast.ImportFrom) for a in n.names}  # fmt: skip
        called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
        assert called <= made | set(dir(builtins)), place


# F37: what does nothing at inference does not keep a norm from being folded


@fault("F37", "a norm was folded only where the layer was its direct input",
       "drop_path, several of them, views that keep the channels (flatten, reshape); linear, transposed convolutions")  # fmt: skip
@pytest.mark.parametrize(
    "body",
    [
        "conv(8, 3) -> dropout -> batch_norm",
        "conv(8, 3) -> drop_path(0.5) -> dropout -> batch_norm",
        "conv_transpose(8, 3) -> dropout -> batch_norm",
        "conv(8, 3) -> reshape([N, 8, 1024]) -> batch_norm",
        "global_avg_pool -> flatten -> linear(8) -> dropout -> batch_norm",
    ],
)
def test_a_norm_is_folded_over_what_does_nothing(tmp_path: Path, body: str) -> None:
    done = archdsl(tmp_path, "compile net.arch -o net.onnx && archdsl compile net.arch --deploy -o deployed.onnx",
                   net__arch=network(body))  # fmt: skip
    assert done.status == 0, done.output
    models = [onnx.load(tmp_path / name) for name in ("net.onnx", "deployed.onnx")]
    kinds = [[node.op_type for node in model.graph.node] for model in models]
    assert "BatchNormalization" in kinds[0] and "BatchNormalization" not in kinds[1]
    x = np.random.default_rng(0).normal(size=(2, 3, 32, 32)).astype(np.float32)
    plain, folded = (
        onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})
        for model in models
    )
    np.testing.assert_allclose(folded[0], plain[0], rtol=1e-4, atol=1e-4)


@again("F37")
@pytest.mark.parametrize("body", ["conv(8, 3) -> relu -> batch_norm", "a: conv(8, 3) -> dropout\nbatch_norm -> add(a)"])
def test_a_norm_that_must_not_be_folded_stays(tmp_path: Path, body: str) -> None:
    done = archdsl(tmp_path, "compile net.arch --deploy -o net.onnx", net__arch=network(body))
    assert done.status == 0, done.output
    assert "BatchNormalization" in [node.op_type for node in onnx.load(tmp_path / "net.onnx").graph.node]


# V1: what is made once for a model, and depends on more than it says

HALVES = """arch 1
use std.attention (padding)
network Halves() {
  input x: f32[2, 2, S, 4]
  input y: f32[2, 2, T, 4]
  input seen: i64[2, S]
  let mask = seen -> padding
  output own = attend(x, x, x, mask = mask), other = attend(y, x, x, mask = mask)
}
"""


@fault(
    "V1",
    "a mask was given its rows once, for the queries of the first attention that took it",
    "an encoder and a decoder that looks at it, behind one mask of padding; BART's could not run",
)
def test_one_mask_for_queries_of_two_lengths(tmp_path: Path) -> None:
    (tmp_path / "net.arch").write_text(HALVES)
    done = archdsl(tmp_path, "compile net.arch -o net.onnx")
    assert done.status == 0
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"), providers=["CPUExecutionProvider"])
    draw = np.random.default_rng(0)
    x, y = (draw.normal(size=(2, 2, n, 4)).astype(np.float32) for n in (5, 3))
    seen = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])
    for found, q in zip(session.run(["own", "other"], {"x": x, "y": y, "seen": seen}), (x, y), strict=True):
        scores = np.exp(np.einsum("nhte,nhse->nhts", q, x) / 2) * seen[:, None, None]
        wanted = np.einsum("nhts,nhse->nhte", scores / scores.sum(-1, keepdims=True), x)
        np.testing.assert_allclose(found, wanted, atol=1e-5)
