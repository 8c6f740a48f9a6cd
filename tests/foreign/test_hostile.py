"""Models that are damaged, or made to do harm: a code, never a traceback, and little work."""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np
import pytest
from foreign_models import drawn, model, saved
from onnx import ModelProto, TensorProto, helper

import archdsl
from archdsl.diagnostics import DiagnosticError
from archdsl.foreign.onnx.call import RULES, Call, Result
from tests.foreign.test_operators import CASES

F, INT, B = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
node = helper.make_node
X = {"x": (F, [2, 6])}


def code_of(path: Path) -> str:
    """The code of what is wrong, ``""`` for nothing; two seconds are enough for either."""
    start = time.process_time()
    try:
        archdsl.cost(path).total("params")
        found = ""
    except DiagnosticError as error:
        found = error.diagnostics[0].code
        assert "Traceback" not in str(error)
    assert time.process_time() - start < 2
    return found


@pytest.mark.parametrize("seed", range(4))
def test_mutated_files(seed: int, tmp_path: Path) -> None:
    rng, path = random.Random(seed), tmp_path / "m.onnx"
    found = set()
    for case in CASES:
        data = bytearray(case.model().SerializeToString())
        for _ in range(rng.choice([1, 1, 2, 6])):
            at = rng.randrange(len(data))
            match rng.randrange(4):
                case 0:
                    del data[at:]
                case 1:
                    del data[at : at + rng.randrange(1, 9)]
                case 2:
                    data[at:at] = data[at : at + rng.randrange(1, 40)]
                case _:
                    data[at] = rng.choice([0, 1, 127, 128, 255, data[at] ^ (1 << rng.randrange(8))])
            data = data or bytearray(b"\x08")
        path.write_bytes(bytes(data))
        found.add(code_of(path))
    assert {"", "E0902"} < found


def exponential(depth: int) -> ModelProto:
    """Each function calls the one below it twice."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("f", 1)]
    made = [helper.make_function("f", "f0", ["a"], ["b"], [node("Relu", ["a"], ["b"])], opsets)]
    for i in range(1, depth):
        calls = [node(f"f{i - 1}", ["a"], ["m"], domain="f"), node(f"f{i - 1}", ["m"], ["b"], domain="f")]
        made.append(helper.make_function("f", f"f{i}", ["a"], ["b"], calls, opsets))
    return model([node(f"f{depth - 1}", ["x"], ["y"], domain="f")], X, ["y"], functions=made, domains={"f": 1})


def endless() -> ModelProto:
    """A function that calls itself."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("f", 1)]
    made = helper.make_function("f", "g", ["a"], ["b"], [node("g", ["a"], ["b"], domain="f")], opsets)
    return model([node("g", ["x"], ["y"], domain="f")], X, ["y"], functions=[made], domains={"f": 1})


def nested(depth: int) -> ModelProto:
    """An ``If`` in an ``If`` in an ``If`` …"""
    graph = helper.make_graph([node("Relu", ["x"], ["y"])], "g", [], [helper.make_tensor_value_info("y", F, None)])
    for i in range(depth):
        inner = node("If", ["c"], [f"z{i}"], then_branch=graph, else_branch=graph)
        graph = helper.make_graph([inner], "g", [], [helper.make_tensor_value_info(f"z{i}", F, None)])
    last = graph.node[0]
    return model([last], X, [last.output[0]], {"c": np.array(True)})


def outside(location: str) -> ModelProto:
    """Weights in another folder."""
    made = model([node("Gemm", ["x", "w"], ["y"])], X, ["y"], {"w": drawn(6, 3)})
    weight = made.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    entry = weight.external_data.add()
    entry.key, entry.value = "location", location
    return made


HOSTILE = {
    "a cycle": (model([node("Relu", ["b"], ["a"]), node("Relu", ["a"], ["b"])], X, ["b"]), "E1001"),
    "two values of one name": (model([node("Relu", ["x"], ["y"])] * 2, X, ["y"]), "E1001"),
    "two outputs of one name": (model([node("Relu", ["x"], ["y"])], X, ["y", "y"]), "E1001"),
    "functions, exponential": (exponential(60), "E1001"),
    "a function, endless": (endless(), "E1001"),
    "branches in branches": (nested(9), ""),
    "weights above": (outside("../w.bin"), "E0902"),
    "weights elsewhere": (outside("/etc/passwd"), "E0902"),
    "a huge range": (model([node("Range", ["a", "b", "c"], ["y"])], X, ["y"],
                           {"a": np.array(0), "b": np.array(2**60), "c": np.array(1)}), "E1001"),
    "a huge tensor": (model([node("ConstantOfShape", ["s"], ["z"]), node("Exp", ["z"], ["y"])], X, ["y"],
                            {"s": np.array([2**40, 2**40])}), ""),
    "a huge power": (model([node("Tile", ["x", "s"], ["y"])], X, ["y"], {"s": np.array([2**62, 2**62])}), ""),
    "no output": (model([node("Relu", ["x"], ["y"])], X, []), "E1001"),
    "no inputs of a node": (model([node("Conv", [], ["y"])], X, ["y"]), "E1001"),
    "a shape that does not fit": (model([node("Reshape", ["x", "s"], ["y"])], X, ["y"], {"s": np.array([5, 5])}), "E0303"),
    "sizes that want one name": (model([node("Relu", ["x"], ["y"])], X | {
        f"x{i}": (F, ["!" * (i % 60) + "a" + "?" * (i // 60)]) for i in range(5000)}, ["y"]), ""),
    "division by zero": (model([node("Div", ["a", "b"], ["c"]), node("Reshape", ["x", "c"], ["y"])], X, ["y"],
                               {"a": np.array([1]), "b": np.array([0])}), "E1002"),
}  # fmt: skip


def test_a_fault_of_a_rule_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules take nodes to be right; so what Python says may be the file's fault, or ours."""

    def broken(call: Call) -> Result:
        raise TypeError("unhashable")

    monkeypatch.setitem(RULES, ("", "Relu"), broken)
    with pytest.raises(DiagnosticError) as refused:
        archdsl.cost(saved(model([node("Relu", ["x"], ["y"])], X, ["y"]), tmp_path / "m.onnx"))
    (found,) = refused.value.diagnostics
    assert (found.code, "TypeError: unhashable" in found.message) == ("E1001", True)
    assert found.help == (
        "if `onnx.checker.check_model` accepts the file, this is a fault of archdsl: please report it with this text"
    )
    assert isinstance(refused.value.__cause__ or refused.value.__context__, TypeError)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_models(name: str, tmp_path: Path) -> None:
    made, code = HOSTILE[name]
    assert code_of(saved(made, tmp_path / "m.onnx")) == code


def test_other_files(tmp_path: Path) -> None:
    for content, code in (
        (b"", "E0902"), (b"version https://git-lfs.github.com/spec/v1\n", "E0009"), (b"<html>", "E0009"),
        (b"\x08", "E0902"), (bytes(1000), "E0902"), (b"\x3a\xff\xff\xff\xff\x0f", "E0902"),
    ):  # fmt: skip
        path = tmp_path / "m.onnx"
        path.write_bytes(content)
        assert code_of(path) == code, content
