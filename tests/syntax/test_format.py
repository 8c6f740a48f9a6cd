"""The formatter: one canonical text for every tree; meaning, comments and grouping stay."""

from __future__ import annotations

from pathlib import Path

import grammar_fuzz
import pytest
from paths import STD

from archdsl.reading import zoo_files
from archdsl.source import Source, Span
from archdsl.syntax import spec
from archdsl.syntax.format import format_expression, format_file
from archdsl.syntax.parse import parse, parse_file
from archdsl.syntax.walk import walk

FILES = sorted([*zoo_files(), *STD.glob("*.arch")])


def holds(text: str) -> str:
    """The formatted text, after checking all that is promised of it."""
    tree = parse_file(Source("original", text))
    assert not any(isinstance(node, spec.Missing) for node in walk(tree))
    once = format_file(tree)
    again = parse_file(Source("formatted", once))
    assert again == tree, once
    assert format_file(again) == once, once
    assert sorted(c.text for c in again.comments) == sorted(c.text for c in tree.comments)
    assert not any(line != line.rstrip() for line in once.split("\n")) and once.endswith("\n") and "\n\n\n" not in once
    return once


def formatted(body: str) -> str:
    """A body's statements, formatted, without the indentation."""
    text = holds(f"arch 1\nblock b {{\n{body}\n}}\n")
    lines = text.removeprefix("arch 1\nblock b {\n").removesuffix("}\n").split("\n")
    return "\n".join(line.removeprefix("  ") for line in lines).rstrip("\n")


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_spec_keeps_its_meaning_and_its_comments(path: Path) -> None:
    holds(path.read_text(encoding="utf-8"))


CANONICAL = """\
# What this file is for.
arch 1

use std.cnn (conv_bn)
use "blocks/mine.arch" (x, y)

## The documentation.
## Two lines of it.
network Net(width = 1.0, depths: [int] = [3, 4], inner: block = relu) {
  input image: f32[N = 1, 3, res, res]

  features: seq {  # opens
    conv_bn(divisible(32 * width, 8), 3, stride = 2, act = relu6)
    for table {
      # what the columns are
      t    c  n  s  name
      1   16  1  1  a
      6  320  2  1  sep(5)  # the last

    } {
      repeat n as i { conv_bn(c, 3, stride = s if i == 0 else 1) -> relu }
    }
    conv_bn(max(1280, 3), 1)  :: [N, _, (res + 31) // 32, …]
    # at the end
  }
  a: conv(8, 3); b: conv(8, 1)
  if x.c == 8 and not last { identity } else { conv(8) }
  parallel(concat) { | conv(8, 1) | named: conv(8, 3) -> relu }
  "layer{i + 1}.{{x}}": stage(3) -> relu
    -> dropout(0.2)
  enc[i + 1]: -x ** 2 + (a * b) - [f -> g for fs in all if fs != none for f, _ in fs][-1]
  let _, last = in
  train output aux = last, rest[0] = x -> linear(3)

  expect params of features.0 at enc.1 == 3_504_872
  budget { macs <= 301M; peak_activations <= 6 MiB }
}

with conv(bias = false), batch_norm(eps = 1e-3)
block f(c) = g { conv(c, 1) } -> relu
variant v = Net(width = 0.5)
variant w = Net() {
  expect output logits :: [N, 1000]
}
"""


def test_canonical_text_stays_as_it_is() -> None:
    expected = CANONICAL.replace("# the last\n\n", "# the last\n")  # no blank line before a closing brace
    assert holds(CANONICAL) == expected
    assert holds(expected) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("conv( 64,3 ,stride=2 )->relu", "conv(64, 3, stride = 2) -> relu"),
        ("let   x=a+b*-c", "let x = a + b * -c"),
        ("((a)) + (b * c)", "(a) + (b * c)"),
        ("x[ : k ]; y[1:]; z[::2]; w[a:b:c]", "x[:k]; y[1:]; z[::2]; w[a:b:c]"),
        ("f(a,b,)", "f(a, b)"),
        ("(a,)", "(a,)"),
        ("a;b ;  c", "a; b; c"),
        ("a\n\n\n\nb", "a\n\nb"),
        ("a {b;c}", "a { b; c }"),
        ("a {\nb;c}", "a {\n  b; c\n}"),
        ("a { }", "a {}"),
        ("if a {b}\nelse {c}", "if a { b }\nelse { c }"),
        ("if a {\nb}\nelse {c}", "if a {\n  b\n} else { c }"),
        ("a\n  ->b\n  ->c->d", "a\n  -> b\n  -> c -> d"),
        ("a {\nb\n}\n-> c", "a {\n  b\n} -> c"),
        ("f(a, # why\n b)", "f(a,  # why\n  b)"),
        ("f(\n # why\n a)", "f(\n  # why\n  a)"),
        ("x -> # one\n y # two", "x  # one\n  -> y  # two"),
        ("a + # one\n b", "a +  # one\n  b"),
        ("a :: [N,_,...]", "a :: [N, _, …]"),
        ("a  :: [N]\nlong_name :: [N]\nb", "a          :: [N]\nlong_name  :: [N]\nb"),
        ("let t = table {\na b\nf({c  :: [N]}) g({dd  :: [N]; e  :: [N]})\n}  # in cells",
         "let t = table {\n  a                b\n  f({ c :: [N] })  g({ dd :: [N]; e :: [N] })\n}  # in cells"),
        ("a  :: [N]\n\"{b {c  :: [N]}}\": long_name  :: [N]", "a                              :: [N]\n\"{b { c :: [N] }}\": long_name  :: [N]"),
        ("let t = table {a b;1 \"x\";-10 f(1,2)}", "let t = table {\n    a  b\n    1  \"x\"\n  -10  f(1, 2)\n}"),
        ("let f = {a} -> b", "let f = { a } -> b"),
        ("\"{a}{ {b} }\": c", "\"{a}{ { b }}\": c"),
        ("repeat n as i {a}->b", "repeat n as i { a } -> b"),
        ("layer: for a,b in c as k {d}", "layer: for a, b in c as k { d }"),
        ("with f(a=1),g() {h}", "with f(a = 1), g() { h }"),
        ("share s=frozen own f", "share s = frozen own f"),
        ("assert a<b<=c,\"no\"", "assert a < b <= c, \"no\""),
    ],
)  # fmt: skip
def test_canonical_spelling(text: str, expected: str) -> None:
    assert formatted(text) == expected


def test_long_lines_are_wrapped() -> None:
    call = "conv(64, 3, stride = 2, pad = same)"
    pipeline = formatted(" -> ".join([call] * 4))
    assert pipeline == f"{call} -> {call} -> {call}\n  -> {call}"
    value = formatted(
        f"let some_quite_long_name = {call[:-1]}, groups = 32, dilation = 2, bias = false, weight = fixed)"
    )
    assert value.startswith("let some_quite_long_name =\n  conv(64, 3,")
    numbers = ", ".join(str(n) for n in range(1000, 1040))
    assert formatted(f"f([{numbers}])").count("\n") == 3
    branch = "repeat 3 { " + "; ".join(["conv(64, 3)"] * 9) + " }"
    assert formatted(branch).startswith("repeat 3 {\n  conv(64, 3)")
    for text in (pipeline, value, formatted(branch)):
        assert max(len(line) + 2 for line in text.split("\n")) <= 120


def test_parentheses_stand_where_the_tree_needs_them() -> None:
    """A tree that no text has been parsed to has no parentheses of its own."""
    nowhere = Span(Source("none", ""), 0, 0)
    a, b, c = (spec.Name(nowhere, name) for name in "abc")
    minus = spec.Binary(nowhere, "-", a, spec.Binary(nowhere, "-", b, c))
    power = spec.Binary(nowhere, "**", spec.Unary(nowhere, "-", a), spec.Binary(nowhere, "**", b, c))
    arrow = spec.Pipeline(nowhere, (a, spec.Pipeline(nowhere, (b, c)), spec.Conditional(nowhere, a, b, c)))
    either = spec.Binary(nowhere, "and", spec.Binary(nowhere, "or", a, b), spec.Unary(nowhere, "not", c))
    call = spec.Call(nowhere, arrow, (spec.Argument(nowhere, "x", spec.BlockExpr(nowhere, spec.Body(nowhere, ()))),))
    for tree, text in (
        (minus, "a - (b - c)"),
        (power, "(-a) ** b ** c"),
        (arrow, "a -> (b -> c) -> (a if b else c)"),
        (either, "(a or b) and not c"),
        (call, "(a -> (b -> c) -> (a if b else c))(x = {})"),
    ):
        assert format_expression(tree) == text
        definition = parse_file(Source("again", f"arch 1\nlet v = {text}\n")).definitions[0]
        assert isinstance(definition, spec.LetDefinition) and definition.value == tree


def test_a_tree_without_a_text_is_printed_whole() -> None:
    tree = parse_file(Source("full", CANONICAL))
    nowhere = Span(Source("none", ""), 0, 0)

    def moved(value: object) -> object:
        if isinstance(value, spec.Syntax):
            fields = {name: moved(getattr(value, name)) for name in value._fields}
            return type(value)(**{**fields, "span": nowhere})
        return tuple(map(moved, value)) if isinstance(value, tuple) else value

    bare = moved(tree.replace(comments=()))
    assert isinstance(bare, spec.File)
    text = format_file(bare)
    assert parse_file(Source("again", text)) == tree
    assert "## The documentation.\n## Two lines of it.\nnetwork Net" in text


def test_random_files_of_the_whole_grammar() -> None:
    """Every rule of the grammar comes up, and formatting holds for every file that parses."""
    used: set[str] = set()
    accepted = 0
    for seed in range(150):
        text = grammar_fuzz.Generator(seed, size=18, wild=0.005).text()
        if not parse(Source("fuzz", text))[1]:
            holds(text)
            used.update(grammar_fuzz.rules_used(text))
            accepted += 1
    assert accepted > 80
    assert grammar_fuzz.all_rules() - used <= {"state", "next"}  # words in front of a name alone, so hardly ever drawn


def test_mutated_specs() -> None:
    accepted = 0
    for seed in range(200):
        path = FILES[seed % len(FILES)]
        text = grammar_fuzz.mutate(path.read_text(encoding="utf-8"), seed)
        if not parse(Source("fuzz", text))[1]:
            holds(text)
            accepted += 1
    assert accepted > 10


def test_the_zoo_and_the_standard_library_are_formatted() -> None:
    """`archdsl fmt --check specs archdsl/std`."""
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert format_file(parse_file(Source(path.name, text))) == text, path.name
