"""Which operator set a model is written in, and attention in the sets before and after there is an operator for it."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_case import generator, graph_of, inputs_of, model_of, randomise, run
from op_examples import examples_of

import archdsl
from archdsl.backends.onnx import backend


def network(body: str) -> archdsl.Graph:
    return archdsl.load(f"arch 1\nnetwork Net() {{ input x: f32[N, 2, T, 8]; {body}; output y }}\n").graph("Net")


@pytest.mark.parametrize(
    ("body", "opset"),
    [
        ("relu -> gelu -> softmax", 17),
        ("gelu(approximate = tanh)", 20),
        ("group_norm(2) -> mish", 17),
        ("attend(x, x, x, causal = true)", 23),
        ("attend(x, x, x, softcap = 2.0)", 17),
        ("attend(x, x, x) -> gelu(approximate = tanh)", 23),
    ],
    ids=["nothing", "gelu by tanh", "as fast before", "attention", "with a soft cap", "both"],
)
def test_the_oldest_set_without_a_cost(body: str, opset: int) -> None:
    """As docs/onnx.md says it."""
    assert backend.opset(network(body)) == opset


def test_old_kernels_hold_back_what_is_only_faster() -> None:
    """Beside a recurrent operator attention is written as products; what is faster in an older set is taken."""
    spec = """arch 1
network Net() {
  input x: f32[N, T, 8]
  lstm(8) -> unsqueeze(1) -> gelu(approximate = tanh) -> { attend(in, in, in) }
  output y
}"""
    for text in (spec, spec.replace("lstm(8) -> ", "").replace("in, in) }", "in, in) -> select(1, 0) -> lstm(8) }")):
        model = model_of(archdsl.load(text).graph("Net"))
        kinds = {node.op_type for node in model.graph.node}
        assert model.opset_import[0].version == 20
        assert "Attention" not in kinds and {"MatMul", "Softmax", "Gelu", "LSTM"} <= kinds


@pytest.mark.parametrize("opset", [17, 22, 23, 24])
def test_attention_is_the_same_in_every_set(opset: int) -> None:
    """All examples; the oldest set has the formula."""
    for example in examples_of("attend"):
        graph, inputs = graph_of(example), inputs_of(example.bound({"N": 2, "T": 5, "S": 4}), generator(example.text))
        (old,), (new,) = run(model_of(graph, opset=17), inputs), run(model_of(graph, opset=opset), inputs)
        np.testing.assert_allclose(new, old, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("opset", [17, 23])
@pytest.mark.parametrize("kind", ["bool", "f32"])
def test_a_query_that_sees_nothing_gives_zeros(kind: str, opset: int) -> None:
    """The second query is hidden from everything; the first of a causal one, whose only key is hidden."""
    spec = f"""arch 1
network Net() {{
  input q: f32[N, 2, T, 8]
  input mask: {kind}[T, T]
  q -> attend(q, q, mask = mask, causal = true)
  output y
}}"""
    q = generator("q").standard_normal((1, 2, 3, 8)).astype("f4")
    seen = np.array([[False, True, True], [False, False, False], [True, False, True]])
    mask = seen if kind == "bool" else np.where(seen, 0, -np.inf).astype("f4")
    (y,) = run(model_of(archdsl.load(spec).graph("Net"), opset=opset), {"q": q, "mask": mask})
    assert not y[:, :, :2].any()
    assert np.isfinite(y).all() and y[:, :, 2].all()


@pytest.mark.parametrize(
    ("mask", "zeroed"),
    [
        ("where(seen, table -> unsqueeze(0), constant(-1e9))", False),
        ("where(seen, table, constant(-1e9)) + given", True),
        ("seen", True),
        ("constant([false], dtype = bool)", True),
    ],
    ids=["finite numbers", "an input", "bool", "constants of bool"],
)
def test_zeros_are_put_where_a_query_may_see_nothing_alone(mask: str, zeroed: bool) -> None:
    """What is hidden by a finite number is still seen a little, as by a bias of learned numbers."""
    spec = f"""arch 1
network Net() {{
  input q: f32[N, 2, 3, 8]
  input seen: bool[3, 3]
  input given: f32[3, 3]
  let table = param([3, 3])
  q -> attend(q, q, mask = {mask})
  output y
}}"""
    model = model_of(archdsl.load(spec).graph("Net"))
    (last,) = [node for node in model.graph.node if node.output[0] == "y"]
    assert last.op_type == ("Where" if zeroed else "Attention")
    if not zeroed:
        randomise(model, generator(mask))
        q = generator("q").standard_normal((1, 2, 3, 8)).astype("f4")
        (y,) = run(model, {"q": q, "seen": np.zeros((3, 3), bool), "given": np.zeros((3, 3), "f4")})
        np.testing.assert_allclose(y, np.broadcast_to(q.mean(axis=2, keepdims=True), y.shape), atol=1e-5)


def test_one_mask_for_all_layers() -> None:
    """Sizes say all of it."""
    model = model_of(network("repeat 4 { in -> attend(in, in, causal = true, sliding_window = 2) }"), opset=17)
    assert [node.op_type for node in model.graph.node].count("Trilu") == 2
