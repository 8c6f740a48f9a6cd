"""The operator that stands for what a foreign model has and archdsl does not know."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from onnx_case import model_of, run

import archdsl
from archdsl import Builder, DiagnosticError, data, ops, registry
from archdsl.analyses import other_counters
from archdsl.analyses.claims import check_claim, unknown_notes
from archdsl.analyses.measure import Measures
from archdsl.compare.diff import diff
from archdsl.compare.snapshot import from_record, snapshot, to_record
from archdsl.diagnostics import Refusal
from archdsl.graph import Graph
from archdsl.ops.base import Op
from archdsl.ops.opaque import DynamicQuantizeLSTM, Opaque
from archdsl.report.costs import CostReport
from archdsl.report.render import render
from archdsl.shapes import TensorType
from archdsl.source import Source


def model(op: Op | None, channels: int = 4) -> Graph:
    """A convolution, the operator, and a linear layer: 3 * 9 * channels * 64 + 64 * channels * 10 MACs and more."""
    net = Builder("Theirs")
    x = net.input("x", "f32", ["N", 3, 8, 8])
    y = net.apply("conv", x, channels=channels, kernel=3)
    if op is not None:
        y = net._tape.node(op, [y], net._place, "theirs", None)  # type: ignore[assignment]
    return net.graph(y=net.apply("linear", net.apply("flatten", y), features=10))


def foreign(**attributes: object) -> Op:
    batch = Builder("_").input("x", "f32", ["N"]).type.shape[0]
    return Opaque.of("com.example", "Swirl", [TensorType("f32", (batch, 4, 8, 8))], attributes)


def test_totals_are_lower_bounds_everywhere() -> None:
    known = 3 * 9 * 4 * 64 + 4 * 64 * 10
    table = archdsl.cost(model(foreign(mode="N", axes=[1, 2])))
    text = str(table)
    assert table.partial and table.total("macs") == known
    assert f">= {known:,}" in text and 'theirs (opaque(com.example::Swirl, axes = [1, 2], mode = "N"))' in text
    record = CostReport(table).data()
    assert record["totals"]["macs"] == {"value": known, "unit": "", "partial": True}
    assert not record["totals"]["params"]["partial"] and record["totals"]["receptive_field"]["partial"]
    assert next(row for row in record["rows"] if row["op"] == "opaque")["mac"] is None
    for form in ("markdown", "csv", "json"):
        assert render(CostReport(table), form)
    assert f">= {known:,}" in render(CostReport(table), "markdown")
    for name in other_counters.CONVENTIONS:
        assert CostReport(table, tool=name).data()["as"]["partial"]
    assert not archdsl.cost(model(None)).partial


def test_types_are_bound_and_texts_are_not() -> None:
    """A batch called like an attribute's text replaces the size alone."""
    table = archdsl.cost(model(foreign(mode="N")), {"N": 3})
    row = next(row for row in table.rows if row.op == "opaque")
    assert str(row.outputs[0]) == "f32[3, 4, 8, 8]"
    assert row.node.op.settings == {"mode": "N"}  # type: ignore[attr-defined]
    assert archdsl.memory(model(foreign())).peak.bytes == 2 * 4 * 64 * 4


@pytest.mark.parametrize("op", ["<=", "<", "==", "!="])
def test_no_bound_is_held_by_a_lower_bound(op: str) -> None:
    measures = Measures(model(foreign()))
    assert not check_claim(measures, "macs", op, 10**12).ok
    assert not check_claim(measures, "receptive_field", op, 10**12).ok
    assert check_claim(measures, "macs", ">=", 9_000).ok
    assert check_claim(measures, "params", "<=", 10**6).ok
    assert "`theirs` (opaque(com.example::Swirl" in unknown_notes(measures)[0]


def test_differences_and_baselines_keep_what_is_not_known() -> None:
    old, new = snapshot(model(None)), snapshot(model(foreign()))
    assert from_record(json.loads(json.dumps(to_record(new)))).partial == new.partial >= {"macs", "flops"}
    assert "partial" not in to_record(old)
    found = diff(old, new)
    (macs,) = [f for f in found.figures if f.quantity == "macs"]
    assert macs.partial == (False, True)
    (line,) = [line for line in str(found).splitlines() if line.strip().startswith("macs")]
    assert ">= 9,472" in line and "unknown" in line
    (change,) = found.changes
    assert not change.counted
    assert str(found).splitlines()[-1].split()[-1] == "?"


def test_data_form_round_trip() -> None:
    graph = model(foreign(alpha=0.5, mode="N", axes=[1, 2], tree=list(range(5000))))
    again = data.read(Source("graph.json", data.to_json(graph)))
    (node,) = [node for node in again.nodes if node.op.foreign]
    assert node.op == graph.nodes[1].op
    assert node.outputs[0].type == graph.nodes[1].outputs[0].type
    assert node.op.settings is None  # type: ignore[attr-defined]  # the tree was left out


def test_written_again_as_it_was() -> None:
    made = model_of(model(foreign(alpha=0.5, mode="N", axes=[1, 2])))
    (node,) = [one for one in made.graph.node if one.domain == "com.example"]
    assert node.op_type == "Swirl"
    assert {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute} == {
        "alpha": 0.5, "mode": b"N", "axes": [1, 2],
    }  # fmt: skip
    assert {one.domain: one.version for one in made.opset_import}["com.example"] == 1


@pytest.mark.parametrize("op", [foreign(tree=list(range(5000))), foreign().replace(nodes=3)], ids=["cut", "several"])
def test_what_was_not_kept_whole_is_not_written(op: Op) -> None:
    with pytest.raises(DiagnosticError) as caught:
        model_of(model(op))
    assert [one.code for one in caught.value.diagnostics] == ["E0601"]


def test_no_word_makes_it() -> None:
    assert "opaque" not in ops.names()
    text = 'arch 1\nnetwork Net() {\n  input x: f32[N, 4]\n  opaque("a::b") -> linear(3)\n}\n'
    with pytest.raises(DiagnosticError) as caught:
        archdsl.load(text).graph()
    assert caught.value.diagnostics[0].code == "E0201"
    with pytest.raises(Refusal, match="no operator"):
        Builder("Net").apply("opaque", Builder("x").input("x", "f32", ["N"]))


def test_pytorch_cannot_say_it() -> None:
    with pytest.raises(DiagnosticError) as caught:
        registry.backend("torch").lower(model(foreign()))
    assert [one.code for one in caught.value.diagnostics] == ["E0601"]


@pytest.mark.parametrize("name", ["Swirl", "::", "a::", "::b"])
def test_a_domain_and_a_name_are_needed(name: str) -> None:
    with pytest.raises(Refusal, match="a domain and a name"):
        Opaque.create(operator=name, gives=(TensorType("f32", (1,)),))
    with pytest.raises(Refusal, match="types are needed"):
        Opaque.of("a", "B", [])


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
def test_the_quantised_lstm_is_what_runs(directions: int, bias: bool) -> None:
    """Types are those of ONNX Runtime's own results, MACs those of the products of each step, the bytes true."""
    units, features, steps, batch = 6, 5, 7, 2
    net = Builder("Quantised")
    x = net.input("x", "f32", ["T = 7", batch, features])
    place = net._place
    weights = [
        net.apply("param", size=[directions, inputs, 4 * units], dtype="i8", init=3, label=name)
        for name, inputs in (("w", features), ("r", units))
    ]
    added = [net.apply("param", size=[directions, 8 * units], label="b")] if bias else []
    scales = [
        net.apply("ones", size=[directions]) if kind == "f32" else net.apply("zeros", size=[directions], dtype="i8")
        for kind in ("f32", "i8", "f32", "i8")
    ]
    op = DynamicQuantizeLSTM.of(
        "com.microsoft", "DynamicQuantizeLSTM", (),
        {"hidden_size": units, "direction": "bidirectional" if directions == 2 else "forward"},
        absent=[4, 5, 6, 7] if bias else [3, 4, 5, 6, 7],
    )  # fmt: skip
    y, h, c = net._tape.node(op, [x, *weights, *added, *scales], place, "lstm", None)  # type: ignore[misc]
    graph = net.graph(y=y, h=h, c=c)
    table = archdsl.cost(graph)
    assert not table.partial
    assert table.total("macs") == steps * batch * directions * 4 * units * (features + units)
    products = directions * 4 * units * (features + units)
    assert table.total("params") == products + (8 * units * directions if bias else 0)
    assert table.total("weights") == products + (32 * units * directions if bias else 0)
    found = run(model_of(graph), {"x": np.ones([steps, batch, features], np.float32)})
    assert [f"f32{list(one.shape)}" for one in found] == [str(v.type.bind({"T": 7})) for v in graph.outputs.values()]
