"""Names of inputs and outputs that are no names of the language: kept exactly, on every way in and out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given, settings, strategies as st

from archdsl import Builder, DiagnosticError
from archdsl.backends.onnx import backend
from archdsl.data import read, to_json
from archdsl.driver import load
from archdsl.graph import Graph
from archdsl.project.pages import show
from archdsl.runtime.inputs import file_inputs
from archdsl.runtime.model_inputs import Wanted
from archdsl.source import Source
from archdsl.syntax.format import format_file
from archdsl.syntax.literals import quoted
from archdsl.syntax.parse import parse

NASTY = [
    "387", "input:0", "gpu_0/data_0", "softmax_11.tmp_0", "onnx::Flatten_0", "p2o.DynamicDimension.0", " ", "-", "a b",
    '"', "\\", "\\n", "{x}", "{", "}}", "'", '"""', "a,b", "a=b", "%conv", "#", "conv", "conv.weight ", "relu", "in",
    "true", "network", "output", "x", "übergröße", "入力", "é́", "🙂", "N", "T", "self", "__class__", "0.5", "a" * 200,
]  # fmt: skip
"""Those of exporters, then those that would steer a text, a shell or a program, then words of ours."""

TEXT = """arch 1
network Net() {{
  input "{0}" as first: f32[N, 3, H = 6, W = 6]
  input "{1}" as second: f32[N, 3, 6, 6] with preprocess(resize = 6, mean = 0.5)
  conv(4, 3)
  expect output "{3}" :: [N, 3, 6, 6]
  output "{2}", "{3}" = second -> relu
}}
"""


def text_of(names: list[str]) -> str:
    return TEXT.format(*map(quoted, names))


def interface(graph: Graph) -> list[str]:
    return [*(value.name for value in graph.inputs), *graph.outputs]


drawn = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"]), min_size=1, max_size=200)
four = st.lists(st.one_of(st.sampled_from(NASTY), drawn), min_size=4, max_size=4, unique=True)


@settings(deadline=None, max_examples=60)
@given(four)
def test_names_survive_text_formatter_data_and_model(names: list[str]) -> None:
    text = text_of(names)
    tree = parse(Source("n.arch", text))[0]
    once = format_file(tree)
    assert parse(Source("n.arch", once))[0] == tree and format_file(parse(Source("n.arch", once))[0]) == once
    program = load(text)
    assert program.check() == []
    graph = program.graph()
    assert interface(graph) == names
    again = read(Source("n.json", to_json(graph)))
    assert interface(again) == names and list(again.preprocess) == [names[1]]
    model = backend.lower(graph)
    assert model == backend.lower(again)
    session = ort.InferenceSession(bytes(model))
    assert [*(i.name for i in session.get_inputs()), *(o.name for o in session.get_outputs())] == names
    session.run(None, {name: np.ones((1, 3, 6, 6), np.float32) for name in names[:2]})


@pytest.mark.parametrize("name", NASTY)
def test_each_name_alone(name: str, tmp_path: Path) -> None:
    text = text_of([name, "second", "388", f"{name}.out"])
    graph = load(text).graph()
    assert interface(graph) == [name, "second", "388", f"{name}.out"]
    for format in ("text", "mermaid", "dot"):
        assert str(show(graph, format)).count("\n") < 20
    np.save(tmp_path / "a=b.npy", np.ones((1, 3, 6, 6), np.float32))
    wanted = [Wanted(name, "f32", (1, 3, 6, 6)), Wanted("b", "f32", (1,))]
    assert list(file_inputs(wanted, [f"{name}={tmp_path}/a=b.npy"])) == [name]


@pytest.mark.parametrize("name", NASTY)
def test_the_builder_takes_them(name: str) -> None:
    build = Builder("Net")
    x = build.input(name, "f32", ["N", 3])
    graph = build.graph(**{f"{name}!": build.apply("relu", x)})
    assert interface(graph) == [name, f"{name}!"]


@pytest.mark.parametrize("name", ["", "a\nb", "\x1b[2J", "a" * 1001, "\u202eabc"])
def test_what_is_no_plain_text_is_refused(name: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        Builder("Net").input(name, "f32", ["N", 3])
    assert caught.value.code == "E0205"
    if "\u202e" not in name and "\x1b" not in name:
        found = load(text_of(["x", "y", "z", name])).check()
        assert [one.code for one in found] == ["E0205"]


def test_the_names_inside_of_the_model_are_no_obstacle() -> None:
    """Outputs and inputs called like what the model calls its own values, nodes and helpers."""
    import onnx

    inner = onnx.load_from_string(bytes(backend.lower(load(text_of(["x", "y", "a", "b"])).graph())))
    called = [name for node in inner.graph.node for name in (node.name, *node.output) if name]
    for name in dict.fromkeys(called):
        if name in "ab":
            continue
        graph = load(text_of(["x", "y", name, "b"])).graph()
        session = ort.InferenceSession(bytes(backend.lower(graph)))
        assert [one.name for one in session.get_outputs()] == [name, "b"]


def test_an_input_is_not_called_like_a_parameter() -> None:
    found = load(text_of(["conv.weight", "y", "a", "b"])).check()
    assert (
        [one.code for one in found] == ["E0604"]
        and found[0].span is not None
        and found[0].span.text.startswith("input")
    )
    build = Builder("Net")
    made = build.apply("conv", build.input("conv.weight", "f32", [1, 3, 8, 8]), channels=4, kernel=3)
    with pytest.raises(DiagnosticError, match="E0604"):
        backend.lower(build.graph(y=made))


def test_a_network_in_a_network_has_names_inside_only() -> None:
    text = """arch 1
network Inner() { input "387" as x: f32[N, 3]; relu; output "a.b" }
network Net() { input "x.1" as data: f32[N, 3]; Inner; output "{1 + 1}.y" }
"""
    assert interface(load(text).graph("Net")) == ["x.1", "2.y"]


def test_two_of_one_name() -> None:
    text = 'arch 1\nnetwork Net() { input "x" as a: f32[N, 3]; input x: f32[N, 3]; add(a, x); output y, "y" = x }'
    assert [one.code for one in load(text).check()][:1] == ["E0207"]
