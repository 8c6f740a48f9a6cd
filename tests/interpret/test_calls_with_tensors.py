"""What is named is what enters: for every operator that takes tensors, the call, the arrow and the tuple are one graph,
wherever they stand, and the builder's too.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from op_examples import Example, examples_of
from outcome import outcome, show

import archdsl
from archdsl import Builder, ops
from archdsl.data.reader import read_graph
from archdsl.data.writer import to_json
from archdsl.source import Source

pytestmark = pytest.mark.slow

NAMES = ("p", "q", "r", "s", "u", "v")
LIKE = re.compile(r"like=\w+\[[^]]*\]")
SIMPLE = re.compile(r"[A-Z]\w*|\d+")
TAKING = [
    name
    for name in ops.names()
    if ops.load(name).arity[1] != 0 and any(example.op.accepts == example.op.arity for example in examples_of(name))
]

POSITIONS = {
    "a line": "{form}\noutput y",
    "a label": "part: {form}\noutput y = part",
    "a label before stages": "part: {form} -> tuple\noutput y = part",
    "let": "let part = {form}\noutput y = part",
    "an output": "output y = {form}",
    "an argument": "(({form}),) -> tuple\noutput y",
    "a branch": "p -> parallel(tuple) {{ | {form} }}\noutput y",
    "a named branch": "p -> parallel(tuple) {{ | part: {form} }}\noutput y",
    "a loop": "part: repeat 1 {{ {form} }}\noutput y",
    "an arm": "if true {{ {form} }} else {{ p }}\noutput y",
    "a conditional": "part: {form} if true else p\noutput y",
    "seq": "part: seq {{ {form} }}\noutput y",
    "a shared body": "share part = {{ {form} }}\np -> part\noutput y",
}


def written(name: str, tensors: list[str], arguments: str) -> dict[str, str]:
    """The three forms of one application."""

    def call(*given: str) -> str:
        inside = ", ".join([*given, *([arguments] if arguments else [])])
        return f"{name}({inside})" if inside else name

    return {
        "call": call(*tensors),
        "arrow": f"{tensors[0]} -> {call(*tensors[1:])}",
        "tuple": f"({', '.join(tensors)},) -> {call()}",
    }


def drawn(name: str) -> list[tuple[Example, str]]:
    """The examples whose inputs can be declared, with their arguments as written."""
    found = []
    for example in examples_of(name):
        if example.op.accepts != example.op.arity:  # what is given by name has another form
            continue
        arguments = example.text.partition(" : ")[0].strip().partition("[")[2].removesuffix("]")
        arguments = LIKE.sub("like = z", arguments)
        if len(found) < 3 and all(SIMPLE.fullmatch(str(dim)) for type in example.input_types for dim in type.shape):
            found.append((example, arguments))
    return found


def network(example: Example, body: str, before: str = "") -> str:
    inputs = "\n".join(f"  input {n}: {t}" for n, t in zip(NAMES, example.input_types))
    like = getattr(example.op, "like", None)
    if like is not None:
        inputs += f"\n  input z: {like}"
        before = before.replace("block blk(", "block blk(z: tensor, ")
        body = body.replace("blk(", "blk(z = z, ").replace("-> blk\n", "-> blk(z = z)\n")
    return f"arch 1\n{before}\nnetwork Net() {{\n{inputs}\n{body}\n}}\n"


def described(text: str) -> Any:
    """The graph in words, or the codes of what was refused."""
    found = outcome(text)
    if found.graph is None:
        return found.codes, show(found.diagnostics)
    return str(found.graph), [(p.path, p.type, p.trainable) for p in found.graph.parameters().values()]


@pytest.mark.parametrize("name", TAKING)
def test_call_arrow_and_tuple_are_one_graph(name: str) -> None:
    examples = drawn(name)
    assert examples
    for example, arguments in examples:
        tensors = list(NAMES[: len(example.input_types)])
        alone = len(tensors) == 1 and ops.load(name).arity[1] is None
        for position, frame in POSITIONS.items():
            forms = {
                form: described(network(example, frame.format(form=text)))
                for form, text in written(name, tensors, arguments).items()
            }
            what = f"{position}: {example.text}"
            if not ops.load(name).vanishes:  # a tuple stays one
                assert forms["arrow"] == forms["tuple"], what
            assert isinstance(forms["arrow"][0], str), (what, forms["arrow"])
            assert forms["call"] == forms["arrow"] or (alone and forms["call"][0] == ["E0310"]), what


@pytest.mark.parametrize("name", TAKING)
def test_in_blocks_too_and_with_parameters_that_are_tensors(name: str) -> None:
    for example, arguments in drawn(name):
        count = len(example.input_types)
        entered = [f"in[{i}]" for i in range(count)] if count > 1 else ["in"]
        if ops.load(name).vanishes or (count == 1 and ops.load(name).arity[1] is None):
            continue
        given = f"({', '.join(NAMES[:count])},)"
        graphs = [
            described(network(example, f"{given} -> blk\noutput y", f"block blk() = {text}"))
            for text in written(name, entered, arguments).values()
        ]
        rest = ["in", *(f"t{i}" for i in range(1, count))]
        declared = ", ".join(f"{t}: tensor" for t in rest[1:])
        block = f"block blk({declared}) = {written(name, rest, arguments)['call']}"
        graphs += [
            described(network(example, f"{text}\noutput y", block))
            for text in written("blk", list(NAMES[:count]), "").values()
            if count == 1 or not text.startswith("(")
        ]
        assert isinstance(graphs[0][0], str), graphs[0]
        assert all(graph == graphs[0] for graph in graphs), example.text


@pytest.mark.parametrize("name", [name for name in TAKING if not ops.load(name).vanishes])
def test_the_builder_and_the_data_form_say_the_same(name: str) -> None:
    for example, arguments in drawn(name):
        tensors = list(NAMES[: len(example.input_types)])
        text = network(example, f"part: {written(name, tensors, arguments)['arrow']}\noutput y = part")
        graph = archdsl.load(text).graph()
        net = Builder("Net")
        values = [net.input(n, t.dtype, [*map(_size, t.shape)]) for n, t in zip(tensors, example.input_types)]
        given = {name: getattr(example.op, name) for name in type(example.op).signature}
        given = {name: value for name, value in given.items() if value != type(example.op).signature[name].default}
        if {value for value in given.values() if isinstance(value, str)} & set(example.symbols):
            continue  # in Python an axis has no name of a symbol
        like = getattr(example.op, "like", None)
        if like is not None:
            net.input("z", like.dtype, [*map(_size, like.shape)])
        found = net.apply_all(name, *values, label="part", **given)
        outputs = {"y": found[0]} if len(found) == 1 else {f"y.{i}": v for i, v in enumerate(found)}
        assert str(net.graph(**outputs)) == str(graph), example.text
        assert str(read_graph(Source("net.json", to_json(graph)))) == str(graph), example.text


def _size(dim: Any) -> Any:
    return dim if isinstance(dim, int) else str(dim)


WRONG = {
    "one tensor for a join": ("concat(p)", "E0310"),
    "one tensor for two": ("matmul(p)", "E0310"),
    "two tensors for three": ("where(p, q)", "E0310"),
    "two tensors for one": ("softmax(p, q)", "E0310"),
    "behind an arrow, two for one": ("p -> relu(q)", "E0310"),
    "behind an arrow, four for three": ("p -> where(p, q, q)", "E0310"),
    "what enters is missing": ("gate(q)", "E0310"),
    "a parameter is missing": ("p -> gate", "E0203"),
    "a tensor by name": ("conv(4, kernel = p)", "E0210"),
    "a number among tensors": ("max(p, q, 0.3)", "E0216"),
    "a tensor too many for a network": ("One(p, q)", "E0310"),
    "a tensor too few for a network": ("Two(p)", "E0310"),
}
BLOCKS = """block gate(g: tensor) = in * sigmoid(g)
network One() { input x: f32[N, 4, 8, 8]; relu }
network Two() { input x: f32[N, 4, 8, 8]; input y: f32[N, 4, 8, 8]; add(x, y) }
"""


@pytest.mark.parametrize("name", WRONG)
def test_too_few_and_too_many_are_refused(name: str) -> None:
    form, code = WRONG[name]
    text = f"arch 1\n{BLOCKS}network Net() {{\ninput p: f32[N, 4, 8, 8]\ninput q: f32[N, 4, 8, 8]\n{form}\n}}\n"
    errors = [d for d in outcome(text).diagnostics if d.severity == "error"]
    assert [d.code for d in errors] == [code], show(errors)


@pytest.mark.parametrize("form", ["p -> concat(p)", "concat(p, q, p)", "(p, p) -> add", "add(p, p)", "q -> max(p, q)"])
def test_one_tensor_twice_in_a_join_is_told(form: str) -> None:
    text = f"arch 1\nnetwork Net() {{\ninput p: f32[N, 4, 8, 8]\ninput q: f32[N, 4, 8, 8]\n{form}\noutput y\n}}\n"
    assert "W0207" in outcome(text).codes
    assert "W0207" not in outcome(text.replace(form, "(p + p) * (p * p) -> concat(q)")).codes


HELP = {"concat(q)": ("p -> concat(q)", "concat(p, q)"), "matmul(q)": ("p -> matmul(q)", "matmul(p, q)")}


@pytest.mark.parametrize("form", HELP)
def test_the_help_of_too_few_tensors_works_when_followed(form: str) -> None:
    frame = "arch 1\nnetwork Net() {{\ninput p: f32[N, 4, 8, 8]\ninput q: f32[N, 4, 8, 8]\n{}\noutput y\n}}\n"
    (told,) = [d for d in outcome(frame.format(form)).diagnostics if d.severity == "error"]
    for fixed in HELP[form]:
        assert f"`{fixed.replace('p', '…', 1)}`" in told.help, told.help
        assert outcome(frame.format(fixed)).graph is not None
