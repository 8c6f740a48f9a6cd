"""Graphs within graphs: a ``scan`` made in Python, its invariants, and the rewrites that look inside."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import archdsl
from archdsl.graph import Node, Value
from archdsl.invariants import BrokenGraphError, check
from archdsl.rewrites.bind import bind
from archdsl.rewrites.dead import drop_dead
from archdsl.rewrites.fold import fold
from archdsl.tape.rebuild import rebuilt

Runs = tuple[tuple[Value, ...], tuple[Value, ...]]


def elman(*, reverse: bool = False, dead: bool = False, hidden: int = 16) -> archdsl.Graph:
    """h' = tanh(W x + U h), with the product by a tensor from outside for a result."""
    net = archdsl.Builder("Elman")
    x = net.input("x", "f32", ["N", "T = 5", 8])
    scale = net.apply("linear", net.apply("select", x, axis=1, index=0), features=hidden, label="scale")
    start = net.apply("zeros", size=[1, hidden])
    start = net.apply("add", start, scale)

    def run(h: Value, step: Value) -> Runs:
        sum_ = net.apply("add", net.apply("linear", step, features=hidden), net.apply("linear", h, features=hidden))
        after = net.apply("tanh", sum_)
        if dead:
            net.apply("mul", after, scale)
        return (after,), (after if dead else net.apply("mul", after, scale),)

    (outputs,), (final,) = net.scan(run, x, states=[start], label="cell", reverse=reverse)
    return net.graph(outputs=outputs, final=final)


def holder(graph: archdsl.Graph) -> Node:
    (found,) = graph.holders()
    return found


def test_a_body_is_a_graph_of_its_own() -> None:
    graph = check(elman())
    node = holder(graph)
    assert node.body is not None
    assert [value.name for value in node.body.inputs] == ["cell.state.0", "cell.in", "cell.scale"]
    assert [str(value.type) for value in node.body.inputs] == ["f32[N, 16]", "f32[N, 8]", "f32[N, 16]"]
    assert [value.name for value in node.inputs] == ["add", "x", "scale"]
    assert [str(value.type) for value in node.outputs] == ["f32[N, 16]", "f32[N, T, 16]"]
    assert [inner.path for inner in node.body.nodes] == [
        "cell.linear",
        "cell.linear_2",
        "cell.add",
        "cell.tanh",
        "cell.mul",
    ]
    assert list(node.params) == ["cell.linear.weight", "cell.linear.bias", "cell.linear_2.weight", "cell.linear_2.bias"]
    assert set(graph.parameters()) == {*node.params, "scale.weight", "scale.bias"}


def test_what_is_bound_is_bound_inside() -> None:
    graph = check(bind(elman(), {"N": 2, "T": 5}))
    node = holder(graph)
    assert node.body is not None
    assert [str(value.type) for value in node.outputs] == ["f32[2, 16]", "f32[2, 5, 16]"]
    assert str(node.body.nodes[-1].outputs[0].type) == "f32[2, 16]"


def test_what_reaches_no_output_is_dropped_inside_and_no_longer_captured() -> None:
    graph = check(drop_dead(elman(dead=True)))
    node = holder(graph)
    assert node.body is not None
    assert [inner.op.name for inner in node.body.nodes] == ["linear", "linear", "add", "tanh"]
    assert [value.name for value in node.inputs] == ["add", "x"]
    assert drop_dead(graph) is graph


def test_a_norm_is_folded_inside() -> None:
    net = archdsl.Builder("Video")
    x = net.input("video", "f32", ["N", 4, 3, 8, 8])

    def run(step: Value) -> Runs:
        return (), (net.apply("batch_norm", net.apply("conv", step, channels=4, kernel=3, bias=False)),)

    (maps,), _ = net.scan(run, x)
    graph = check(fold(net.graph(maps=maps)))
    assert [node.op.name for node in graph.all_nodes()] == ["conv", "scan"]
    assert set(graph.parameters()) == {"scan.conv.weight", "scan.conv.bias"}


def test_a_rebuilt_graph_is_equal() -> None:
    graph = elman()
    types = lambda node: [value.type for value in node.outputs]  # noqa: E731
    again = rebuilt(graph, lambda node, ins: Node(node.op, ins, types(node), node.path, node.params, node.origin))
    assert str(check(again)) == str(graph)


def test_a_scan_in_a_scan() -> None:
    net = archdsl.Builder("Nested")
    x = net.input("x", "f32", ["N", "T = 3", "S = 4", 8])
    weight = net.apply("param", size=[8])

    def sentence(h: Value, words: Value) -> Runs:
        def word(m: Value, one: Value) -> Runs:
            after = net.apply("tanh", net.apply("add", net.apply("mul", one, weight), m))
            return (after,), ()

        _, (last,) = net.scan(word, words, states=[h])
        return (last,), (last,)

    start = net.apply("select", net.apply("select", x, axis=1, index=0), axis=1, index=0)
    (outputs,), _ = net.scan(sentence, x, states=[start])
    graph = check(net.graph(y=outputs))
    inner, outer = graph.holders()
    assert inner.path == "scan.scan"
    assert outer.body is not None and inner in outer.body.nodes
    assert [value.name for value in outer.inputs] == ["select_2", "x", "param"]
    assert [value.name for value in inner.inputs] == ["scan.state.0", "scan.in", "scan.param"]
    check(bind(graph, {"N": 2, "T": 3, "S": 4}))


def refused(make: Callable[[archdsl.Builder, Value], object]) -> str:
    net = archdsl.Builder("Net")
    x = net.input("x", "f32", ["N", "T", 8])
    with pytest.raises(archdsl.DiagnosticError) as found:
        make(net, x)
    return found.value.diagnostics[0].code


def test_what_a_state_cannot_be() -> None:
    def other_type(net: archdsl.Builder, x: Value) -> object:
        start = net.apply("select", x, axis=1, index=0)
        return net.scan(lambda h, step: ((net.apply("linear", h, features=4),), (h,)), x, states=[start])

    def of_a_run(net: archdsl.Builder, x: Value) -> object:
        seen: list[Value] = []
        net.scan(lambda step: ((), (seen.append(step) or step,)), x)  # type: ignore[func-returns-value]
        return net.apply("relu", seen[0])

    def no_axis(net: archdsl.Builder, x: Value) -> object:
        return net.scan(lambda step: ((), (step,)), x, axis=3)

    def lengths(net: archdsl.Builder, x: Value) -> object:
        return net.scan(lambda a, b: ((), (a,)), x, net.apply("slice", x, axis=1, start=1), axis=1)

    def shallow(net: archdsl.Builder, x: Value) -> object:
        return net.scan(lambda step: ((), (net.apply("reduce_sum", step, axis=[0, 1], keep=False),)), x, axis=1)

    assert refused(other_type) == "E0303"
    assert refused(of_a_run) == "E0223"
    assert refused(no_axis) == "E0308"
    assert refused(lengths) == "E0303"
    assert refused(shallow) == "E0301"


def test_a_broken_body_is_found() -> None:
    graph = elman()
    body = holder(graph).body
    assert body is not None
    body.outputs["result"] = graph.inputs[0]
    with pytest.raises(BrokenGraphError, match="the body of cell gives"):
        check(graph)
