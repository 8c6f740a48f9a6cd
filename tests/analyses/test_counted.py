"""Sizes that are found in the data: a symbol called after its node, through shapes, costs, files and engines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx_case import model_of, run

import archdsl
from archdsl.analyses.cost import cost
from archdsl.data import read, to_json
from archdsl.diagnostics import DiagnosticError
from archdsl.dims import limits
from archdsl.source import Source
from archdsl.tape.sized import bound

HEAD = """arch 1
block best(most = 5) {
  let boxes = in[0]
  picked: non_max_suppression(boxes, in[1], most, iou_threshold = 0.4)
  let at = select(picked, 1, 2)
  take(boxes -> reshape([-1, 4]), at, axis = 0)
}
network Net(most = 5) {
  input boxes: f32[N, B = 40, 4]
  input scores: f32[N, 3, B = 40]
  let first = (boxes, scores) -> best(most)
  let second = (boxes, scores) -> best(most)
  near: compress(first, reduce_max(first, axis = 1) > 1, axis = 0)
  wide: linear(near, 7) + ones([near.shape[0], 7])
  let joined = concat(second, first, axis = 0) -> linear(2)
  tail: joined + zeros([first.shape[0] + second.shape[0], 2])
  output wide, tail
}
"""


@pytest.fixture(scope="module")
def graph() -> archdsl.Graph:
    return archdsl.load(HEAD).graph()


def test_each_is_called_after_its_node_and_goes_on(graph: archdsl.Graph) -> None:
    assert str(graph.outputs["wide"].type) == "f32[near.count, 7]"
    assert str(graph.outputs["tail"].type) == "f32[best.picked.count + best_2.picked.count, 2]"
    assert {str(s) for v in graph.values() for d in v.type.shape for s in limits(d)} == {
        "N", "B", "best.picked.count", "best_2.picked.count", "near.count",
    }  # fmt: skip


def test_costs_are_polynomials_and_figures_at_the_greatest_number(graph: archdsl.Graph) -> None:
    """3 classes of 5 boxes in each sample: 15 boxes, twice; ``linear`` from 4 to 7 and from 4 to 2 features."""
    assert str(cost(graph, symbolic=True).total("macs")) == (
        "8 * best.picked.count + 8 * best_2.picked.count + 28 * near.count"
    )
    for samples in (1, 4):
        assert cost(graph, {"N": samples}).total("macs") == samples * (15 * 4 * 7 + 30 * 4 * 2)
    few = archdsl.load(HEAD).graph("Net", most=100)
    assert cost(few).total("macs") == 3 * 40 * 4 * 7 + 2 * 3 * 40 * 4 * 2  # not more than there are boxes
    table = cost(graph)
    assert table.total("peak_activations") > 0 and table.total("arena") > 0
    assert "best.picked.count = 15" in str(table)


def test_bounds_follow_what_is_bound(graph: archdsl.Graph) -> None:
    small = bound(graph, {"N": 2, "B": 3})
    (name,) = limits(small.outputs["wide"].type.shape[0])
    assert (name.least, name.most) == (0, 2 * 3 * 3)


def test_the_data_form_keeps_it(graph: archdsl.Graph) -> None:
    text = to_json(graph)
    again = read(Source("net.arch.json", text))
    assert to_json(again) == text
    assert [str(v.type) for v in again.values()] == [str(v.type) for v in graph.values()]


@pytest.mark.parametrize("threshold", [-9.0, 1.0, 9.0], ids=["many", "some", "none"])
def test_onnx_runtime_runs_any_number(graph: archdsl.Graph, threshold: float) -> None:
    model = model_of(graph)
    onnx.checker.check_model(model, full_check=True)
    dims = [d.dim_param for d in model.graph.output[0].type.tensor_type.shape.dim]
    assert dims[0] == "near.count"
    rng = np.random.default_rng(3)
    boxes = rng.uniform(0, 2, (2, 30, 4)).astype(np.float32) + np.float32(threshold)
    wide, tail = run(model, {"boxes": boxes, "scores": rng.normal(size=(2, 3, 30)).astype(np.float32)})
    assert wide.shape[1:] == (7,) and tail.shape[0] >= 2 * len(wide)
    assert (len(wide) == 0) == (threshold < 0)


@pytest.mark.reference
def test_the_generated_module_agrees(graph: archdsl.Graph) -> None:
    import torch
    from torch_module import distance, load_initialisers, module_of, outputs_of

    model, net = model_of(graph), module_of(graph)
    load_initialisers(net, model)
    rng = np.random.default_rng(4)
    boxes, scores = rng.uniform(0, 2, (3, 20, 4)).astype(np.float32), rng.normal(size=(3, 3, 20)).astype(np.float32)
    with torch.no_grad():
        found = outputs_of(net(torch.from_numpy(boxes), torch.from_numpy(scores)))
    for ours, theirs in zip(found, run(model, {"boxes": boxes, "scores": scores}), strict=True):
        assert ours.shape == theirs.shape and distance(ours, theirs) <= 1e-5


WHERE_A_NUMBER_IS_NEEDED = {
    "features": "linear(boxes, picked.shape[0])",
    "shape": "reshape(picked, [15, 1])",
    "parameter": "param([picked.shape[0]])",
    "answer": "(relu if picked.shape[0] > 3 else tanh)(boxes)",
    "broadcast": "picked + ones([7, 3], dtype = i64)",
    "weights": "transpose(cast(picked, f32)) -> linear(4)",
    "function": "boxes * sqrt(picked.shape[0])",
    "top": "top_k(transpose(picked), 3)",
    "repeat": "boxes -> { repeat picked.shape[0] { relu } }",
}


@pytest.mark.parametrize("use", WHERE_A_NUMBER_IS_NEEDED)
def test_it_is_no_configuration(use: str) -> None:
    text = (
        "arch 1\nnetwork Net() {\n  input boxes: f32[N, B = 40, 4]\n  input scores: f32[N, 1, B = 40]\n"
        f"  picked: non_max_suppression(boxes, scores, 5)\n  let x = {WHERE_A_NUMBER_IS_NEEDED[use]}\n"
        "  output x, picked\n}\n"
    )
    with pytest.raises(DiagnosticError) as caught:
        archdsl.load(text).graph()
    assert {d.code for d in caught.value.diagnostics} == {"E0314"}
    assert all("picked" in d.message and d.span is not None for d in caught.value.diagnostics)


def test_a_value_cannot_be_given_for_it(graph: archdsl.Graph) -> None:
    for name in ("near.count", "near"):
        with pytest.raises(DiagnosticError) as caught:
            archdsl.compile(graph, "unwritten.onnx", bind={name: 3})
        assert caught.value.diagnostics[0].code == "E0007"


INSIDE = """arch 1
network Net() {
  input x: f32[N, T = 6, 5]
  scan(axis = t) {
    state h = zeros([in.shape[0], 5])
    let at = nonzero(in > 0)
    next h = h + in
    h
  }
  output y
}
"""
AROUND = """arch 1
network Net() {
  input x: f32[N, T = 6, 5]
  input rows: f32[9, 5]
  kept: compress(rows, reduce_sum(rows, axis = 1) > 0, axis = 0)
  x -> scan(axis = t) {
    state h = zeros([in.shape[0], 5])
    next h = h + in
    (h @ transpose(kept)) + ones([1, kept.shape[0]])
  }
  output y
}
"""


def test_runs_of_a_scan_find_none_of_their_own() -> None:
    with pytest.raises(DiagnosticError) as caught:
        archdsl.load(INSIDE).graph()
    assert [d.code for d in caught.value.diagnostics if d.severity == "error"] == ["E0314"]


@pytest.mark.reference
def test_runs_of_a_scan_see_what_was_found_outside() -> None:
    import torch
    from torch_module import distance, module_of, outputs_of

    graph = archdsl.load(AROUND).graph()
    rng = np.random.default_rng(5)
    inputs = {"x": rng.normal(size=(2, 6, 5)).astype("f4"), "rows": rng.normal(size=(9, 5)).astype("f4")}
    kept = inputs["rows"][inputs["rows"].sum(1) > 0]
    sums = np.cumsum(inputs["x"], 1) - inputs["x"]
    with torch.no_grad():
        module = outputs_of(module_of(graph)(*map(torch.from_numpy, inputs.values())))
    for (found,) in (run(model_of(graph), inputs), module):
        assert found.shape == (2, 6, len(kept)) and distance(found, sums @ kept.T + 1) <= 1e-5


SOME = """arch 1
network Net() {
  input x: f32[N, T = 9 >= 4, 5]
  input scores: f32[K]
  let many = reduce_sum(cast(scores > 0, i64), axis = 0)
  let best, at = top_k(x, 4, axis = t, only = many)
  let all, _ = top_k(x, x.shape[1], axis = t)
  output best, at, all, weighed = linear(best, 2, bias = false, weight = ones([2, 5]))
}
"""


def test_as_many_as_a_number_of_the_data_says(tmp_path: Path) -> None:
    graph = archdsl.load(SOME).graph()
    assert (
        str(graph.outputs["best"].type) == "f32[N, top_k.count, 5]" and str(graph.outputs["all"].type) == "f32[N, T, 5]"
    )
    assert archdsl.cost(graph).total("macs") == 4 * 2 * 5
    model = model_of(graph)
    rng = np.random.default_rng(3)
    x = rng.normal(size=(2, 9, 5)).astype("f4")
    for many in (0, 1, 3, 4, 7):
        scores = np.where(np.arange(8) < many, 1, -1).astype("f4")
        best, at, every, weighed = run(model, {"x": x, "scores": scores})
        order = np.argsort(-x, axis=1)
        assert (at == order[:, : min(many, 4)]).all() and (best == -np.sort(-x, 1)[:, : min(many, 4)]).all()
        assert (every == -np.sort(-x, 1)).all() and np.allclose(weighed, best.sum(-1, keepdims=True), atol=1e-5)
    archdsl.compile(graph, tmp_path / "net.onnx")
    archdsl.run(tmp_path / "net.onnx")


@pytest.mark.parametrize("call", ["top_k(x, 4, only = n, axis = t)", "top_k(x, 4, only = x, axis = t)"])
def test_the_number_is_one_integer(call: str) -> None:
    text = f"arch 1\nnetwork Net() {{ input x: f32[N, 9, 5]; input n: i32[]; let a, b = {call}; output a, b, n }}"
    assert "E0309" in [one.code for one in archdsl.load(text).check()]


@pytest.mark.parametrize("most", [2**31 - 1, 2**63 - 1])
def test_all_boxes_are_at_most_as_many_as_there_are(most: int) -> None:
    """Exporters write the greatest integer where no number is given: 3 classes of ``T`` boxes, 24 bytes each."""
    text = """arch 1
network All() { input b: f32[N, T, 4]; input s: f32[N, 3, T]; let at = non_max_suppression(b, s, MOST); output at }
"""
    graph = archdsl.load(text.replace("MOST", str(most))).graph()
    assert cost(graph, {"N": 2, "T": 9}).total("activations") == 2 * 3 * 9 * 24
    (free,) = cost(graph, {"N": 2}).graph.outputs.values()
    assert not isinstance(free.type.shape[0], int)
