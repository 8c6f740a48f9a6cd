"""Costs of what a ``scan`` holds: those of the same network written out, or by hand."""

from __future__ import annotations

import pytest

import archdsl
from archdsl.analyses.measure import measure
from archdsl.analyses.memory_plan import Memory
from archdsl.analyses.ranges import ranges
from archdsl.compare.renaming import renamed
from archdsl.data.reader import read_graph
from archdsl.data.writer import to_json
from archdsl.design_rules import lint
from archdsl.graph import Graph
from archdsl.invariants import check
from archdsl.picture.flow import as_dot, as_mermaid
from archdsl.rewrites.settle import settle
from archdsl.source import Source

RUNS = 7
CELL = """
block cell {
  input_map: in[0] -> linear(16)
  recurrent: in[1] -> linear(16, bias = false)
  tanh(input_map + recurrent)
}
"""
ROLLED = f"""arch 1
{CELL}
network Net() {{
  input x: f32[N, {RUNS}, 8]
  rnn: scan(axis = t) {{
    state h = zeros([in.shape[0], 16])
    one: (in, h) -> cell
    next h = one
    one -> linear(4)
  }}
  output y
}}
"""
UNROLLED = f"""arch 1
{CELL}
network Net() {{
  input x: f32[N, {RUNS}, 8]
  share step = cell
  share out = linear(4)
  let h0 = zeros([x.shape[0], 16])
  {"; ".join(f"let h{i + 1} = (x -> select(t, {i}), h{i}) -> step" for i in range(RUNS))}
  stack({", ".join(f"out(h{i + 1})" for i in range(RUNS))}, axis = 1)
  output y
}}
"""
CONV_LSTM = """arch 1
block conv_lstm(c, k = 3) = scan(axis = t) {
  state h = zeros([in.shape[0], c, in.h, in.w])
  state m = zeros([in.shape[0], c, in.h, in.w])
  let i, f, g, o = (in, h) -> concat -> conv(4 * c, k) -> split(4)
  let m1 = sigmoid(f) * m + sigmoid(i) * tanh(g)
  let h1 = sigmoid(o) * tanh(m1)
  next h = h1, m = m1
  h1
}
network Video() { input video: f32[N, T = 10, 1, 64, 64]; conv_lstm(64); output y }
"""


def graph(text: str) -> Graph:
    return archdsl.load(text).graph()


@pytest.mark.parametrize("quantity", ["params", "weights", "macs", "adds", "specials", "depth", "buffers"])
def test_costs_are_those_of_the_network_written_out(quantity: str) -> None:
    rolled, unrolled = archdsl.cost(graph(ROLLED)).total(quantity), archdsl.cost(graph(UNROLLED)).total(quantity)
    assert rolled == unrolled


def test_costs_of_parts_and_polynomials() -> None:
    """arXiv:1506.04214 without peepholes: 4 · 64 · (65 · 9) weights and 256 biases; 64 · 64 positions a step."""
    net = graph(CONV_LSTM)
    assert archdsl.cost(net).total("params") == 256 * 65 * 9 + 256 == 150_016
    assert str(archdsl.cost(net, symbolic=True).total("macs")) == f"{256 * 65 * 9 * 64 * 64} * N * T"
    assert archdsl.cost(net, {"N": 2, "T": 3}).total("macs") == 6 * 256 * 65 * 9 * 64 * 64
    assert measure(graph(ROLLED), "macs", "rnn.one.input_map") == RUNS * 8 * 16
    assert measure(graph(ROLLED), "params", "rnn.one") == 8 * 16 + 16 + 16 * 16
    assert measure(graph(ROLLED), "macs", tap="rnn.one") == RUNS * (8 * 16 + 16 * 16)


def test_the_depth_of_many_runs_is_that_of_a_few_and_the_period() -> None:
    """Two states that are exchanged: a layer every second run for each, so one in every run on the longest path."""
    text = """arch 1
network Net() {{
  input x: f32[1, {runs}, 8]
  scan(axis = t) {{
    state a = zeros([1, 8])
    state b = zeros([1, 8])
    next a = b + in, b = a -> linear(8)
    b
  }}
}}
"""
    depths = [
        archdsl.cost(graph(text.format(runs=runs))).total("depth") for runs in (1, 2, 3, 4, 5, 6, 1001, 1_000_000)
    ]
    # b(k + 1) = linear(a(k)), a(k + 1) = b(k) + x, and the last states count: one layer, and one more every second run
    assert depths == [1, 1, 2, 2, 3, 3, 501, 500_000]


def test_the_depth_depends_on_the_number_of_runs() -> None:
    with pytest.raises(archdsl.DiagnosticError, match="E0307"):
        archdsl.cost(graph(CONV_LSTM), symbolic=True).total("depth")


def test_memory_is_what_lives_around_and_one_run() -> None:
    """x, the stack, the last state, a state, a slice, and two sums of a run, when the second linear layer runs."""
    sizes = [RUNS * 8, RUNS * 4, 16, 16, 8, 16, 16]
    assert archdsl.cost(graph(ROLLED)).total("peak_activations") == 4 * sum(sizes)
    memory = Memory(graph(ROLLED))
    assert memory.at == "rnn.one.recurrent"
    assert memory.arena.size >= 4 * sum(sizes)
    assert {tensor.value.name for tensor in memory.live} >= {"x", "rnn.in", "rnn.h"}
    assert str(memory)


def test_the_peak_does_not_grow_with_the_runs_but_for_what_is_stacked() -> None:
    peaks = [archdsl.cost(graph(CONV_LSTM), {"T": runs}).total("peak_activations") for runs in (10, 11)]
    assert isinstance(peaks[0], int) and isinstance(peaks[1], int)
    assert peaks[1] - peaks[0] == 4 * (64 * 64 * 64 + 64 * 64)


def test_everything_is_seen_along_the_axis_and_a_window_grows_along_the_others() -> None:
    """Ten runs of a 3x3 convolution on its own results: 2 · 10 + 1 positions of h and w."""
    assert measure(graph(CONV_LSTM), "receptive_field") == (None, 21, 21)
    assert measure(graph(CONV_LSTM.replace("T = 10", "T = 100")), "receptive_field") == (None, None, None)
    without = "arch 1\nnetwork Net() { input x: f32[N, 8, 9, 32]; scan(axis = 2) { conv(8, 3) -> conv(8, 3) } }"
    assert measure(graph(without), "receptive_field") == (1, 5)


def test_bounds_of_a_state_hold_for_all_runs() -> None:
    text = """arch 1
network Net() {
  input x: f32[N, 5, 8]
  scan(axis = t) {
    state h = zeros([in.shape[0], 8])
    state n = zeros([in.shape[0], 8])
    next h = sigmoid(in + h), n = n + 1
    (h, n, relu(h - 2))
  }
}
"""
    net = graph(text)
    found = ranges(net)
    h, n, rest = (found[value] for value in net.outputs.values())
    assert h == (0, 1) and rest == (0, 0)
    assert n[1] == float("inf")


def test_a_running_variance_inside_is_settled() -> None:
    text = "arch 1\nnetwork Net() { input x: f32[N, 5, 3, 8, 8]; scan(axis = 1) { conv(64, 3) -> batch_norm } }"
    begin = {p.init.values for p in settle(graph(text), "kaiming").parameters().values() if p.path.endswith("_var")}
    assert begin and begin != {(1.0,)}


@pytest.mark.parametrize("text", [ROLLED, CONV_LSTM], ids=["rnn", "conv_lstm"])
def test_data_drawings_and_comparison_know_bodies(text: str) -> None:
    net = graph(text)
    again = check(read_graph(Source("net.json", to_json(net))))
    assert str(again) == str(net) and to_json(again) == to_json(net)
    assert again.all_taps().keys() == net.all_taps().keys()
    other = graph(
        text.replace("rnn:", "memory:").replace("block conv_lstm", "block memory").replace("conv_lstm(", "memory(")
    )
    same = renamed(net, other)
    assert same is not None and len(same) == len(net.all_nodes()) and any(a != b for a, b in same.items())
    assert renamed(net, graph(text.replace("tanh(", "sigmoid("))) is None
    runs = "runs, "
    assert runs in as_mermaid(net, 9) and runs in as_dot(net, 9) and as_dot(net, 9).count("subgraph") > 0


def test_a_design_rule_looks_inside() -> None:
    text = "arch 1\nnetwork Net() { input x: f32[N, 5, 3, 8, 8]; a: scan(axis = 1) { conv(4, 3) -> batch_norm } }"
    assert [d.code for d in lint(graph(text))] == ["W0401"]
