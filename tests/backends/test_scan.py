"""Loops in ONNX Runtime, in onnx.reference and as generated modules, against the same networks without loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator
from onnx_case import generator, model_of, randomise, run

import archdsl
from archdsl.backends.onnx import backend
from archdsl.graph import Graph, Value

STEPS = 5
Runs = tuple[tuple[Value, ...], tuple[Value, ...]]
Cell = Callable[[archdsl.Builder, Value, Value, Value, str], Runs]
"""From builder, state, slice, a tensor from outside and a prefix for labels: the next state and the result."""


def elman(net: archdsl.Builder, h: Value, x: Value, held: Value, at: str) -> Runs:
    seen = net.apply("relu", net.apply("linear", net.apply("tanh", x), features=6, label=f"{at}ih"))
    new = net.apply("tanh", net.apply("add", seen, net.apply("linear", h, features=6, label=f"{at}hh")))
    return (new,), (net.apply("mul", new, held),)


def attentive(net: archdsl.Builder, h: Value, x: Value, held: Value, at: str) -> Runs:
    """A product with a tensor from outside that takes part in none of the steps, and a result that is the slice."""
    keys = net.apply("linear", held, features=6, label=f"{at}keys")
    scores = net.apply("softmax", net.apply("matmul", h, net.apply("transpose", keys)), axis=-1)
    new = net.apply("add", net.apply("matmul", scores, held), net.apply("linear", x, features=6, label=f"{at}ih"))
    return (new,), (x, new)


def looped(cell: Cell, held: str, *, reverse: bool) -> Graph:
    net = archdsl.Builder("Looped")
    x = net.input("x", "f32", ["N", STEPS, 6])
    start = net.apply("select", x, axis=1, index=0)
    other = net.apply("linear", start, features=6, label="scale") if held == "rows" else net.apply("param", size=[4, 6])
    results, finals = net.scan(
        lambda h, s: cell(net, h, s, other, ""), x, states=[start], label="cell", reverse=reverse
    )
    return net.graph(**{f"y{i}": value for i, value in enumerate((*results, *finals))})


def unrolled(cell: Cell, held: str, *, reverse: bool) -> Graph:
    """Each step with weights of its own, which the test makes equal."""
    net = archdsl.Builder("Unrolled")
    x = net.input("x", "f32", ["N", STEPS, 6])
    state = net.apply("select", x, axis=1, index=0)
    other = net.apply("linear", state, features=6, label="scale") if held == "rows" else net.apply("param", size=[4, 6])
    found: dict[int, tuple[Value, ...]] = {}
    for t in range(STEPS)[:: -1 if reverse else 1]:
        (state,), found[t] = cell(net, state, net.apply("select", x, axis=1, index=t), other, f"t{t}_")
    stacks = [net.apply("stack", *parts, axis=1) for parts in zip(*(found[t] for t in range(STEPS)))]
    return net.graph(**{f"y{i}": value for i, value in enumerate((*stacks, state))})


CELLS = {"elman": (elman, "rows"), "attentive": (attentive, "table")}


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("reverse", [False, True])
def test_a_loop_is_its_steps(name: str, reverse: bool) -> None:
    cell, held = CELLS[name]
    loop, steps = (model_of(make(cell, held, reverse=reverse)) for make in (looped, unrolled))
    onnx.checker.check_model(loop, full_check=True)
    declared = {one.name for one in (*loop.graph.value_info, *loop.graph.output)}
    assert {name for node in loop.graph.node for name in node.output if "/" not in name} <= declared
    weights = randomise(loop, generator(name))
    for tensor in steps.graph.initializer:
        parts = tensor.name.split("_", 1) if tensor.name.startswith("t") else [tensor.name]
        same = weights[f"cell.{parts[1]}" if len(parts) == 2 else tensor.name]
        tensor.CopyFrom(onnx.numpy_helper.from_array(same, tensor.name))
    x = generator("x").uniform(-1, 1, (3, STEPS, 6)).astype(np.float32)
    ours, theirs = run(loop, {"x": x}), run(steps, {"x": x})
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)
    if not reverse:  # which onnx.reference has not
        for one, other in zip(ours, ReferenceEvaluator(loop).run(None, {"x": x}), strict=True):
            np.testing.assert_allclose(one, other, atol=2e-5)


def inside(model: onnx.ModelProto) -> list[str]:
    """The operators of the one loop."""
    (node,) = [node for node in model.graph.node if node.op_type == "Scan"]
    (body,) = [attribute.g for attribute in node.attribute if attribute.name == "body"]
    return [node.op_type for node in body.node]


def test_what_needs_no_state_is_done_once() -> None:
    """One product for all steps, with what stands in front of it; the ReLU behind it stays in the loop."""
    assert inside(model_of(looped(elman, "rows", reverse=False))) == ["Relu", "Gemm", "Add", "Tanh", "Mul"]
    assert "Gemm" not in inside(model_of(looped(attentive, "table", reverse=False)))


VIDEO = """arch 1
block step(h: tensor) {
  let seen = in -> conv(6, 3, stride = 2) -> batch_norm -> relu -> max_pool(2) -> conv_transpose(4, 2, stride = 2)
  tanh(seen + (h -> conv(4, 3)) + (h -> conv(4, 1)))
}
network Looped() {
  input video: f32[N, T = 5, 2, 4 * H = 8, 4 * W = 8]
  let first = video -> select(1, 0) -> conv(4, 1, stride = 2)
  cell: scan(axis = t) {
    state h = first
    new: in -> step(h)
    next h = new
    new
  }
  output y
}
network Steps() {
  input video: f32[N, 5, 2, 4 * H = 8, 4 * W = 8]
  let first = video -> select(1, 0) -> conv(4, 1, stride = 2)
  h[0]: first
  repeat 5 as i { h[i + 1]: video -> select(1, i) -> step(h[i]) }
  output y = stack(h[1], h[2], h[3], h[4], h[5], axis = 1)
}
"""


@pytest.mark.parametrize("sizes", [{"N": 2, "H": 2, "W": 2}, {"N": 2}, {}], ids=["bound", "batch", "free"])
def test_convolutions_of_slices_are_one_for_all_steps(sizes: dict[str, int]) -> None:
    """With what stands in front of them: steps and batch are one axis meanwhile."""
    program = archdsl.load(VIDEO)
    bind = sizes if sizes else None
    loop, steps = model_of(program.graph("Looped", bind=bind)), model_of(program.graph("Steps"))
    onnx.checker.check_model(loop, full_check=True)
    weights = randomise(loop, generator("video"))
    for tensor in steps.graph.initializer:
        *_, layer, slot = tensor.name.split(".")
        same = weights[f"cell.new.{layer}.{slot}" if tensor.name.count(".") > 1 else tensor.name]
        tensor.CopyFrom(onnx.numpy_helper.from_array(same, tensor.name))
    views = ["Reshape", "Reshape"]  # of weights and biases
    assert inside(loop) == [*views, "Conv", "Add", *views, "Conv", "Add", "Tanh", "Identity"]
    x = generator("x").uniform(-1, 1, (2, 5, 2, 8, 8)).astype(np.float32)
    np.testing.assert_allclose(run(loop, {"video": x})[0], run(steps, {"video": x})[0], atol=2e-5)


ACROSS = """arch 1
network Net() {
  input x: f32[N, T = 3, 4, 6]
  scan(axis = t) {
    state h = zeros([in.shape[0], 4, 6])
    let seen = softmax(in, axis = AXIS) -> conv(4, 3)
    next h = h + seen
    h
  }
  output y
}
"""


@pytest.mark.parametrize("axis", [0, 1])
def test_what_looks_across_the_batch_stays_in_the_loop(axis: int) -> None:
    program = archdsl.load(ACROSS.replace("AXIS", str(axis)))
    model = model_of(program.graph())
    weights = randomise(model, generator("across"))
    x = generator("x").uniform(-1, 1, (2, 3, 4, 6)).astype(np.float32)
    h, wanted = np.zeros((2, 4, 6), np.float32), []
    for t in range(3):
        wanted.append(h)
        seen = np.exp(x[:, t]) / np.exp(x[:, t]).sum(axis, keepdims=True)
        padded = np.pad(seen, ((0, 0), (0, 0), (1, 1)))
        columns = np.stack([padded[..., i : i + 6] for i in range(3)], -1)
        bias = weights["scan.conv.bias"][:, None]
        h = h + np.einsum("ncik,ock->noi", columns, weights["scan.conv.weight"]) + bias
    np.testing.assert_allclose(run(model, {"x": x})[0], np.stack(wanted, 1), atol=2e-5)
    assert ("Conv" in inside(model)) == (axis == 0)


def nested() -> Graph:
    """Words within sentences, with lengths that are not known."""
    net = archdsl.Builder("Nested")
    x = net.input("x", "i64", ["N", "T", "S"])
    weight = net.apply("param", size=[6])

    def sentence(h: Value, words: Value) -> Runs:
        def word(m: Value, one: Value) -> Runs:
            seen = net.apply("embedding", one, count=3, features=6)
            after = net.apply("tanh", net.apply("add", net.apply("mul", seen, weight), m))
            return (after,), ()

        _, (last,) = net.scan(word, words, states=[h])
        return (last,), (last,)

    shape = x.type.shape
    (outputs,), _ = net.scan(sentence, x, states=[net.apply("zeros", size=[shape[0], 6])])
    return net.graph(y=outputs)


def test_weights_of_convolutions_become_tensors_of_the_body(tmp_path: Any) -> None:
    """ONNX Runtime makes its blocked convolutions of tensors of the same graph alone, not of those of outer ones."""
    import onnxruntime

    model = model_of(archdsl.load(VIDEO).graph())
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found = onnx.load(tmp_path / "optimised.onnx")
    (loop,) = [node for node in found.graph.node if node.op_type == "Scan"]
    (body,) = [attribute.g for attribute in loop.attribute if attribute.name == "body"]
    own = {tensor.name for tensor in body.initializer}
    convolutions = [node for node in body.node if node.op_type == "Conv"]
    assert len(convolutions) == 2 and all(own.issuperset(node.input[1:]) for node in convolutions)


def test_loops_in_loops_and_free_sizes() -> None:
    model = model_of(nested())
    onnx.checker.check_model(model, full_check=True)
    weights = randomise(model, generator("nested"))
    x = generator("words").integers(0, 3, (2, 3, 4))
    (table,) = [value for value in weights.values() if value.shape == (3, 6)]
    (weight,) = [value for value in weights.values() if value.shape == (6,)]
    h, wanted = np.zeros((2, 6), np.float32), []
    for t in range(3):
        for s in range(4):
            h = np.tanh(table[x[:, t, s]] * weight + h)
        wanted.append(h)
    np.testing.assert_allclose(run(model, {"x": x})[0], np.stack(wanted, 1), atol=2e-5)


@pytest.mark.reference
@pytest.mark.parametrize("name", [*CELLS, "nested"])
@pytest.mark.parametrize("reverse", [False, True])
def test_the_module_agrees_and_learns(name: str, reverse: bool) -> None:
    import torch
    from torch_module import load_initialisers, module_of, outputs_of

    graph = nested() if name == "nested" else looped(*CELLS[name], reverse=reverse)
    model, net = model_of(graph), module_of(graph)
    randomise(model, generator("module"))
    load_initialisers(net, model)
    draw = generator("x")
    x: Any = draw.integers(0, 3, (2, 3, 4)) if name == "nested" else draw.uniform(-1, 1, (3, STEPS, 6)).astype("f")
    found = net(torch.from_numpy(x))
    for one, other in zip(run(model, {"x": x}), outputs_of(found), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)
    sum(value.sum() for value in (found.values() if isinstance(found, dict) else [found])).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


SHARED = {
    "layers and a table": """arch 1
network Net() {
  input x: i64[N, T = 4]
  share embed = embedding(7, 5)
  share mix = linear(5)
  let first = (x -> select(1, 0) -> embed) -> mix
  cell: x -> scan(axis = t) {
    state h = first
    new: { tanh((in -> embed) + (h -> mix)) }
    next h = new
    new -> linear(7, weight = embed.weight, bias = false)
  }
  output y
}""",
    "inside alone": """arch 1
network Net() {
  input x: f32[N, T = 4, 5]
  scope: {
    share mix = linear(5)
    let first = x -> select(1, 0)
    cell: x -> scan(axis = t) {
      state h = first
      new: seq { tanh(in + (h -> mix)) }
      next h = new
      new -> mix
    }
  }
  output y
}""",
    "loops in loops": """arch 1
network Net() {
  input x: f32[N, T = 4, S = 3, 5]
  table: param([5])
  share mix = linear(5)
  let first = x -> select(1, 0) -> select(1, 0) -> mix
  cell: x -> scan(axis = 1) {
    state h = first
    share mine = linear(5)
    inner: in -> scan(axis = t) {
      state g = h
      next g = tanh((in -> mix) + (g -> mine) + table)
      g
    }
    next h = inner -> reduce_sum(axis = 1)
    inner -> mine
  }
  output y
}""",
}


@pytest.mark.reference
@pytest.mark.parametrize("name", SHARED)
def test_layers_that_lie_outside_of_a_loop_are_handed_in(name: str) -> None:
    """The same weights are one layer of the module, under the name that it has outside."""
    import torch
    from torch_module import load_initialisers, module_of, outputs_of

    graph = archdsl.load(SHARED[name]).graph()
    model, net = model_of(graph), module_of(graph)
    randomise(model, generator("shared", name))
    load_initialisers(net, model)
    (value,) = graph.inputs
    shape = [2, *(4, 3, 5)[: value.type.rank - 2], 5][: value.type.rank]
    draw = generator("x")
    x: Any = draw.integers(0, 7, (2, 4)) if value.type.dtype == "i64" else draw.uniform(-1, 1, shape).astype("f")
    found = net(torch.from_numpy(x))
    np.testing.assert_allclose(run(model, {value.name: x})[0], outputs_of(found)[0], atol=2e-5)
    found.sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_weights_beside_the_model(tmp_path: Any) -> None:
    """The initialisers of a body lie in the file of external data as all others do."""
    graph = looped(elman, "rows", reverse=False)
    path = tmp_path / "model.onnx"
    archdsl.compile(graph, path, external_data=True)
    x = generator("x").uniform(-1, 1, (3, STEPS, 6)).astype(np.float32)
    for one, other in zip(run(onnx.load(path), {"x": x}), run(model_of(graph), {"x": x}), strict=True):
        np.testing.assert_array_equal(one, other)
    assert backend.opset(graph) == 17


def cells(name: str, bias: str) -> str:
    """A network of an operator, and one of the same layer as a loop around a cell of the library."""
    cell = {
        "rnn": "let new = in -> rnn_cell(6, h, bias = BIAS)\n    next h = new\n    new",
        "gru": "let new = in -> gru_cell(6, h, bias = BIAS)\n    next h = new\n    new",
        "before": "let new = in -> gru_cell(6, h, reset = before, bias = BIAS)\n    next h = new\n    new",
        "lstm": "state m = zeros([in.shape[0], 6])\n    let new, cell = in -> lstm_cell(6, h, m, bias = BIAS)\n"
        "    next h = new, m = cell\n    new",
    }[name]
    layer = {"before": "gru(6, reset = before, bias = BIAS)"}.get(name, f"{name}(6, bias = BIAS)")
    return f"""arch 1
use std.recurrent (gru_cell, lstm_cell, rnn_cell)
network Layer() {{ input x: f32[N, T = 7, 5]; layer: {layer}; output y }}
network Loop() {{
  input x: f32[N, T = 7, 5]
  scan(axis = t) {{
    state h = zeros([in.shape[0], 6])
    {cell}
  }}
  output y
}}
""".replace("BIAS", bias)


@pytest.mark.parametrize("name", ["rnn", "gru", "before", "lstm"])
@pytest.mark.parametrize("bias", ["two", "one", "none"])
def test_a_loop_around_a_cell_of_the_library_is_the_layer(name: str, bias: str) -> None:
    program = archdsl.load(cells(name, bias))
    layer, loop = (model_of(program.graph(network)) for network in ("Layer", "Loop"))
    weights = randomise(layer, generator(name, bias))
    for tensor in loop.graph.initializer:
        *_, part, kind = tensor.name.split(".")
        whole = weights[f"layer.{kind}_{'ih' if part == 'ih' else 'hh'}_l0"]
        rows = {"hh": whole[:12], "hn": whole[12:]} if name == "before" else {}
        tensor.CopyFrom(onnx.numpy_helper.from_array(np.ascontiguousarray(rows.get(part, whole)), tensor.name))
    x = generator("x").uniform(-1, 1, (3, 7, 5)).astype(np.float32)
    np.testing.assert_allclose(run(loop, {"x": x})[0], run(layer, {"x": x})[0], atol=2e-6)
