"""The counter of the tests on models with graphs in their graphs: figures that follow from the sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foreign_models import drawn, model, saved
from onnx import TensorProto, helper
from onnx_counter import counted, measured

F, INT, B = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
node = helper.make_node


def value(name: str, dtype: int = F, sizes: Any = None) -> Any:
    return helper.make_tensor_value_info(name, dtype, sizes)


@pytest.mark.parametrize(("first", "figures"), [(True, (32, 64)), (False, (64 + 12, 128 + 24))])
def test_the_branch_that_is_taken(tmp_path: Path, first: bool, figures: tuple[int, int]) -> None:
    """The other branch has a branch within it, and a weight of its own that goes out."""
    inner = helper.make_graph(
        [node("Constant", [], ["v"], value=helper.make_tensor("v", F, [4, 3], drawn(4, 3).ravel()))],
        "in",
        [],
        [value("v")],
    )
    there = helper.make_graph([node("MatMul", ["x", "a"], ["s"])], "there", [], [value("s")])
    other = helper.make_graph(
        [node("MatMul", ["x", "b"], ["s"]), node("Slice", ["s", "zero", "four", "one"], ["cut"]),
         node("If", ["yes"], ["w"], then_branch=inner, else_branch=inner), node("MatMul", ["cut", "w"], ["l"])],
        "other", [], [value("l")],
    )  # fmt: skip
    made = model(
        [node("If", ["c"], ["y"], then_branch=there, else_branch=other)], {"x": (F, [2, 8]), "c": (B, [])}, ["y"],
        {"a": drawn(8, 4), "b": drawn(8, 8), "yes": np.array(True), "zero": np.array([0]), "four": np.array([4]),
         "one": np.array([1])},
    )  # fmt: skip
    path = saved(made, tmp_path / "if.onnx")
    assert counted(path, {"x": drawn(2, 8), "c": np.array(first)}) == figures


def test_each_run_of_a_loop(tmp_path: Path) -> None:
    """Until a state that is counted reaches an input, with a weight that is handed from run to run."""
    body = helper.make_graph(
        [node("MatMul", ["s", "held"], ["m"]), node("Add", ["k", "one"], ["k2"]), node("Less", ["k2", "end"], ["on"]),
         node("Identity", ["held"], ["held2"])],
        "body", [value("i", INT, []), value("go", B, []), value("s", F, [2, 8]), value("k", INT, []), value("held", F, [8, 8])],
        [value("on", B, []), value("m", F, [2, 8]), value("k2", INT, []), value("held2", F, [8, 8])],
    )  # fmt: skip
    made = model(
        [node("Loop", ["", "yes", "x", "zero", "w"], ["last", "count", "same"], body=body)],
        {"x": (F, [2, 8]), "end": (INT, [])}, ["last"],
        {"w": drawn(8, 8), "one": np.array(1), "zero": np.array(0), "yes": np.array(True)},
    )  # fmt: skip
    params, macs, shapes = measured(saved(made, tmp_path / "l.onnx"), {"x": drawn(2, 8), "end": np.array(5)})
    assert (params, macs) == (64, 5 * 2 * 8 * 8) and shapes["last"] == (2, 8)


def test_each_slice_of_a_scan(tmp_path: Path) -> None:
    body = helper.make_graph(
        [node("MatMul", ["one", "w"], ["m"]), node("Add", ["s", "m"], ["s2"])],
        "body", [value("s", F, [3]), value("one", F, [6])], [value("s2", F, [3]), value("m", F, [3])],
    )  # fmt: skip
    made = model(
        [node("Scan", ["z", "x"], ["last", "all"], body=body, num_scan_inputs=1, scan_input_axes=[1])],
        {"x": (F, [6, 7]), "z": (F, [3])}, ["all"], {"w": drawn(6, 3)},
    )  # fmt: skip
    assert counted(saved(made, tmp_path / "s.onnx"), {"x": drawn(6, 7), "z": drawn(3)}) == (18, 7 * 6 * 3)
