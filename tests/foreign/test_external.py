"""Weights that stay in the files of others, and models that ONNX Runtime does not know all of."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from foreign_models import drawn, model, saved
from onnx import TensorProto, helper
from weight_files import safetensors

import archdsl
from archdsl.data.writer import to_json
from archdsl.diagnostics import DiagnosticError

F = TensorProto.FLOAT


def theirs(path: Path) -> Path:
    """A convolution and a layer [in, out], whose weights can stay as they are, and a product with a computed one."""
    weights = {"w": drawn(16, 8, 3, 3), "g": drawn(64, 32), "b": drawn(32), "h": drawn(32, 32)}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Flatten", ["c"], ["f"]),
        helper.make_node("Gemm", ["f", "g", "b"], ["z"]),
        helper.make_node("Sin", ["h"], ["sine"]),
        helper.make_node("MatMul", ["z", "sine"], ["y"]),
    ]
    return saved(model(nodes, {"x": (F, [1, 8, 2, 2])}, ["y"], weights), path)


def places(path: Path) -> dict[str, str]:
    """Initialiser -> the file that has its data; those inside of the model are left out."""
    graph = onnx.load(path, load_external_data=False).graph
    found = {one.name: {entry.key: entry.value for entry in one.external_data} for one in graph.initializer}
    return {name: entries["location"] for name, entries in found.items() if entries}


def result(path: Path) -> np.ndarray:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": np.linspace(-1, 1, 32, dtype="f").reshape(1, 8, 2, 2)})[0])


@pytest.mark.parametrize("apart", [False, True])
def test_unchanged_weights_stay_in_the_original(tmp_path: Path, apart: bool) -> None:
    original = theirs(tmp_path / "theirs.onnx")
    if apart:
        onnx.save_model(onnx.load(original), original, save_as_external_data=True, location="w.bin", size_threshold=0)
    archdsl.compile(original, tmp_path / "out.onnx", external_data=True)
    found = places(tmp_path / "out.onnx")
    assert len(found) == 3 and {*found.values()} == {"w.bin" if apart else "theirs.onnx"}
    assert not list(tmp_path.glob("out.*.data"))
    np.testing.assert_allclose(result(tmp_path / "out.onnx"), result(original), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("change", ["one bit", "longer", "nonsense"])
def test_a_file_that_has_changed_is_noticed(tmp_path: Path, change: str) -> None:
    """The weights are those of the original, read where they lie: in another version of it they are others."""
    original = theirs(tmp_path / "theirs.onnx")
    made = tmp_path / "out.onnx"
    archdsl.compile(original, made, external_data=True)
    assert archdsl.run(made) and archdsl.verify(made, original).same
    content = bytearray(original.read_bytes())
    if change == "one bit":
        content[content.index(drawn(64, 32).tobytes()) + 4001] ^= 1
    elif change == "longer":
        content += b"\0" * 8
    else:
        said = onnx.load(made, load_external_data=False)
        (entry,) = [one for one in said.metadata_props if one.key == "archdsl.data"]
        entry.value = json.dumps({"../theirs.onnx": [1, ""]})
        made.write_bytes(said.SerializeToString())
    original.write_bytes(content)
    for use in (lambda: archdsl.run(made), lambda: archdsl.verify(made, original)):
        with pytest.raises(DiagnosticError) as refused:
            use()
        assert refused.value.diagnostics[0].code == ("E0706" if change == "nonsense" else "E0703")


def test_nothing_refers_to_a_file_that_it_replaces_or_that_lies_elsewhere(tmp_path: Path) -> None:
    own = tmp_path / "own.onnx"
    archdsl.compile(theirs(tmp_path / "theirs.onnx"), own)
    expected = result(own)
    assert not places(own)  # unasked, a model has its weights inside
    archdsl.compile(own, own, external_data=True)
    assert "own.onnx" not in places(own).values()
    np.testing.assert_array_equal(result(own), expected)
    (tmp_path / "below").mkdir()
    archdsl.compile(tmp_path / "theirs.onnx", tmp_path / "below" / "out.onnx", external_data=True)
    assert all(name.startswith("out.") for name in places(tmp_path / "below" / "out.onnx").values())


def test_a_checkpoint_that_needs_one_tensor_turned_keeps_the_others(tmp_path: Path) -> None:
    spec = tmp_path / "net.arch"
    spec.write_text(
        "arch 1\nnetwork Net() {\n  input x: f32[1, 64]\n  a: linear(64)\n  b: linear(32)\n  output y\n"
        '  weights theirs { "b.weight" -> transpose("b.kernel") }\n}\n'
    )
    values = {"a.weight": drawn(64, 64), "a.bias": drawn(64), "b.kernel": drawn(64, 32), "b.bias": drawn(32)}
    safetensors(tmp_path / "w.safetensors", {name: array.astype("f4") for name, array in values.items()})
    for name, external in (("in", None), ("out", True)):
        archdsl.compile(spec, tmp_path / f"{name}.onnx", weights=tmp_path / "w.safetensors", external_data=external)
    assert places(tmp_path / "in.onnx") == {}
    found = places(tmp_path / "out.onnx")
    assert found["a.weight"] == "w.safetensors" and found["b.weight"].startswith("out.")
    x = {"x": drawn(1, 64).astype("f4")}
    one, other = (onnxruntime.InferenceSession(tmp_path / f"{name}.onnx").run(None, x) for name in ("in", "out"))
    np.testing.assert_array_equal(one[0], other[0])


def test_an_operator_that_the_runtime_lacks_is_named_with_its_node(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Secret", ["a"], ["y"], "inner", domain="com.acme"),
    ]
    made = model(nodes, {"x": (F, [1, 4])}, ["y"], {})
    made.opset_import.append(helper.make_opsetid("com.acme", 1))
    made.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", F, [1, 4]))
    with pytest.raises(DiagnosticError) as refused:
        archdsl.run(saved(made, tmp_path / "m.onnx"))
    (told,) = refused.value.diagnostics
    assert told.code == "E0703" and "`com.acme::Secret`" in told.message
    assert "inner" in told.notes[0]


def test_the_data_of_a_model_names_the_tensors_of_its_file(tmp_path: Path) -> None:
    graph = archdsl.load(theirs(tmp_path / "theirs.onnx")).graph()
    data = json.loads(to_json(graph))
    begun = {one["init"]["tensor"]: one["init"] for one in data["parameters"]}
    assert begun["w"] == {"scheme": "file", "file": "theirs.onnx", "tensor": "w"} and {"g", "b", "h"} < begun.keys()
    (tmp_path / "net.json").write_text(to_json(graph))
    with pytest.raises(DiagnosticError) as refused:  # values are no data: nothing else is put in their place
        archdsl.cost(tmp_path / "net.json")
    assert {one.code for one in refused.value.diagnostics} == {"E0802"}
