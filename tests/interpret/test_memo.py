"""Repeating an application from its record gives what running the block gives, to the last frame."""

from __future__ import annotations

from typing import Any

import pytest

import archdsl
from archdsl import driver, reading
from archdsl.graph import Graph
from archdsl.interpret.memo import Application
from archdsl.interpret.session import Limits
from archdsl.ops import load

FILES = ("resnet", "densenet", "mobilenet_v3", "inception_v3", "se_resnet", "nasnet", "shufflenet_v2", "highway")


def everything(graph: Graph) -> list[Any]:
    """All that a graph holds: nodes, types, parameters, taps in order, places, and the chain of frames."""
    found: list[Any] = [str(graph), graph.defaults, [(path, value.name) for path, value in graph.taps.items()]]
    for node in graph.nodes:
        frames = [(f.name, f.arguments, f.settings, str(f.span)) for f in node.origin.frames()]
        found.append((node.path, list(node.params.items()), str(node.origin.span), frames))
    return found


def run(text: str, variant: str | None = None) -> tuple[Any, ...]:
    result = archdsl.load(text).elaborate(variant)
    told = [(d.code, str(d.span), d.message) for d in result.diagnostics]
    return (everything(result.graph) if result.graph is not None else None), told, result.steps, result.claims


@pytest.fixture
def plainly(monkeypatch):
    """Runs something with no application repeated."""

    def without(action: Any) -> Any:
        with monkeypatch.context() as patched:
            patched.setattr(Application, "of", lambda *_: None)
            return action()

    return without


@pytest.mark.parametrize("file", FILES)
def test_networks_are_the_same(file: str, plainly) -> None:
    path = reading.ZOO / f"{file}.arch"

    def graphs() -> list[Any]:
        program = driver.open_program(path)
        return [everything(program.graph(name)) for name in program.targets()]

    assert graphs() == plainly(graphs)


def test_most_of_a_deep_network_is_repeated(monkeypatch) -> None:
    card, asked = load("conv"), []
    rule = card.shape
    monkeypatch.setattr(card, "shape", lambda op, *types: asked.append(op) or rule(op, *types))
    graph = driver.open_program(reading.ZOO / "resnet.arch").graph("resnet152")
    convolutions = sum(node.op.name == "conv" for node in graph.nodes)
    assert convolutions == 155
    assert len(asked) < 50


HEAD = "arch 1\nnetwork Net() { input x: f32[N, 4, 8, 8]; "
PROGRAMS = {
    "labels inside are still there": "block b(c) { a: conv(c, 3); relu }\n"
    + HEAD.replace("arch 1\n", "")
    + "one: b(4); two: b(4); concat(one.a, two.a); output y }",
    "weights are shared inside": "block b() { share f = conv(4, 3); f -> f }\n"
    + HEAD.replace("arch 1\n", "")
    + "b; b; output y }",
    "one block with two others as arguments": "block b(act) { conv(4, 3) -> act }\n"
    + HEAD.replace("arch 1\n", "")
    + "b(relu); b(tanh); b(leaky_relu(0.1)); b(leaky_relu(0.2)); b(relu); output y }",
    "frozen, shared and plain": "block b() { conv(4, 3) }\n"
    + HEAD.replace("arch 1\n", "")
    + "frozen b; b; share s = b; s -> s; b; output y }",
    "several tensors": "block b() { concat -> conv(4, 1) }\n"
    + HEAD.replace("arch 1\n", "")
    + "a: conv(4, 3); c: conv(4, 3); one: (a, c) -> b; two: (c, a) -> b; (a, a) -> b; add(one, two); output y }",
    "tensors among the arguments": "block b(t: tensor, also: tensor = none) { (in, t) -> add -> conv(4, 1); out: (in, t) -> mul }\n"
    + HEAD.replace("arch 1\n", "")
    + "a: conv(4, 3); c: conv(4, 3); one: a -> b(c); two: c -> b(a); three: a -> b(a); four: (a, c) -> concat -> conv(4, 1)"
    " -> b(a, also = c); five: one -> b(two, also = two); (one, two, three, four, five) -> add; output y }",
    "a table among the arguments": "block b(t: table) { for c, k in t { conv(c, k) } }\n"
    + HEAD.replace("arch 1\n", "")
    + "b(table { c k; 4 3; 8 1 }); b(table { c k; 4 3; 8 1 }); b(table { c k; 4 1; 8 3 }); output y }",
    "nothing is made": "block b() { identity }\n" + HEAD.replace("arch 1\n", "") + "conv(4, 3); b; b; output y }",
    "loops in blocks": "block b(n) { repeat n { conv(4, 3) -> batch_norm } -> relu }\n"
    + HEAD.replace("arch 1\n", "")
    + "seq { b(2); b(2); b(3) }; output y }",
    "warnings are told": "block b(c) { conv(c, 3); unused: in -> conv(2, 1); in }\n"
    + HEAD.replace("arch 1\n", "")
    + "conv(4, 3); b(4); b(4); output y }",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_small_programs_are_the_same(name: str, plainly) -> None:
    text = "arch 1\n" + PROGRAMS[name] + "\n"
    found = run(text)
    assert found[0] is not None, found[1]
    assert found == plainly(lambda: run(text))


def test_faults_are_told_each_time(plainly) -> None:
    text = (
        "arch 1\nblock b(c) { conv(c, 3, groups = 3) }\n"
        "network Net() { input x: f32[N, 4, 8, 8]; b(4); output y }\nvariant one = Net()\nvariant two = Net()\n"
    )

    def told() -> list[Any]:
        program = driver.open_program(text)
        return [[(d.code, str(d.span)) for d in program.elaborate(v).diagnostics] for v in ("one", "two")]

    assert told() == plainly(told)
    assert told()[1] != []


def test_bounds_hold_for_what_is_repeated() -> None:
    from archdsl.interpret.program import elaborate

    idle = "repeat 30 { if false { relu } }"  # work that makes no operator
    text = (
        f"arch 1\nblock b() {{ {idle}; conv(4, 3) -> relu }}\n"
        + "network Net() { input x: f32[N, 4, 8, 8]; repeat 20 { b }; output y }\n"
    )
    program = archdsl.load(text)
    network = program.module.definitions["Net"]
    assert elaborate(program.module, network).graph is not None
    for limits, code in ((Limits(nodes=30), "E0502"), (Limits(steps=100), "E0501"), (Limits(size_bits=1), "E0506")):
        result = elaborate(program.module, network, limits=limits)
        assert [d.code for d in result.diagnostics][:1] == [code]


DOUBLING = """arch 1
block f(n) = relu if n == 0 else { let a = in -> f(n - 1); f(a, n - 1) }
network Net() { input x: f32[N, 4, 8, 8]; BODY; output y }
"""


def found(body: str, limits: Limits) -> list[str]:
    from archdsl.interpret.program import elaborate

    program = archdsl.load(DOUBLING.replace("BODY", body))
    result = elaborate(program.module, program.module.definitions["Net"], limits=limits)
    return [f"{one.code}: {one.message}" for one in result.diagnostics]


def test_blocks_that_double_end_soon() -> None:
    """Twice as many operators with each level end in the bound of what is nested deeply, long before that of all."""
    limits = Limits(nodes=10**9, deep=2_000)
    (told,) = found("f(40)", limits)
    assert told.startswith("E0502: blocks nested more than 16 applications deep")
    assert found("f(8)", limits) == []


@pytest.mark.parametrize("body", ["repeat 10**9 { relu }", "f(40)", "repeat 10**6 { assert 1 < 2 }"])
def test_what_follows_an_error_ends_soon(body: str) -> None:
    limits = Limits(nodes=10**9, deep=10**9, after=2_000)
    assert found(f'assert false, "no"; {body}', limits) == ["E0403: assertion failed: no"]
