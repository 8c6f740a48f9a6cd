"""Branches, loops, functions, sizes and what is not known: which network a file stands for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from foreign_models import drawn, model, saved
from onnx import TensorProto, helper

import archdsl
from archdsl.diagnostics import DiagnosticError

F, INT, B = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
node = helper.make_node


def value(name: str, dtype: int = F, sizes: Any = None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, sizes)


def refusal(path: Path, **bind: int) -> Any:
    with pytest.raises(DiagnosticError) as refused:
        archdsl.cost(path, bind or None)
    return refused.value.diagnostics[0]


def outputs(path: Path, **feed: Any) -> list[Any]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = {one.name for one in session.get_inputs()}
    return list(session.run(None, {name: array for name, array in feed.items() if name in names}))


@pytest.fixture
def branching(tmp_path: Path) -> Path:
    """A layer for 8000 and another one for other rates, as Silero's detector has them."""
    small = helper.make_graph([node("MatMul", ["x", "a"], ["s"])], "small", [], [value("s")])
    large = helper.make_graph(
        [node("MatMul", ["x", "b"], ["m"]), node("MatMul", ["m", "c"], ["l"])], "large", [], [value("l")]
    )
    nodes = [
        node("Equal", ["sr", "rate"], ["is"]),
        node("If", ["is"], ["y"], "/choose/If", then_branch=small, else_branch=large),
    ]
    weights = {"a": drawn(8, 4), "b": drawn(8, 16), "c": drawn(16, 4), "rate": np.array(8000)}
    return saved(model(nodes, {"x": (F, [2, 8]), "sr": (INT, [])}, ["y"], weights), tmp_path / "vad.onnx")


def test_a_branch_on_an_input_asks_for_it(branching: Path) -> None:
    told = refusal(branching)
    assert told.code == "E1002" and "`sr`" in told.message and "--bind sr=8000" in told.help
    assert "/choose/If" in told.span.text


@pytest.mark.parametrize(("rate", "macs"), [(8000, 2 * 8 * 4), (16000, 2 * 8 * 16 + 2 * 16 * 4)])
def test_a_bound_branch(branching: Path, tmp_path: Path, rate: int, macs: int) -> None:
    table = archdsl.cost(branching, {"sr": rate})
    assert table.total("macs") == macs and [one.name for one in table.graph.inputs] == ["x"]
    archdsl.compile(table.graph, tmp_path / "one.onnx")
    x = drawn(2, 8)
    want, have = outputs(branching, x=x, sr=np.array(rate)), outputs(tmp_path / "one.onnx", x=x)
    np.testing.assert_allclose(have[0], want[0], rtol=1e-6)


def test_a_loop_counts_as_often_as_it_runs(tmp_path: Path) -> None:
    body = helper.make_graph(
        [node("MatMul", ["s", "w"], ["m"]), node("Tanh", ["m"], ["t"]), node("Identity", ["go"], ["on"]),
         node("Add", ["t", "x"], ["s2"]), node("Identity", ["s2"], ["o"])],
        "body", [value("i", INT, []), value("go", B, []), value("s", F, [2, 8])],
        [value("on", B, []), value("s2", F, [2, 8]), value("o", F, [2, 8])],
    )  # fmt: skip
    made = model(
        [node("Loop", ["n", "", "x"], ["last", "all"], body=body)], {"x": (F, [2, 8])}, ["last", "all"],
        {"w": drawn(8, 8), "n": np.array(5)},
    )  # fmt: skip
    path = saved(made, tmp_path / "loop.onnx")
    table = archdsl.cost(path)
    assert table.total("macs") == 5 * 2 * 8 * 8 and table.total("params") == 64
    archdsl.compile(path, tmp_path / "again.onnx")
    x = drawn(2, 8)
    for want, have in zip(outputs(path, x=x), outputs(tmp_path / "again.onnx", x=x), strict=True):
        np.testing.assert_allclose(have, want, rtol=1e-5, atol=1e-6)


def test_a_function_is_inlined_with_its_attributes(tmp_path: Path) -> None:
    inner = node("LeakyRelu", ["m"], ["b"])
    inner.attribute.append(onnx.AttributeProto(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT))
    opsets = [helper.make_opsetid("", 17)]
    function = helper.make_function(
        "mine", "Layer", ["a", "w"], ["b"], [node("MatMul", ["a", "w"], ["m"]), inner], opsets, ["slope"]
    )
    calls = [
        node("Layer", ["x", "v"], ["h"], domain="mine", slope=0.5),
        node("Layer", ["h", "w"], ["y"], domain="mine", slope=0.25),
    ]
    made = model(calls, {"x": (F, ["N", 6])}, ["y"], {"v": drawn(6, 4), "w": drawn(4, 3)}, functions=[function],
                 domains={"mine": 1})  # fmt: skip
    table = archdsl.cost(saved(made, tmp_path / "f.onnx"))
    assert table.total("macs") == 24 + 12
    assert [getattr(one.op, "slope", None) for one in table.graph.nodes] == [None, 0.5, None, 0.25]


def test_sizes_are_followed_with_symbols(tmp_path: Path) -> None:
    nodes = [
        node("Shape", ["x"], ["s"]), node("Gather", ["s", "zero"], ["n"]), node("Gather", ["s", "one"], ["t"]),
        node("Mul", ["n", "t"], ["nt"]), node("Unsqueeze", ["nt", "axis"], ["u"]), node("Concat", ["u", "six"], ["to"], axis=0),
        node("Reshape", ["x", "to"], ["flat"]), node("MatMul", ["flat", "w"], ["y"]),
        node("Range", ["zero", "t", "one"], ["r"]), node("Cast", ["r"], ["positions"], to=F),
    ]  # fmt: skip
    weights = {
        "zero": np.array(0), "one": np.array(1), "axis": np.array([0]), "six": np.array([6]), "w": drawn(6, 5),
    }  # fmt: skip
    made = model(nodes, {"x": (F, ["batch", "time", 6])}, ["y", "positions"], weights)
    path = saved(made, tmp_path / "sizes.onnx")
    graph = archdsl.cost(path).graph
    assert [str(one.type) for one in graph.outputs.values()] == ["f32[batch * time, 5]", "f32[time]"]
    archdsl.compile(path, tmp_path / "again.onnx")
    x = drawn(2, 3, 6)
    for want, have in zip(outputs(path, x=x), outputs(tmp_path / "again.onnx", x=x), strict=True):
        np.testing.assert_array_equal(have, want)


def test_an_unknown_operator_is_opaque(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", ["x", "w"], ["h"]),
        node("Mystery", ["h"], ["m"], domain="acme", depth=3),
        node("Relu", ["m"], ["y"]),
    ]
    made = model(nodes, {"x": (F, ["N", 6])}, ["y"], {"w": drawn(6, 4)}, domains={"acme": 2})
    made.graph.value_info.append(value("m", F, ["N", 4]))
    table = archdsl.cost(saved(made, tmp_path / "o.onnx"))
    assert table.partial and table.total("macs") == 24
    (unknown,) = table.unknown
    assert unknown.node.op.operator == "acme::Mystery"


@pytest.mark.parametrize("opset", [0, 29, 99])
def test_sets_of_operators_that_nobody_knows_are_refused(tmp_path: Path, opset: int) -> None:
    """What an operator means there is not known, so nothing can be counted. Up to the newest of ``onnx`` all are read."""
    assert onnx.defs.onnx_opset_version() <= 28
    made = model([node("Relu", ["x"], ["y"])], {"x": (F, [2, 8])}, ["y"])
    assert archdsl.cost(saved(made, tmp_path / "known.onnx"))
    made.opset_import[0].version = opset
    told = refusal(saved(made, tmp_path / "unknown.onnx"))
    assert told.code == "E1003" and f"set {opset} " in told.message


def test_weights_outside_are_not_read(tmp_path: Path) -> None:
    made = model([node("Gemm", ["x", "w"], ["y"])], {"x": (F, [1, 16384])}, ["y"], {"w": drawn(1, 1)})
    weight = made.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.dims[:] = [16384, 32768]
    weight.data_location = TensorProto.EXTERNAL
    entry = weight.external_data.add()
    entry.key, entry.value = "location", "hole.bin"
    with (tmp_path / "hole.bin").open("wb") as hole:
        hole.truncate(16384 * 32768 * 4)
    assert archdsl.cost(saved(made, tmp_path / "m.onnx")).total("macs") == 16384 * 32768


def test_messages_name_the_line_of_python(tmp_path: Path) -> None:
    bad = node("Reshape", ["x", "to"], ["y"], "node_view")
    entry = bad.metadata_props.add()
    entry.key = "pkg.torch.onnx.stack_trace"
    entry.value = 'File "/app/net.py", line 12, in forward\n    return x.view(5, 5)'
    told = refusal(saved(model([bad], {"x": (F, [2, 6])}, ["y"], {"to": np.array([5, 5])}), tmp_path / "m.onnx"))
    assert told.code == "E0303" and told.notes == ("from /app/net.py:12, in `forward`",)
    assert told.span.text == "Reshape(x, to) -> y  # node_view"


LIGHT = {  # parameters and MACs, counted from the definitions of the operators over shapes of ONNX Runtime
    "light_inception_v1": (6_998_552, 1_431_556_352),
    "light_inception_v2": (11_214_888, 2_018_851_840),
    "light_squeezenet": (1_235_496, 349_151_936),
    "light_zfnet512": (87_250_536, 1_481_727_008),
}


@pytest.mark.parametrize("name", LIGHT)
def test_models_of_the_onnx_package(name: str) -> None:
    path = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light" / f"{name}.onnx"
    table = archdsl.cost(path)
    learned = sum(one.type.elements for one in table.graph.parameters().values() if one.trainable)
    assert (learned, table.total("macs"), table.partial) == (*LIGHT[name], False)
