"""Graphs from Python reach the same IR as the text form, by the same tape."""

from __future__ import annotations

import pytest

import archdsl
from archdsl.invariants import BrokenGraphError, check

TEXT = """arch 1
network Tiny() {
  input image: f32[N, 3, 32, 32]
  stem: seq { conv(16, 3, stride = 2, bias = false); batch_norm; relu }
  skip: conv(16, 1)
  conv(16, 3) -> add(skip)
  global_avg_pool -> flatten
  fc: linear(10)
  output logits
}
"""


def built() -> archdsl.Graph:
    net = archdsl.Builder("Tiny")
    x = net.input("image", "f32", ["N", 3, 32, 32])
    with net.scope("stem", numbered=True):
        x = net.apply("conv", x, channels=16, kernel=3, stride=2, bias=False)
        x = net.apply("relu", net.apply("batch_norm", x))
    skip = net.apply("conv", x, channels=16, kernel=1, label="skip")
    x = net.apply("add", net.apply("conv", skip, channels=16, kernel=3), skip)
    x = net.apply("flatten", net.apply("global_avg_pool", x))
    return net.graph(logits=net.apply("linear", x, features=10, label="fc"))


def test_the_graph_is_that_of_the_text() -> None:
    graph, text = built(), archdsl.load(TEXT).graph()
    assert str(graph) == str(text)
    assert graph.parameters() == text.parameters()
    assert graph.defaults == text.defaults == {"N": 1}
    check(graph)


def test_costs_are_by_hand() -> None:
    total = archdsl.cost(built()).total
    assert total("params") == 16 * 27 + 32 + (16 * 16 + 16) + (16 * 16 * 9 + 16) + (16 * 10 + 10)
    assert total("macs") == 16**2 * (16 * 27 + 16 * 16 + 16 * 16 * 9) + 160


@pytest.mark.parametrize(
    ("op", "arguments", "code"),
    [
        ("convolve", {}, "E0201"),
        ("conv", {"channels": 8}, "E0203"),
        ("conv", {"channels": 8, "kernel": 3, "strides": 2}, "E0202"),
        ("conv", {"channels": 0, "kernel": 3}, "E0205"),
        ("conv", {"channels": 8, "kernel": "3"}, "E0204"),
        ("conv", {"channels": 8, "kernel": 99, "pad": "valid"}, "E0302"),
        ("conv", {"channels": 8, "kernel": 3, "groups": 2}, "E0305"),
    ],
)
def test_faults_have_the_codes_of_the_text_form(op: str, arguments: dict[str, object], code: str) -> None:
    net = archdsl.Builder("Wrong")
    x = net.input("image", "f32", ["N", 3, 32, 32])
    with pytest.raises(archdsl.DiagnosticError) as caught:
        net.apply(op, x, **arguments)
    assert [d.code for d in caught.value.diagnostics] == [code]


def test_a_wrong_number_of_inputs_is_refused() -> None:
    net = archdsl.Builder("Wrong")
    x = net.input("image", "f32", ["N", 3])
    with pytest.raises(archdsl.DiagnosticError, match="E0310"):
        net.apply("relu", x, x)


def test_the_checker_finds_what_a_careless_pass_would_leave() -> None:
    """Each invariant, broken by hand: a type, the order, a parameter, an output."""
    for spoil in (_wrong_type, _wrong_order, _lost_parameter, _foreign_output):
        graph = built()
        spoil(graph)
        with pytest.raises(BrokenGraphError):
            check(graph)


def _wrong_type(graph: archdsl.Graph) -> None:
    value = graph.nodes[0].outputs[0]
    value.type = value.type.with_shape([*value.type.shape[:-1], 17])


def _wrong_order(graph: archdsl.Graph) -> None:
    graph.nodes = graph.nodes[::-1]


def _lost_parameter(graph: archdsl.Graph) -> None:
    graph.nodes[0].params.clear()


def _foreign_output(graph: archdsl.Graph) -> None:
    graph.outputs["logits"] = built().outputs["logits"]
