"""Files of tools that are not read: each is called by its name, with the way to one that is."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from console import run
from foreign_models import called_by_its_name, one_relu, saved
from onnx import TensorProto, helper

import archdsl
from archdsl.diagnostics import DiagnosticError


def keras() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", b"\x89HDF\r\n")
    return stream.getvalue()


def zipped(name: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, "x")
    return stream.getvalue()


FILES = [
    ("m.tflite", b"\x1c\0\0\0TFL3", "TensorFlow Lite", "tf2onnx.convert --tflite m.tflite"),
    ("m.prototxt", b'name: "x"\nlayer {\n}\n', "Caffe", "archdsl init"),
    ("m.caffemodel", b"\n\x05x\0", "a trained model of Caffe", "ONNX"),
    ("m.cfg", b"[net]\nbatch=1\n", "Darknet", "archdsl init"),
    ("m.h5", b"\x89HDF\r\n\x1a\n", "an HDF5 file", "tf2onnx"),
    ("m.keras", keras(), "a Keras model", "export("),
    ("yolo11.yaml", b"# Ultralytics\nnc: 80\nscales:\n  n: [0.5]\nbackbone:\n  - [-1, 1, Conv, [64, 3, 2]]\n", "Ultralytics",
     "yolo export model=yolo11.yaml format=onnx"),
    ("m.gguf", b"GGUF\3\0\0\0", "a GGUF file", "torch.export.save"),
    ("m.mlmodel", b"\x08\x04\x12\0", "a model of Core ML", ".onnx"),
    ("m.xml", b'<?xml version="1.0"?>\n<net name="m" version="11">\n</net>', "OpenVINO", "converted from"),
    ("m.pdmodel", b"\n\x05\0", "a model of Paddle", "paddle2onnx"),
    ("saved_model.pb", b"\x08\x01\0\0", "a TensorFlow graph", "tf2onnx"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "what", "way"), FILES, ids=[one[0] for one in FILES])
def test_it_is_called_by_its_name(
    name: str, data: bytes, what: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    called_by_its_name(name, data, what, way)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"network Net {\n}\n", "is text, not a model"),
        (zipped("notes.txt"), "is a zip archive"),
        (bytes(10_000_000), "a field in it has no number"),
    ],
    ids=["text", "zip", "zeros"],
)
def test_what_is_no_model_at_all(data: bytes, what: str, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(data)
    with pytest.raises(DiagnosticError, match=what) as refused:
        archdsl.cost(tmp_path / "m.onnx")
    assert "weights inspect m`" not in str(refused.value)


def test_outputs_that_are_no_tensors_are_told(tmp_path: Path) -> None:
    """As of a classifier of scikit-learn whose only output is a list of mappings."""
    model = one_relu()
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    model.graph.node[0].CopyFrom(
        helper.make_node("ZipMap", ["x"], ["y"], domain="ai.onnx.ml", classlabels_int64s=[0, 1])
    )
    scores = helper.make_map_type_proto(TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
    model.graph.output[0].CopyFrom(helper.make_value_info("y", helper.make_sequence_type_proto(scores)))
    with pytest.raises(DiagnosticError, match=r"all outputs of m\.onnx are sequences, and only tensors are supported"):
        archdsl.cost(saved(model, tmp_path / "m.onnx"))


def test_a_lower_bound_below_its_budget_is_not_called_headroom(tmp_path: Path) -> None:
    model = one_relu()
    model.opset_import.append(helper.make_opsetid("com.acme", 1))
    model.graph.node[0].domain = "com.acme"
    saved(model, tmp_path / "m.onnx")
    (tmp_path / "archdsl.toml").write_text('[[budget]]\nspec = "m.onnx"\nmacs = "<= 60M"\n')
    printed = run("archdsl check m.onnx", tmp_path).output
    assert "BROKEN: only a lower bound is known" in printed and "% left" not in printed


def test_quotients_of_integers_that_are_data_are_counted(tmp_path: Path) -> None:
    """ONNX rounds them to zero."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.INT64, [1, 2]) for name in "xy")
    two = helper.make_tensor("two", TensorProto.INT64, [], [2])
    graph = helper.make_graph([helper.make_node("Div", ["x", "two"], ["y"])], "g", [x], [y], [two])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    table = archdsl.cost(saved(model, tmp_path / "m.onnx"))
    assert not any(node.op.foreign for node in table.graph.nodes) and ">=" not in str(table)
