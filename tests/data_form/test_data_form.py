"""The data form: what is written is read back to the same graph, and what a stranger writes is never believed."""

import json
import sys

import pytest
from hypothesis import given, settings, strategies as st
from paths import ROOT

import archdsl
from archdsl import data, dims
from archdsl.diagnostics import DiagnosticError, Refusal
from archdsl.dim_text import parse_dimension
from archdsl.reading import zoo_files
from archdsl.source import Source

FILES = zoo_files()

SPEC = """arch 1
## Two sizes.
network Net() {
  input x: f32[N = 2, 3, H = 16, W]
  stem: conv(8, [3, 1], stride = 2) -> batch_norm -> relu
  let a, b = split(2)
  share both = frozen conv(4, 1)
  left: a -> both
  right: b -> both
  (left, right) -> concat(axis = c) -> interpolate(size = [7, 9]) -> clip(low = 0.5)
  (in * constant([[[1, 2, 3]]])) -> reduce_sum(axis = [h, w]) -> flatten
  output sums, small = left
}
"""


def small_graph():
    text = SPEC.replace("interpolate(size = [7, 9])", "relu").replace("(in * constant([[[1, 2, 3]]])) -> ", "")
    return archdsl.load(text, name="net.arch").graph()


def read(text, name="m.json", bind=None):
    return data.read(Source(name, text), bind)


def describe(graph):
    """Everything a graph holds, as plain values."""
    return (
        str(graph), {name: names(graph.parameters()) for name, names in graph.maps.items()}, graph.name, graph.doc, graph.defaults, {k: v.name for k, v in graph.taps.items()},
        [(p.path, p.type, p.init, p.buffer, p.trainable) for p in graph.parameters().values()],
        [{slot: p.path for slot, p in node.params.items()} for node in graph.nodes],
        [(str(n.origin.span), [(f.name, f.arguments, str(f.span)) for f in n.origin.frames()]) for n in graph.nodes],
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_every_family_is_read_back_identically(file):
    graph = archdsl.load(file).graph()
    text = data.to_json(graph)
    again = read(text)
    assert describe(again) == describe(graph)
    assert data.to_json(again) == text


def test_sharing_freezing_symbols_and_taps_survive_in_json_and_yaml():
    graph = small_graph()
    assert any(not p.trainable and not p.buffer for p in graph.parameters().values())
    assert len({p.path for n in graph.nodes for p in n.params.values()}) < sum(len(n.params) for n in graph.nodes)
    assert describe(read(data.to_json(graph))) == describe(graph)
    assert describe(read(data.to_yaml(graph), "m.yaml")) == describe(graph)


def test_the_compiled_files_are_byte_equal(tmp_path):
    graph = small_graph()
    archdsl.compile(graph, tmp_path / "a.onnx")
    archdsl.compile(read(data.to_json(graph)), tmp_path / "b.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_binding_a_document_is_binding_its_spec():
    text = SPEC.replace("interpolate(size = [7, 9])", "relu").replace("(in * constant([[[1, 2, 3]]])) -> ", "")
    bound = archdsl.load(text, name="net.arch").graph(bind={"N": 5, "W": 8})
    assert str(read(data.to_json(small_graph()), bind={"N": 5, "W": 8})) == str(bound)
    with pytest.raises(Refusal) as refused:
        read(data.to_json(small_graph()), bind={"K": 1})
    assert refused.value.code == "E0007"


def test_the_json_schema_in_the_repository_is_the_form():
    from archdsl.data.form import json_schema

    kept = json.loads((ROOT / "grammars" / "arch.schema.json").read_text(encoding="utf-8"))
    assert kept == json_schema(), "write it anew: python -m archdsl.data > grammars/arch.schema.json"


def test_the_schema_names_every_field_of_a_document():
    properties = json.loads((ROOT / "grammars" / "arch.schema.json").read_text(encoding="utf-8"))["properties"]
    assert json.loads(data.to_json(small_graph())).keys() <= properties.keys()


# documents written by hand


def minimal(**changes):
    document = {
        "format": "archdsl.graph", "format_version": 1, "name": "net",
        "inputs": [{"name": "x", "dtype": "f32", "shape": ["N", 4]}],
        "nodes": [{"path": "y", "op": "relu", "inputs": ["x"]}],
        "outputs": {"out": "y"},
    }  # fmt: skip
    return {**document, **changes}


def found(document):
    with pytest.raises(DiagnosticError) as error:
        read(document if isinstance(document, str) else json.dumps(document, indent=1))
    return error.value.diagnostics


def test_types_may_be_left_out():
    graph = read(json.dumps(minimal()))
    assert str(graph.outputs["out"].type) == "f32[N, 4]"


NODE = {"path": "y", "op": "relu", "inputs": ["x"]}
LINEAR = {"path": "y", "op": "linear", "arguments": {"features": 2}, "inputs": ["x"]}


@pytest.mark.parametrize(
    ("document", "code", "marked"),
    [
        (minimal(nodes=[{**NODE, "op": "rellu"}]), "E0804", '"rellu"'),
        (minimal(nodes=[{**NODE, "inputs": ["z"]}]), "E0804", '"z"'),
        (minimal(nodes=[{**NODE, "inputs": ["y"]}]), "E0804", '"y"'),
        (minimal(nodes=[NODE, NODE]), "E0804", '"y"'),
        (minimal(outputs={"out": "z"}), "E0804", '"z"'),
        (minimal(nodes=[{**NODE, "inputs": ["x", "x"]}]), "E0805", None),
        (minimal(nodes=[{**NODE, "outputs": [{"dtype": "f32", "shape": ["N", 5]}]}]), "E0805", None),
        (minimal(nodes=[LINEAR]), "E0805", None),
        (minimal(nodes=[{**LINEAR, "arguments": {"features": 0}}]), "E0205", "0"),
        (minimal(nodes=[{**LINEAR, "arguments": {"feature": 2}}]), "E0203", None),
        (minimal(nodes=[{**NODE, "origin": {"span": [0, 0, 1]}}]), "E0804", None),
        (minimal(nodes=[{**NODE, "origin": {"frame": 0}}]), "E0804", "0"),
        (minimal(frames=[{"name": "f", "parent": 0}]), "E0804", "0"),
        (minimal(inputs=[{"name": "x", "dtype": "f32", "shape": ["N +", 4]}]), "E0802", '"N +"'),
        (minimal(inputs=[{"name": "x", "dtype": "f32", "shape": [-1, 4]}]), "E0802", "-1"),
        (minimal(inputs=[{"name": "x", "dtype": "f33", "shape": [1, 4]}]), "E0802", '"f33"'),
        (minimal(nodes=[{**NODE, "path": "y\x1b[2J"}]), "E0802", '"y\\u001b[2J"'),
        (minimal(outputs={"o\u202e": "y"}), "E0802", None),
        (minimal(name="a\nb"), "E0802", '"a\\nb"'),
        (minimal(extra=1), "E0802", "1"),
        (minimal(nodes=3), "E0802", "3"),
        (minimal(format="x"), "E0803", '"x"'),
        (minimal(format_version=2), "E0803", "2"),
        ([], "E0802", "[]"),
        (None, "E0802", "null"),
        ("", "E0801", ""),
        ('{"a": }', "E0801", ""),
        ('{"a": NaN}', "E0801", ""),
        ("9" * 5000, "E0801", ""),
        ("[" * 100_000, "E0801", ""),
        ('{"a":' * 100_000, "E0801", ""),
    ],
)
def test_what_is_wrong_is_located(document, code, marked):
    (one,) = found(document)
    assert one.code == code and one.span is not None
    assert marked is None or one.span.text == marked


def test_parameters_must_be_what_the_operator_needs():
    parameters = [
        {"path": "w", "dtype": "f32", "shape": [2, 4], "init": {"scheme": "zeros"}},
        {"path": "b", "dtype": "f32", "shape": [2], "init": {"scheme": "zeros"}},
    ]
    node = {**LINEAR, "parameters": {"weight": "w", "bias": "b"}}
    assert list(read(json.dumps(minimal(nodes=[node], parameters=parameters))).parameters()) == ["w", "b"]
    swapped = {**LINEAR, "parameters": {"weight": "b", "bias": "w"}}
    assert [d.code for d in found(minimal(nodes=[swapped], parameters=parameters))] == ["E0805"]
    unused = [*parameters, {**parameters[0], "path": "u"}]
    assert [d.span.text for d in found(minimal(nodes=[node], parameters=unused))] == ['"u"']
    buffer = [{**parameters[0], "buffer": True}, parameters[1]]
    assert [d.code for d in found(minimal(nodes=[node], parameters=buffer))] == ["E0805"]


def test_several_faults_of_form_are_told_at_once():
    assert len(found(minimal(name=1, doc=2, symbols=3))) == 3


@pytest.mark.parametrize(
    "text", ["a: &x [1]\nb: *x", "a: [", "? ", "- 1", "!!python/object:os.system {}", "2020-01-01: 1"]
)
def test_hostile_yaml(text):
    with pytest.raises(DiagnosticError) as error:
        read(text, "m.yaml")
    assert error.value.diagnostics[0].code in ("E0801", "E0802", "E0803")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_mutated_documents_end_in_diagnostics_or_graphs(draw):
    text = MUTABLE
    at = draw.draw(st.integers(0, len(text) - 1))
    cut = draw.draw(st.integers(0, 12))
    new = draw.draw(st.sampled_from(["", '"', "{}", "[]", "-1", "1e999", "null", "9" * 20, '"x"', ",", "N", "\\u0000"]))
    try:
        read(text[:at] + new + text[at + cut :])
    except DiagnosticError as error:
        assert all(d.span is not None for d in error.diagnostics)


MUTABLE = data.to_json(small_graph())


@pytest.mark.parametrize("work", [lambda: data.to_yaml(small_graph()), lambda: read("a: 1", "m.yaml")])
def test_without_pyyaml_the_extra_is_named(work, monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(DiagnosticError) as error:
        work()
    assert [(d.code, d.help) for d in error.value.diagnostics] == [("E0010", 'pip install "archdsl[yaml]"')]


# dimensions


SYMBOLS = st.sampled_from(["N", "H", "W"]).map(dims.symbol)
EXPRESSIONS = st.recursive(
    st.integers(0, 50) | SYMBOLS,
    lambda inner: (
        st.builds(lambda a, b: a + b, inner, inner)
        | st.builds(lambda a, b: a - b, inner, inner)
        | st.builds(lambda a, b: a * b, inner, inner)
        | st.builds(dims.floordiv, inner, st.integers(1, 9))
    ),
    max_leaves=6,
)


@given(EXPRESSIONS)
def test_printed_dimensions_are_read_back(dim):
    assert parse_dimension(str(dim)) == dim


@pytest.mark.parametrize(
    "text",
    ["", "N N", "N +", "(N", "N)", "1.5", "N ** 1000", "N ** N", "__import__('os')", "(" * 900 + "N" + ")" * 900,
     "*".join(f"(a{i} + b{i})" for i in range(100)), "N^2", "N // 0", "9" * 500],
)  # fmt: skip
def test_what_is_no_dimension_is_refused(text):
    with pytest.raises(Refusal):
        parse_dimension(text)
