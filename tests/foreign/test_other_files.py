"""Files of tools that are not read: each is called by its name, with the way to one that is."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
import torch
from exported import exported
from torch import nn

import archdsl
from archdsl.diagnostics import DiagnosticError


def pickled(value: object) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


def scripted() -> bytes:
    stream = io.BytesIO()
    torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.ones(1, 2)), stream)
    return stream.getvalue()


def keras() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", b"\x89HDF\r\n")
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
    ("m.pt", pickled(nn.Linear(2, 2)), "a pickled object of PyTorch", "archdsl.load(module, inputs)"),
    ("s.pt", pickled(nn.Linear(2, 2).state_dict()), "a PyTorch checkpoint", "weights inspect s.pt"),
    ("j.pt", scripted(), "a TorchScript program", "torch.export.save"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "what", "way"), FILES, ids=[one[0] for one in FILES])
def test_it_is_called_by_its_name(
    name: str, data: bytes, what: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(data)
    for command in (archdsl.cost, archdsl.show):
        with pytest.raises(DiagnosticError) as refused:
            command(f"./{name}")
        assert refused.value.diagnostics[0].code == "E0009"
        shown = str(refused.value).replace("./", "")
        assert what in shown and way in shown


def test_an_exported_program_under_another_name(tmp_path: Path) -> None:
    path = exported(nn.Linear(2, 2), [torch.ones(1, 2)], tmp_path / "it.pt2")
    with pytest.raises(DiagnosticError, match="an exported program of PyTorch"):
        archdsl.cost(path.rename(tmp_path / "it.pt"))
