"""Loops that end by what they count: how often they run, what stays a weight, and that they compute what the file does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from foreign_models import drawn, model, saved
from onnx import TensorProto, helper
from onnx_counter import counted

import archdsl
from archdsl.dims import evaluate

F, INT, B = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
node = helper.make_node


def value(name: str, dtype: int = F, sizes: Any = None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, sizes)


def looping(going: list[onnx.NodeProto], first: int, trips: str = "", start: str = "yes") -> onnx.ModelProto:
    """A layer of each step of ``x``, [N, T, 8], by a weight that runs hand on; ``going`` makes ``on`` of the count ``k``."""
    body = helper.make_graph(
        [node("Abs", ["k"], ["far"]), node("Mod", ["far", "t"], ["place"]),
         node("Gather", ["x", "place"], ["row"], axis=1), node("MatMul", ["row", "held"], ["m"]),
         node("Add", ["m", "s"], ["a"]), node("Tanh", ["a"], ["s2"]), node("Identity", ["held"], ["held2"]),
         node("Identity", ["s2"], ["o"]), *going],
        "body",
        [value("i", INT, []), value("go", B, []), value("k", INT, []), value("held", F, [8, 8]), value("s", F, ["N", 8])],
        [value("on", B, []), value("k2", INT, []), value("held2", F, [8, 8]), value("s2", F, ["N", 8]), value("o", F, ["N", 8])],
    )  # fmt: skip
    nodes = [
        node("Shape", ["x"], ["sizes"]), node("Gather", ["sizes", "one"], ["t"]),
        node("Loop", [trips, start, "first", "w", "z"], ["count", "same", "last", "all"], body=body),
    ]  # fmt: skip
    stored = {
        "w": drawn(8, 8), "z": drawn(2, 8) * 0, "first": np.array(first), "zero": np.array(0), "one": np.array(1),
        "two": np.array(2), "three": np.array(3), "six": np.array(6), "yes": np.array(True),
    }  # fmt: skip
    return model(nodes, {"x": (F, [2, "T", 8])}, ["count", "last", "all"], stored)


UP, DOWN, BY_TWO = (node(op, ["k", by], ["k2"]) for op, by in (("Add", "one"), ("Sub", "one"), ("Add", "two")))
ENDS = {
    "below the steps": ([UP, node("Less", ["k2", "t"], ["on"])], 0, "", 5),
    "as floats": (
        [UP, node("Cast", ["k2"], ["a1"], to=F), node("Cast", ["t"], ["a2"], to=F), node("Less", ["a1", "a2"], ["on"])], 0, "", 5,
    ),
    "up to the steps": ([UP, node("LessOrEqual", ["k2", "t"], ["on"])], 0, "", 6),
    "from behind": ([UP, node("Greater", ["t", "k"], ["on"])], 2, "", 4),
    "by two": ([BY_TWO, node("Less", ["k2", "t"], ["on"])], 0, "", 3),
    "down": ([DOWN, node("Greater", ["k2", "zero"], ["on"])], 6, "", 6),
    "down to a number": ([DOWN, node("GreaterOrEqual", ["k2", "three"], ["on"])], 6, "", 4),
    "once": ([UP, node("Less", ["k2", "zero"], ["on"])], 0, "", 1),
    "the number of the run": ([UP, node("Less", ["i", "three"], ["on"])], 0, "", 4),
    "two ends": ([UP, node("Less", ["k2", "six"], ["b"]), node("Less", ["k2", "three"], ["c"]), node("And", ["b", "c"], ["on"])], 0, "", 3),
    "at most": ([UP, node("Less", ["k2", "six"], ["on"])], 0, "three", 3),
    "never but by the number": ([UP, node("Less", ["zero", "one"], ["on"])], 1, "six", 6),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDS)
def test_how_often(name: str, tmp_path: Path) -> None:
    going, first, trips, runs = ENDS[name]
    path = saved(looping(going, first, trips), tmp_path / "loop.onnx")
    x = drawn(2, 5, 8)
    for bind in ({"T": 5}, {})[: 1 if name == "from behind" else 2]:  # how far behind, sizes decide
        table = archdsl.cost(path, bind)
        macs = table.total("macs")
        assert not table.partial and (
            table.total("params"),
            macs if isinstance(macs, int) else evaluate(macs, {"T": 5}),
        ) == (64, runs * 128)
    assert counted(path, {"x": x}) == (64, runs * 128)
    archdsl.compile(table.graph, tmp_path / "again.onnx")
    both = [onnxruntime.InferenceSession(one).run(None, {"x": x}) for one in (path, tmp_path / "again.onnx")]
    for want, have in zip(*both, strict=True):
        np.testing.assert_allclose(have, want, rtol=1e-5, atol=1e-6)


UNKNOWN = {
    "a count that stops": [node("Add", ["k", "one"], ["n"]), node("Min", ["n", "two"], ["k2"]), node("Less", ["k2", "three"], ["on"])],
    "a count that doubles": [node("Add", ["k", "k"], ["k2"]), node("Less", ["k2", "six"], ["on"])],
    "a square": [UP, node("Mul", ["k", "k"], ["q"]), node("Less", ["q", "six"], ["on"])],
    "what is computed": [UP, node("ReduceMax", ["s2"], ["q"], keepdims=0), node("Cast", ["q"], ["c"], to=INT), node("Less", ["c", "one"], ["on"])],
}  # fmt: skip


@pytest.mark.parametrize("name", UNKNOWN)
def test_nobody_knows_how_often(name: str, tmp_path: Path) -> None:
    made = looping(UNKNOWN[name], 1)
    made.graph.output[0].CopyFrom(value("count", INT, []))
    made.graph.output[1].CopyFrom(value("last", F, [2, 8]))
    made.graph.output[2].CopyFrom(value("all", F, ["runs", 2, 8]))
    table = archdsl.cost(saved(made, tmp_path / "loop.onnx"), {"T": 5})
    assert table.partial and table.unknown[0].node.op.operator == "ai.onnx::Loop"


def test_conditions_that_mean_harm(tmp_path: Path) -> None:
    """One that doubles at each node, and one that is made of itself, end at once."""
    doubling = [node("Less", ["k2", "t"], ["c0"]), *(node("And", [f"c{i}"] * 2, [f"c{i + 1}"]) for i in range(60))]
    around = [node("Identity", ["b"], ["a"]), node("Identity", ["a"], ["b"]), node("And", ["a", "b"], ["on"])]
    for going in ([UP, *doubling, node("Identity", ["c60"], ["on"])], [UP, *around]):
        made = looping(going, 0)
        made.graph.output[1].CopyFrom(value("last", F, [2, 8]))
        with pytest.raises(archdsl.DiagnosticError) as refused:
            archdsl.cost(saved(made, tmp_path / "harm.onnx"), {"T": 5})
        assert refused.value.diagnostics[0].code == "E1003"
