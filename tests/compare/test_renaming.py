"""One network under other names: found by whatever way, and held against networkx's search without colours."""

from __future__ import annotations

import random

import networkx
import pytest
from console import run
from hypothesis import given, settings, strategies as st

from archdsl import load
from archdsl.compare import renaming
from archdsl.compare.renaming import renamed
from archdsl.graph import Graph, Node, Value
from archdsl.ops import load as card
from archdsl.shapes import TensorType
from archdsl.source import Origin

TYPE = TensorType("f32", (1, 4))
OPS = [card(name)() for name in ("relu", "sigmoid", "add", "sub")]


def made(wires: list[tuple[int, int, int]], names: random.Random | None = None) -> Graph:
    """A graph of (operator, operand, operand); with ``names``, in another order and with other names."""
    values = [Value("x" if names is None else "other", TYPE)]
    waiting = list(range(len(wires)))
    nodes, by_index = [], {0: values[0]}
    while waiting:
        ready = [i for i in waiting if all(at in by_index for at in wires[i][1:])]
        index = ready[0] if names is None else names.choice(ready)
        waiting.remove(index)
        op = OPS[wires[index][0]]
        operands = [by_index[at] for at in wires[index][1 : 2 if wires[index][0] < 2 else 3]]
        path = f"n{index}" if names is None else f"m{len(nodes)}"
        nodes.append(Node(op, operands, (TYPE,), path, {}, Origin(None)))
        by_index[index + 1] = nodes[-1].outputs[0]
    return Graph("Net", values, nodes, {"y": by_index[len(wires)]})


@st.composite
def wirings(draw) -> list[tuple[int, int, int]]:
    size = draw(st.integers(1, 8))
    return [
        (draw(st.integers(0, 3)), draw(st.integers(0, i)), draw(st.integers(0, i))) for i in range(size)
    ]  # fmt: skip


@given(wirings(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_another_order_and_other_names_are_the_same_network(wires, names) -> None:
    old, new = made(wires), made(wires, names)
    found = renamed(old, new)
    assert found is not None and sorted(found.values()) == sorted(node.path for node in new.nodes)
    kinds = {node.path: node.op for node in (*old.nodes, *new.nodes)}
    assert all(kinds[a] == kinds[b] for a, b in found.items())


@given(wirings(), wirings())
@settings(deadline=None)
def test_networkx_agrees(wires, others) -> None:
    old, new = made(wires), made(others)
    views = []
    for graph in (old, new):
        view = graph.networkx()
        view.nodes[graph.outputs["y"].producer.path]["op"] += " (output)"
        views.append(view)

    def alike(a, b) -> bool:
        return sorted(e["slot"] for e in a.values()) == sorted(e["slot"] for e in b.values())

    same = networkx.is_isomorphic(*views, node_match=lambda a, b: a["op"] == b["op"], edge_match=alike)
    assert (renamed(old, new) is not None) == same


SHARED = """arch 1
network Net() {{
  input x: f32[N, 4]
  {shared}
  x -> {first} -> relu -> {second}
  output y
}}
"""


def test_shared_weights_are_part_of_a_network() -> None:
    apart = load(SHARED.format(shared="", first="linear(4)", second="linear(4)")).graph()
    once = load(SHARED.format(shared="share f = linear(4)", first="f", second="f")).graph()
    assert renamed(apart, once) is None and renamed(once, apart) is None
    assert renamed(once, once) == {node.path: node.path for node in once.nodes}


def test_the_search_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    wires = [(0, 0, 0), (1, 0, 0), (2, 1, 2)]
    old, new = made(wires), made([wires[1], wires[0], (2, 2, 1)])
    assert renamed(old, new) == {"n0": "n1", "n1": "n0", "n2": "n2"}
    monkeypatch.setattr(renaming, "MOST", 2)
    assert renamed(old, new) is None


def test_diff_says_so(tmp_path) -> None:
    text = "arch 1\nnetwork Net() {{ input x: f32[N, 3, 8, 8]\n{0}: conv(4, 3) -> relu\noutput y }}\n"
    (tmp_path / "a.arch").write_text(text.format("stem"))
    (tmp_path / "b.arch").write_text(text.format("first"))
    told = run("archdsl diff a.arch b.arch", tmp_path).output
    assert "structure: the same network under other names: 2 operators renamed" in told
    assert "stem.conv  first.conv" in told
