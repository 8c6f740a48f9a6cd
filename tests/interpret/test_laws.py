"""The laws of the combinators, on random blocks: rewriting a program by a law leaves its graph as it was."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st

from archdsl.driver import load
from archdsl.graph import Graph
from archdsl.source import Source
from archdsl.syntax.format import format_file
from archdsl.syntax.parse import parse_file

LEAVES = st.sampled_from(
    ["relu", "tanh", "conv(8, 3)", "conv(8, 1, bias = false)", "batch_norm", "max_pool(3, stride = 1, pad = same)"]
)


def _combine(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, inner).map(lambda fs: f"({fs[0]} -> {fs[1]})"),
        inner.map(lambda f: f"residual {{ {f} }}"),
        st.tuples(inner, inner).map(lambda fs: f"parallel(add) {{ | {fs[0]} | {fs[1]} }}"),
        inner.map(lambda f: f"(dense(2) {{ conv(8, 1) -> {f} }} -> conv(8, 1))"),
    )


BLOCKS = st.recursive(LEAVES, _combine, max_leaves=5)
"""Blocks from f32[N, 8, 6, 6] to the same."""

laws = settings(max_examples=60, deadline=None)


def graph(body: str) -> Graph:
    return load(f"arch 1\nnetwork Net() {{\n  input x: f32[N, 8, 6, 6]\n{body}\n}}\n").graph()


def structure(graph: Graph) -> list[tuple[object, ...]]:
    """Everything but the names: operators, edges, types, parameters' types."""
    number = {value: index for index, value in enumerate(graph.values())}
    rows: list[tuple[object, ...]] = [
        (
            node.op,
            [number[v] for v in node.inputs],
            [v.type for v in node.outputs],
            [p.type for p in node.params.values()],
        )
        for node in graph.nodes
    ]
    return [*rows, tuple(number[v] for v in graph.outputs.values())]


@laws
@given(BLOCKS, BLOCKS, BLOCKS)
def test_serial_is_associative(f: str, g: str, h: str) -> None:
    assert str(graph(f"({f} -> {g}) -> {h}")) == str(graph(f"{f} -> ({g} -> {h})")) == str(graph(f"{f} -> {g} -> {h}"))


@laws
@given(BLOCKS)
def test_identity_is_the_unit(f: str) -> None:
    assert str(graph(f"identity -> {f}")) == str(graph(f)) == str(graph(f"{f} -> identity"))


@laws
@given(BLOCKS, BLOCKS)
def test_lines_are_arrows(f: str, g: str) -> None:
    assert str(graph(f"{f}\n{g}")) == str(graph(f"{f} -> {g}")) == str(graph(f"{f}; {g}"))


@laws
@given(BLOCKS)
def test_residual_is_a_parallel_sum(f: str) -> None:
    assert str(graph(f"residual {{ {f} }}")) == str(graph(f"parallel(add) {{ | {f} | identity }}"))


@laws
@given(BLOCKS)
def test_dense_once_is_a_parallel_concat(f: str) -> None:
    assert structure(graph(f"dense(1) {{ {f} }}")) == structure(graph(f"parallel(concat) {{ | identity | {f} }}"))


@laws
@given(BLOCKS)
def test_repeat_is_serial(f: str) -> None:
    assert str(graph(f"repeat 3 {{ {f} }}")) == str(graph(f"{f}\n{f}\n{f}"))


@laws
@given(BLOCKS)
def test_a_name_for_a_block_changes_no_operator(f: str) -> None:
    assert structure(graph(f"let f = {f}\nf -> f")) == structure(graph(f"{f} -> {f}"))


@laws
@given(BLOCKS, BLOCKS)
def test_formatting_changes_nothing(f: str, g: str) -> None:
    text = f"arch 1\nnetwork Net() {{ input x: f32[N, 8, 6, 6]; first: {f};   {g} }}\n"
    formatted = format_file(parse_file(Source("net.arch", text)))
    assert str(load(formatted).graph()) == str(load(text).graph())
    assert format_file(parse_file(Source("net.arch", formatted))) == formatted


def test_a_law_that_does_not_hold_is_told() -> None:
    """The comparison sees a difference: joins in another order are another graph."""
    one, other = "parallel(concat) { | relu | tanh }", "parallel(concat) { | tanh | relu }"
    assert structure(graph(one)) != structure(graph(other))
    assert str(graph("relu -> tanh")) != str(graph("tanh -> relu"))
