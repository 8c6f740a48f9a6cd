"""States of the model: KV caches and streaming layers. Run in chunks they give what they give at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archdsl
from archdsl import data
from archdsl.driver import open_program
from archdsl.graph import Graph, Value
from archdsl.source import Source
from archdsl.syntax.format import format_file
from archdsl.syntax.parse import parse_file

CACHED = """arch 1

block attention(heads = 2) {
  state keys: f32[N, heads, P = 0 >= 0, in.f // heads]
  state values: f32[N, heads, P = 0 >= 0, in.f // heads]
  let n, t, d = in.shape
  q: in -> linear(d) -> reshape([n, t, heads, d // heads]) -> permute([0, 2, 1, 3])
  k: in -> linear(d) -> reshape([n, t, heads, d // heads]) -> permute([0, 2, 1, 3])
  v: in -> linear(d) -> reshape([n, t, heads, d // heads]) -> permute([0, 2, 1, 3])
  let all_keys = (keys, k) -> concat(axis = 2)
  let all_values = (values, v) -> concat(axis = 2)
  next keys = all_keys, values = all_values
  q -> attend(all_keys, all_values, causal = true) -> permute([0, 2, 1, 3]) -> reshape([n, t, d])
}

network Net(layers = 2, d = 8) {
  input x: f32[N, T = 4, d]
  repeat layers as i {
    "layers.{i}": residual { self_attn: attention }
  }
  output y
}
"""

STREAMED = """arch 1

network Net() {
  input x: f32[N, 3, T]
  state past: f32[N, 3, 4]
  let all = (past, x) -> concat(axis = 2)
  next past = all -> slice(2, -4)
  all -> conv(6, 5, pad = valid)
  output y
}
"""

RECURRENT = """arch 1

network Net(d = 5) {
  input x: f32[N, T, 3]
  state h: f32[N, d]
  state m: f32[N, d]
  let y, h1, m1 = x -> lstm(d, start = (h, m), final = true)
  next h = h1, m = m1
  output y = y
}
"""


def compiled(text: str, folder: Path) -> Path:
    archdsl.compile(archdsl.load(text).graph(), folder / "net.onnx")
    return folder / "net.onnx"


@pytest.mark.parametrize(("text", "axis"), [(CACHED, 1), (STREAMED, 2), (RECURRENT, 1)], ids=["cache", "conv", "lstm"])
def test_run_in_chunks_equals_run_at_once_at_every_cut(text: str, axis: int, tmp_path: Path) -> None:
    model, graph = compiled(text, tmp_path), archdsl.load(text).graph()
    x = np.random.default_rng(0).normal(size=(2, *(7 if d == axis else graph.inputs[0].type.shape[d] for d in (1, 2))))
    x = x.astype(np.float32)
    whole = archdsl.run(model, {"x": x})
    for cut in range(1, 7):
        first, second = np.split(x, [cut], axis)
        before = archdsl.run(model, {"x": first})
        handed = {name: before[after] for name, after in graph.states.items()}
        behind = archdsl.run(model, {"x": second, **handed})
        y = np.concatenate([before["y"], behind["y"]], axis)
        np.testing.assert_allclose(y, whole["y"], rtol=1e-4, atol=1e-6, err_msg=f"cut at {cut}")
        for after in graph.states.values():
            np.testing.assert_allclose(behind[after], whole[after], rtol=1e-4, atol=1e-6)


def test_a_state_enters_and_leaves_under_its_path() -> None:
    graph = archdsl.load(CACHED).graph()
    paths = [f"layers.{i}.self_attn.{name}" for i in (0, 1) for name in ("keys", "values")]
    assert graph.states == {path: f"{path}.next" for path in paths}
    assert [value.name for value in graph.inputs] == ["x", *paths]
    assert list(graph.outputs) == ["y", *graph.states.values()]
    assert str(graph.outputs["layers.0.self_attn.keys.next"].type) == "f32[N, 2, P + T, 4]"
    table = archdsl.cost(graph, symbolic=True)  # T * (P + T) * (4 + 4) for each head, and four products
    assert str(table.total("macs")) == "32 * N * P * T + 32 * N * T**2 + 384 * N * T"


@pytest.mark.parametrize("text", [CACHED, STREAMED, RECURRENT], ids=["cache", "conv", "lstm"])
def test_states_go_through_the_formatter_and_the_data_form(text: str) -> None:
    assert format_file(parse_file(Source("n", text))) == text
    graph = archdsl.load(text).graph()
    again = data.read(Source("n.json", data.to_json(graph)))
    assert again.states == graph.states and data.to_json(again) == data.to_json(graph)


def built() -> Graph:
    """The network with caches, in Python."""
    net = archdsl.Builder("Net")
    x = net.input("x", "f32", ["N", "T = 4", 8])
    n, t, d = x.type.shape

    def heads(label: str) -> Value:
        with net.scope(label):
            apart = net.apply("reshape", net.apply("linear", x, features=8), to=[n, t, 2, 4])
            return net.apply("permute", apart, order=[0, 2, 1, 3])

    for i in range(2):
        with net.scope(f"layers.{i}"):
            with net.scope("self_attn"):
                keys = net.state("keys", "f32", ["N", 2, "P = 0 >= 0", 4])
                values = net.state("values", "f32", ["N", 2, "P", 4])
                q, k, v = heads("q"), heads("k"), heads("v")
                all_keys = net.apply("concat", keys, k, axis=2)
                all_values = net.apply("concat", values, v, axis=2)
                net.next(keys, all_keys)
                net.next(values, all_values)
                seen = net.apply("attend", q, all_keys, all_values, causal=True)
                y = net.apply("reshape", net.apply("permute", seen, order=[0, 2, 1, 3]), to=[n, t, d])
            x = net.apply("add", y, x)
    return net.graph(y=x)


def test_a_builder_has_them_as_the_text_has() -> None:
    """The same inputs, outputs, operators, paths and states; and the same file."""
    text, python = archdsl.load(CACHED).graph(), built()
    assert python.states == text.states and python.defaults == text.defaults
    assert str(python).splitlines() == str(text).splitlines()
    assert data.read(Source("n.json", data.to_json(python))).states == python.states
    ours, theirs = (onnx_of(graph) for graph in (python, text))
    assert ours == theirs


def onnx_of(graph: Graph) -> bytes:
    from archdsl.backends.onnx import backend

    return backend.lower(graph)


def test_a_builder_refuses_what_the_text_refuses() -> None:
    net = archdsl.Builder("Net")
    x = net.input("x", "f32", ["N", "T", 8])
    h = net.state("h", "f32", ["N", 8])
    last = net.apply("select", x, axis=1, index=-1)

    def code(call: Any) -> str:
        with pytest.raises(archdsl.DiagnosticError) as found:
            call()
        return str(found.value.diagnostics[0].code)

    assert code(lambda: net.graph(y=x)) == "E0220"
    assert code(lambda: net.next(h, x)) == "E0303"
    assert code(lambda: net.next(x, x)) == "E0217"
    assert code(lambda: net.scan(lambda s: ((), (net.state("m", "f32", ["N", 8]),)), x, axis=1)) == "E0217"
    assert code(lambda: net.scan(lambda s: (net.next(h, s), (s,)), x, axis=1)) == "E0217"
    net.next(h, last)
    assert code(lambda: net.next(h, last)) == "E0220"
    assert net.graph(y=net.apply("add", h, last)).states == {"h": "h.next"}


def test_the_first_run_begins_with_nothing_and_zeros(tmp_path: Path) -> None:
    found = archdsl.run(compiled(STREAMED, tmp_path), bind={"T": 5})
    assert found.inputs["past"] == "float32[1, 3, 4]"
    zeros = archdsl.run(tmp_path / "net.onnx", {"x": np.zeros((1, 3, 2), np.float32)})
    assert not zeros["past.next"].any()


@pytest.mark.reference
@pytest.mark.parametrize("text", [CACHED, STREAMED, RECURRENT], ids=["cache", "conv", "lstm"])
def test_the_module_takes_and_returns_them(text: str, tmp_path: Path) -> None:
    model = compiled(text, tmp_path)
    archdsl.compile(archdsl.load(text).graph(), tmp_path / "net.py", backend="torch")
    found = archdsl.verify(model, tmp_path / "net.py")
    assert found.same and len(found.outputs) == 1 + len(archdsl.load(text).graph().states)


def test_a_state_that_grows_may_have_a_size_in_this_call(tmp_path: Path) -> None:
    """Two layers of keys and values, of 3 positions that stand in front: 2 * 2 * 3 * 8 floats."""
    sizes = {"N": 1, "P": 3, "T": 2}
    table = archdsl.cost(archdsl.load(CACHED).graph(), sizes)
    (tmp_path / "net.arch").write_text(CACHED)
    assert table.total("states") == archdsl.cost(tmp_path / "net.arch", sizes).total("states") == 4 * 2 * 2 * 3 * 8
    assert table.total("macs") == 2 * (3 * 2 * 8 * 8 + 2 * 2 * (3 + 2) * 8)
    archdsl.compile(tmp_path / "net.arch", tmp_path / "net.onnx", bind=sizes)
    found = archdsl.run(tmp_path / "net.onnx", {"x": np.zeros((1, 2, 8), np.float32)})
    assert found["layers.0.self_attn.keys.next"].shape == (1, 2, 5, 4)


@pytest.mark.parametrize(("subject", "size"), [("states", 8), ("states of layers.0", 4), ("states at layers.0", 4)])
def test_states_of_a_part(subject: str, size: int, tmp_path: Path) -> None:
    """Bytes of 2 positions of keys and values: 4 * 2 * 8 a state, and two of them a layer."""
    (tmp_path / "net.arch").write_text(CACHED.replace("P = 0 >= 0", "P = 2 >= 0") + "variant net = Net() {\n"
                                       f"  expect {subject} == {size // 4 * 2 * 4 * 2 * 8}\n}}\n")  # fmt: skip
    assert not archdsl.check(tmp_path / "net.arch").diagnostics


BODY = "arch 1\nnetwork Net() {\n  input x: f32[N, T, 8]\n  %s\n}"
WRONG: dict[str, tuple[str, ...]] = {
    "state h: f32[N, 8]; x": ("E0220",),
    "state h: f32[N, 8]; next h = h; next h = h; x": ("E0220",),
    "state h: f32[N, 8]; next h = x; x": ("E0303",),
    "state h: f32[N, T, 8]; next h = (h, x) -> concat(axis = 1); x": ("E0303",),
    "state h: f32[N, 8]; next h = h -> cast(f16); x": ("E0303",),
    "state h: f32[N, 8]; next h = 3; x": ("E0204",),
    "next h = x; x": ("E0217",),
    "state h = x; x": ("E0217",),
    "state h: f32[N, 8] ; next g = h; next h = h; x": ("E0217",),
    "x -> scan(axis = t) { state h: f32[N, 8]; next h = h; in }": ("E0217",),
    "state h: f32[N, 0]; next h = h; x": ("E0205",),
}


@pytest.mark.parametrize("body", WRONG)
def test_what_is_wrong_is_told_once(body: str) -> None:
    program = open_program(BODY % body)
    found: list[Any] = [*program.errors, *program.elaborate().diagnostics]
    assert tuple(d.code for d in found if d.severity == "error") == WRONG[body]
    assert all(d.span.line == 4 for d in found)
