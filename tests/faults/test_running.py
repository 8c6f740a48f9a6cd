"""Ordinary input that ended in a traceback, and files that are more than they seem."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from faults import again, archdsl, fault
from memory import measured
from onnx import TensorProto, helper

import archdsl as package

NAMES = ("bind", "self", "settings", "params", "target", "file", "graph", "name", "arguments", "path", "seed")
SPEC = (
    "arch 1\nnetwork Net(" + ", ".join(f"{name} = 2" for name in NAMES) + ") {\n  input x: f32[N, 4]\n  linear("
    + " + ".join(NAMES) + ")\n  output y\n}\nvariant v = Net()\n"
)  # fmt: skip


@fault(
    "R7", "what a file is called and holds was passed on under names, and in forms, of libraries",
    "parameters called as arguments of our functions (cost, compile, run, show, fit, sweep), outputs as those of NumPy's, "
    "not finite numbers in JSON, sequences and mappings as outputs, damaged .npy",
)  # fmt: skip
@pytest.mark.parametrize("name", NAMES)
def test_a_parameter_may_have_any_name(name: str, tmp_path: Path) -> None:
    features = 2 * len(NAMES) + 5  # 7 instead of 2
    done = archdsl(tmp_path, f"cost net.arch --set {name}=7 --format json", net__arch=SPEC)
    assert done.status == 0 and f'"params": {5 * features}' in done.output, done.output
    for line in ("show net.arch", "compile net.arch -o o.onnx", "run net.arch"):
        done = archdsl(tmp_path, f"{line} --set {name}=7")
        assert done.status == 0 and (str(features) in done.output or "compile" in line), done.output
    for line in (f"fit net.arch --vary {name}=1..3 --budget params<=115", f"cost net.arch --set {name}=1..3"):
        done = archdsl(tmp_path, line)
        assert done.status == 0 and "115" in done.output, done.output  # 5 times 23: the value 3
    program = package.load(SPEC)
    assert dict(program.graph(settings={name: 7}).outputs)["y"].type.shape[1] == features


@again("R7")
@pytest.mark.parametrize("name", ["train", "variant", "network", "bind"])
def test_a_parameter_that_is_not_there_is_told(name: str, tmp_path: Path) -> None:
    text = "arch 1\nnetwork Net() { input x: f32[N, 4]; relu; output y }\n"
    for line in ("cost net.arch", "show net.arch", "run net.arch", "compile net.arch"):
        done = archdsl(tmp_path, f"{line} --set {name}=true", net__arch=text)
        assert done.status == 1 and f"has no parameter `{name}`" in done.output, done.output


def model(path: Path, nodes: list[onnx.NodeProto], outputs: list[onnx.ValueInfoProto], **initial: np.ndarray) -> Path:
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])], outputs,
        [onnx.numpy_helper.from_array(array, name) for name, array in initial.items()],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def zip_map(path: Path) -> Path:
    """As scikit-learn's converter writes classifiers."""
    kind = helper.make_sequence_type_proto(
        helper.make_map_type_proto(TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, None))
    )
    node = helper.make_node("ZipMap", ["x"], ["scores"], domain="ai.onnx.ml", classlabels_int64s=[5, 7, 9])
    return model(path, [node], [helper.make_value_info("scores", kind)])


@again("R7")
def test_scores_by_class_are_a_matrix(tmp_path: Path) -> None:
    zip_map(tmp_path / "m.onnx")
    np.save(tmp_path / "x.npy", np.array([[0.5, 0.25, 0.125], [1, 2, 3]], np.float32))
    done = archdsl(tmp_path, "run m.onnx --input x.npy --save o.npz")
    assert done.status == 0 and "seq(map(int64,tensor(float)))" in done.output, done.output
    assert np.array_equal(np.load(tmp_path / "o.npz")["scores"], np.load(tmp_path / "x.npy"))
    assert archdsl(tmp_path, "verify m.onnx --against m.onnx --input x.npy").status == 0
    assert json.loads(archdsl(tmp_path, "run m.onnx --format json").output.partition("\n{")[2].join(["{", ""]))


@again("R7")
def test_a_sequence_is_told_item_by_item(tmp_path: Path) -> None:
    kind = helper.make_sequence_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, None))
    nodes = [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("SequenceConstruct", ["x", "r"], ["s"])]
    model(tmp_path / "m.onnx", nodes, [helper.make_value_info("s", kind)])
    done = archdsl(tmp_path, "run m.onnx --bind N=2")
    assert done.status == 0 and "s.0: float32[2, 3]" in done.output and "s.1: float32[2, 3]" in done.output, done.output


@again("R7")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_json_does_not_have(value: float, tmp_path: Path) -> None:
    output = [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])]
    bad = np.array([[value, 1, 2]], np.float32)
    model(tmp_path / "m.onnx", [helper.make_node("Add", ["x", "b"], ["y"])], output, b=bad)
    done = archdsl(tmp_path, "run m.onnx --format json")
    assert done.status == 0 and "Traceback" not in done.output, done.output
    record = json.loads(done.output, parse_constant=lambda name: pytest.fail(name))
    assert record["outputs"][0]["not_finite"] == 1


@again("R7")
def test_outputs_may_be_called_as_arguments_of_numpy(tmp_path: Path) -> None:
    names = ("file", "args", "kwds", "allow_pickle", "a")
    body = "".join(f"  output {name} = x * {i + 1}\n" for i, name in enumerate(names))
    done = archdsl(
        tmp_path, "run net.arch --save o.npz", net__arch=f"arch 1\nnetwork Net() {{\n  input x: f32[N, 4]\n{body}}}\n"
    )
    assert done.status == 0, done.output
    assert sorted(np.load(tmp_path / "o.npz").files) == sorted(names)


DAMAGED = {
    "brackets": b"{'descr': '<f4', 'fortran_order': False, 'shape': (((((", "nothing": b"", "type": b"{'descr': '<f4",
    "code": b"__import__('os')", "words": b"{'descr': 'float', 'fortran_order': 3, 'shape': 5}", "nul": b"\0" * 40,
    "negative": b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 3)}", "bytes": bytes(range(128, 200)),
    "large": b"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 3)}",
    "structured": b"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 3)}",
    "objects": b"{'descr': '|O', 'fortran_order': False, 'shape': (1, 3)}",
}  # fmt: skip


@again("R7")
@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("version", [b"\1\0", b"\2\0", b"\7\0"])
def test_a_damaged_array_is_told(name: str, version: bytes, tmp_path: Path) -> None:
    output = [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])]
    model(tmp_path / "m.onnx", [helper.make_node("Relu", ["x"], ["y"])], output)
    head = DAMAGED[name]
    width = 2 if version == b"\1\0" else 4
    content = b"\x93NUMPY" + version + len(head).to_bytes(width, "little") + head + b"\0" * 12
    (tmp_path / "x.npy").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("x.npy", content)
    for file in ("x.npy", "x.npz", "x=x.npy"):
        done = archdsl(tmp_path, f"run m.onnx --input {file}")
        assert done.status == 2 and "[E0704]" in done.output and "Traceback" not in done.output, done.output


@fault(
    "R8", "what a file holds was unpacked before it was looked at", ".npz inputs: shape, name and size before unpacking; "
    "the data form: items counted before they are made, faults of a list one stretch at a time",
)  # fmt: skip
@pytest.mark.parametrize("name", ["x", "other"])
def test_an_archive_is_looked_at_before_it_is_unpacked(name: str, tmp_path: Path) -> None:
    """200 MB of zeros in 200 KB, of a shape or a name that the model does not take."""
    import tracemalloc

    output = [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])]
    model(tmp_path / "m.onnx", [helper.make_node("Relu", ["x"], ["y"])], output)
    np.savez_compressed(tmp_path / "x.npz", **{name: np.zeros((50, 1_000_000), np.float32)})
    archdsl(tmp_path, "run m.onnx")
    tracemalloc.start()
    done = archdsl(tmp_path, "run m.onnx --input x.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert done.status == 2 and "[E0704]" in done.output, done.output
    assert peak < 20_000_000


DOCUMENT = (
    '{{"format": "archdsl.graph", "format_version": 1, "name": "g", "inputs": [{{"name": "x", "dtype": "f32", '
    '"shape": [{shape}]}}], "nodes": [{nodes}], "taps": {{{taps}}}, "outputs": {{"y": "y"}}}}'
)
NODE = '{{"path": "y", "op": "relu", "inputs": [{inputs}], "arguments": {{"a": [{values}]}}}}'
MANY = 400_000
BOMBS = {
    "no nodes": {"nodes": "{}," * MANY + "{}"}, "numbers for nodes": {"nodes": "0," * MANY + "0"},
    "sizes": {"shape": "1," * MANY + "1"}, "inputs": {"inputs": "0," * MANY + "0"}, "lists": {"values": "[]," * MANY + "[]"},
    "taps": {"taps": ",".join(f'"{i}": 0' for i in range(MANY))},
    "too many": {"values": "0," * 5_000_000 + "0"},
}  # fmt: skip


@again("R8")
@pytest.mark.parametrize("name", BOMBS)
def test_a_document_of_many_faults(name: str, tmp_path: Path) -> None:
    given = BOMBS[name]
    node = NODE.format(inputs=given.get("inputs", '"x"'), values=given.get("values", ""))
    text = DOCUMENT.format(shape=given.get("shape", "1, 4"), nodes=given.get("nodes", node), taps=given.get("taps", ""))
    (tmp_path / "bomb.json").write_text(text)
    seconds, mebibytes = measured(tmp_path, "cost", "bomb.json", status=1)
    assert mebibytes < 400 and seconds < 8, (seconds, mebibytes)
