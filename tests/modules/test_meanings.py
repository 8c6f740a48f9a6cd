"""What names mean, settled before anything runs: against what running looks up, and as an editor asks for it."""

from __future__ import annotations

import pytest
from paths import spec

import archdsl
from archdsl import driver
from archdsl.modules.meanings import DYNAMIC, Meaning, Meanings
from archdsl.modules.words import COMBINATORS, FUNCTIONS

FAMILIES = (
    "mobilenet_v3",
    "densenet",
    "efficientnet",
    "nasnet",
    "googlenet",
    "residual_attention",
    "sknet",
    "shufflenet_v2",
)
SPEC = """arch 1
use std.cnn (conv_bn)
let WIDTH = 8
block unit(c, pad_mode = same) {
  let twice = 2 * c
  stem: conv(twice, 3, pad = pad_mode)
  conv_bn(WIDTH, 3) -> relu
  add(in, stem) if c == twice else stem
}
network Net() {
  input x: f32[N, 3, S, 8]
  for table {
    c
    4
  } { unit(c) }
  reshape([N, -1])
  output y
}
"""


def meaning(text: str, within: str = "", spec: str = SPEC) -> Meaning:
    """The meaning of the name ``text`` where it first stands behind ``within``."""
    module = archdsl.load(spec).module
    offset = spec.index(within + text) + len(within)
    found = module.meanings.at(module.source, offset)
    assert found is not None and found[0].id == text, text
    return found[1]


@pytest.mark.parametrize(
    ("text", "within", "kind", "bound"),
    [
        ("conv", "stem: ", "operator", None),
        ("conv_bn", "  ", "import", "conv_bn"),
        ("WIDTH", "conv_bn(", "definition", "let WIDTH = 8"),
        ("c", "2 * ", "parameter", "c"),
        ("twice", "conv(", "local", "twice"),
        ("pad_mode", "pad = ", "parameter", "pad_mode = same"),
        ("same", "pad_mode = ", "choice", None),
        ("stem", "add(in, ", "label", "stem"),
        ("unit", "} { ", "definition", "block unit("),
        ("c", "{ unit(", "local", "c"),
        ("N", "reshape([", "symbol", None),
    ],
)
def test_every_kind_of_meaning(text: str, within: str, kind: str, bound: str | None) -> None:
    found = meaning(text, within)
    assert found.kind == kind
    assert (found.bound is None) is (bound is None)
    if bound is not None and found.bound is not None:
        assert found.bound.text.startswith(bound)


def test_uses_of_what_is_bound() -> None:
    module = archdsl.load(SPEC).module
    found = module.meanings.at(module.source, SPEC.index("conv(twice") + len("conv("))
    assert found is not None and found[1].bound is not None
    uses = [SPEC[name.span.start - 5 : name.span.end] for name in module.meanings.uses(found[1].bound)]
    assert uses == ["conv(twice", "c == twice"]


def test_a_library_is_settled_as_far_as_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archdsl.modules.loader.LIBRARY", {})
    program = archdsl.load(SPEC)
    program.graph()
    (library, _) = program.module.imports["conv_bn"]
    names = {d.name for d in library.definitions.values() if id(d) in library.meanings.done}
    assert "conv_bn" in names and len(names) < len(library.definitions)


@pytest.mark.parametrize("family", FAMILIES)
def test_settled_names_mean_what_running_finds(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same graphs where every name is looked for when it is needed, and where it was settled before."""

    def graphs() -> list[str]:
        program = archdsl.load(spec(family))
        return [str(program.graph(variant)) for variant in program.variants[:3]]

    settled = graphs()
    monkeypatch.setattr(Meanings, "of", lambda self, node: DYNAMIC)
    monkeypatch.setattr("archdsl.modules.loader.LIBRARY", {})
    assert graphs() == settled


@pytest.mark.parametrize(
    ("block", "call"),
    [
        ("block b(same) = conv(8, 3, pad = same)", "b(5)"),
        ("block b(bilinear) = resize(scale = 2, mode = bilinear)", "b(5)"),
        ("block b(c) = softmax(c)", "b(1)"),
    ],
)
def test_a_parameter_that_is_hidden_by_a_choice_is_an_error(block: str, call: str) -> None:
    text = f"arch 1\n{block}\nnetwork Net() {{ input x: f32[N, 4, 8, 8]; {call}; output y }}\n"
    found = driver.open_program(text).report().diagnostics
    assert [d.code for d in found][:1] == ["E0208"]


@pytest.mark.parametrize("bind", ["let same = 3", "for same in [1] { conv(4, 3, pad = same) }"])
def test_so_is_any_other_value(bind: str) -> None:
    text = f"arch 1\nnetwork Net() {{ input x: f32[N, 4, 8, 8]\n{bind}\nconv(4, 3, pad = same)\noutput y }}\n"
    found = driver.open_program(text).report().diagnostics
    assert [d.code for d in found if d.severity == "error"] == ["E0208"]


def test_a_tensor_is_meant_where_one_has_the_name() -> None:
    text = "arch 1\nnetwork Net() { input x: f32[N, 4, 8, 8]\nlet w = x -> conv(4, 3)\nsoftmax(w)\noutput y }\n"
    graph = archdsl.load(text).graph()
    assert [node.op.name for node in graph.nodes] == ["conv", "softmax"]


def test_the_words_are_those_of_the_interpreter() -> None:
    from archdsl.interpret import combinators, functions

    assert set(COMBINATORS) == set(combinators.COMBINATORS)
    assert set(FUNCTIONS) == set(functions.FUNCTIONS)


ANEW = [
    ("let w = 1", "if true { let w = 2 }\nconv(w, 1)", "conv(2, 1)"),
    ("let w = 1", "if false { let w = 2 }\nconv(w, 1)", "conv(1, 1)"),
    ("let w = 1", "let f = { conv(w, 1) }\nlet w = 2\nf", "conv(2, 1)"),
    ("let w = 1", "conv(w, 1)\nlet w = 2", "conv(1, 1)"),
    ("let w = 1", "with conv(bias = true) { let w = 2 }\nconv(w, 1)", "conv(2, 1)"),
    ("", "if true { let len = 2 }\nconv(len, 1)", "conv(2, 1)"),
    ("", "if true { let none = 2 }\nconv(none, 1)", "conv(2, 1)"),
    ("", "if true { let t = 2 }\nconv(t, 1)", "conv(2, 1)"),
]
"""Definitions, the body of a network in which a statement may bind one of its names anew, and the last operator."""


@pytest.mark.parametrize(("top", "body", "last"), ANEW)
def test_what_one_arm_or_a_later_statement_binds_anew_is_found(top: str, body: str, last: str) -> None:
    text = f"arch 1\n{top}\nnetwork Net() {{\ninput x: f32[N, 4, 8, 8]\n{body}\noutput y\n}}\n"
    assert repr(archdsl.load(text).graph().nodes[-1].op) == last


TWICE = [
    ("block w() = relu", "if true { share w = conv(2, 1) }\nw"),
    ("", "w: conv(4, 1)\nif true { let w = 2 }\ntanh(w)"),
    ("", "w: conv(4, 1)\nlet w = 2\ntanh(w)"),
    ("", "let w = 2\nw: conv(w, 1)"),
    ("", "relu\nlet relu = tanh\nrelu"),
    ("", "if true { let relu = tanh }\nrelu"),
    ("", "if true { relu: tanh }\nrelu"),
    ("block w = relu", "w: w\nw"),
    ("block w = relu", "w: w\nw -> conv(2, 1)"),
    ("block w = relu", "w: w\nlet z = w -> conv(2, 1)"),
    ("block w = relu", "w: w\nresidual { w }"),
    ("", "relu: tanh\nparallel(add) { | relu | tanh }"),
    ("", "residual: tanh\nfrozen residual"),
    ("block f(w: block) { w: w; w }", "f(relu)"),
]
"""Bodies in which a name has a second reading."""


@pytest.mark.parametrize(("top", "body"), TWICE)
def test_a_name_with_a_second_reading_is_refused(top: str, body: str) -> None:
    text = f"arch 1\n{top}\nnetwork Net() {{\ninput x: f32[N, 4, 8, 8]\n{body}\noutput y\n}}\n"
    found = driver.open_program(text).report().diagnostics
    assert [d.code for d in found if d.severity == "error"] == ["E0208"], found


ONE = [
    ("block w = relu", "w: conv(2, 1)\nconv(3, 1) -> w\nresidual { conv(3, 1) -> w() }", "add"),
    ("block w = relu", "w: conv(2, 1)\nw()", "relu"),
    ("block w = relu", "w: conv(2, 1)\nconv(3, 1)\noutput a = w, b = add(w, 1 * w)", "add"),
    ("block w = relu", "let w = x -> w\nw -> tanh", "tanh"),
    ("", "softmax: tanh\nlet z = softmax\nz -> softmax(axis = 1)", "softmax(axis = 1)"),
    ("", "w: conv(2, 1)\nconv(3, 1)\nsoftmax(w, axis = w)", "softmax(axis = w)"),
    ("block relu = tanh", "relu", "tanh"),
    ("", "residual: conv(4, 1)\nresidual { relu }", "add"),
]
"""Bodies in which a name is both, and where it stands says which; and the last operator."""


@pytest.mark.parametrize(("top", "body", "last"), ONE)
def test_where_a_name_stands_says_what_it_means(top: str, body: str, last: str) -> None:
    body += "" if "output" in body else "\noutput y"
    text = f"arch 1\n{top}\nnetwork Net() {{\ninput x: f32[N, 4, 8, 8]\n{body}\n}}\n"
    assert repr(archdsl.load(text).graph().nodes[-1].op) == last


@pytest.mark.parametrize("use", ["conv(t, 1)", "conv(4, 1, bias = c)", "conv(t, 1)\nlet t = 4", "b(c)"])
def test_letters_of_axes_are_choices_of_axes_only(use: str) -> None:
    text = f"arch 1\nblock b(a) = softmax(a)\nnetwork Net() {{\ninput x: f32[N, 4, 8, 8]\n{use}\noutput y\n}}\n"
    found = driver.open_program(text).report().diagnostics
    assert [d.code for d in found if d.severity == "error"] == ["E0201"]
