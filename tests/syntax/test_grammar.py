"""The grammar and the parser: what must parse, and as what; what must not, and what is said about it."""

from __future__ import annotations

import random
from pathlib import Path

import grammar_fuzz
import pytest
from lark import Lark, Token as LarkToken, UnexpectedInput
from paths import STD

from archdsl.diagnostics import Diagnostic
from archdsl.reading import zoo_files
from archdsl.source import Source
from archdsl.syntax import lexer, spec, tables
from archdsl.syntax.lexer import Lexer
from archdsl.syntax.limits import LIMITS
from archdsl.syntax.parse import parse, parse_file
from archdsl.syntax.walk import children, walk

FILES = sorted([*zoo_files(), *STD.glob("*.arch")])


_OPERATORS = ("+", "-", "*", "/", "//", "%", "**", "@", "and", "or", "==", "<=")


def value(text: str) -> spec.Expr:
    """The expression that ``text`` is."""
    definition = parse_file(Source("value", f"arch 1\nlet v = {text}\n")).definitions[0]
    assert isinstance(definition, spec.LetDefinition)
    return definition.value


def body(text: str) -> tuple[spec.Statement, ...]:
    """The statements of a body."""
    (definition,) = parse_file(Source("body", f"arch 1\nblock b {{\n{text}\n}}\n")).definitions
    assert isinstance(definition, spec.Block) and definition.body is not None
    return definition.body.statements


def faults(text: str) -> list[Diagnostic]:
    """What is wrong with a body."""
    return parse(Source("bad", f"arch 1\nblock b {{\n{text}\n}}\n"))[1]


# The grammar


def test_grammar_is_strictly_lalr_and_its_terminals_do_not_collide() -> None:
    """Lark refuses conflicts and (through interegular) colliding terminals only if it is asked to."""
    import interegular  # noqa: F401  (strict needs it)

    Lark(
        tables.grammar_text(),
        parser="lalr",
        lexer="basic",
        strict=True,
        postlex=tables._KeepLayout(),
        start=list(tables.STARTS),
    )
    with pytest.raises(Exception, match=r"Shift/Reduce|Reduce/Reduce"):
        tables.make_lark(tables.grammar_text().replace('paren: "(" value ")"', 'paren: "(" value ")" | value "if"'))


def test_our_automaton_accepts_what_larks_own_parser_accepts() -> None:
    lark = tables.make_lark(tables.grammar_text())
    seen = {True: 0, False: 0}
    for seed in range(60):
        text = grammar_fuzz.Generator(seed, size=20, wild=0).text()
        lexer = Lexer(Source("fuzz", text), LIMITS)
        tokens = lexer.run()
        if seed % 2:  # leave out a word
            token = random.Random(seed).choice([t for t in tokens if t.text not in "()[]{}\n;"] or tokens)
            text = text[: token.start] + text[token.end :]
            lexer = Lexer(Source("fuzz", text), LIMITS)
            tokens = lexer.run()
        parser = lark.parse_interactive(start="file")
        try:
            for token in tokens:
                parser.feed_token(LarkToken(token.type, token.text))
            parser.feed_eof()
            accepted = True
        except UnexpectedInput:
            accepted = False
        strings = [(t.start, t.end) for t in tokens if t.type == "STRING"]
        found = [d for d in parse(Source("fuzz", text))[1] if d.code in ("E0100", "E0105", "E0106", "E0107", "E0109")]
        faulty = [d for d in found if d.span and not any(a < d.span.start < b for a, b in strings)]
        if not lexer.diagnostics and all(d.code != "E0109" for d in faulty):
            assert accepted == (not faulty), text
            seen[accepted] += 1
    assert min(seen.values()) > 5


def test_every_reserved_word_still_names_arguments_attributes_labels_and_outputs() -> None:
    words = tables.tables().words
    assert len(words) > 25
    for word in words:
        (flow,) = body(f"{word}: f({word} = a.{word})")
        assert isinstance(flow, spec.Flow) and flow.label == spec.Target(flow.span, word)
        assert isinstance(flow.value, spec.Call) and flow.value.arguments[0].name == word
        (output,) = body(f"output {word} = a, b = c")
        assert isinstance(output, spec.Output) and output.items[0].name == word
        found = faults(f"let {word} = 3")
        if word in lexer.SOFT:
            assert not found
            continue
        assert [d.code for d in found] == ["E0106"] and found[0].span and found[0].span.text == word


# Precedence: a text and the same with the parentheses that it stands for


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("x -> f if c else g", "(x -> f) if c else g"),
        ("x if c else y -> g", "x if c else (y -> g)"),
        ("a if b else c if d else e", "a if b else (c if d else e)"),
        ("a or b -> f", "(a or b) -> f"),
        ("a and b or c and d", "(a and b) or (c and d)"),
        ("not a and b", "(not a) and b"),
        ("not a == b", "not (a == b)"),
        ("a + b < c * d", "(a + b) < (c * d)"),
        ("a - b - c", "(a - b) - c"),
        ("a + b * c", "a + (b * c)"),
        ("a * b // c % d @ e / f", "((((a * b) // c) % d) @ e) / f"),
        ("-a * b", "(-a) * b"),
        ("-a ** b", "-(a ** b)"),
        ("a ** -b", "a ** (-b)"),
        ("a ** b ** c", "a ** (b ** c)"),
        ("- - a", "-(-a)"),
        ("a.b[c](d)", "((a.b)[c])(d)"),
        ("-a.b", "-(a.b)"),
        ("frozen f -> g", "(frozen f) -> g"),
        ("frozen own a + b -> g", "(frozen (own (a + b))) -> g"),
        ("f { a } -> g", "(f { a }) -> g"),
        ("x -> f { a } if c else g", "(x -> (f { a })) if c else g"),
        ("[a for b in c or d if e and f]", "[a for b in (c or d) if (e and f)]"),
        ("[x -> f for x in y]", "[(x -> f) for x in y]"),
    ],
)
def test_precedence(text: str, same: str) -> None:
    assert value(text) == value(same)


def test_arrows_are_flat_and_comparisons_chain() -> None:
    pipeline = value("a -> b -> c -> d")
    assert isinstance(pipeline, spec.Pipeline) and len(pipeline.stages) == 4
    chain = value("1 < a <= b != c")
    assert isinstance(chain, spec.Compare) and [op for op, _ in chain.rest] == ["<", "<=", "!="]
    assert value("a < b < c") != value("(a < b) < c")


@pytest.mark.parametrize(
    "text",
    [
        "a -> (b -> c)",
        "a - (b - c)",
        "(a ** b) ** c",
        "(a if b else c) if d else e",
        "a * (b + c)",
        "not (a or b)",
        "(-a) ** b",
    ],
)
def test_parentheses_mean_something(text: str) -> None:
    assert value(text) != value(text.replace("(", "").replace(")", ""))


# Values


def test_numbers() -> None:
    exact = {
        "3_504_872": 3504872,
        "3.5M": 3500000,
        "4.1G": 4100000000,
        "512K": 512000,
        "5 MiB": 5 * 2**20,
        "64KiB": 65536,
    }
    for text, expected in exact.items():
        number = value(text)
        assert isinstance(number, spec.Number) and number.text == text
        assert number.value == expected and type(number.value) is int
    for text, real in {"1.0": 1.0, "1e3": 1000.0, "2.5e-3": 0.0025, "0.0005K": 0.5, "0.1M": 100000}.items():
        number = value(text)
        assert isinstance(number, spec.Number)
        assert number.value == real and isinstance(number.value, float) == (text != "0.1M")


def test_strings_embed_expressions_at_their_places() -> None:
    string = value('"layer{i + 1}.{{x}}\\n{f(a)}"')
    assert isinstance(string, spec.String)
    assert string.parts == ("layer", value("i + 1"), ".{x}\n", value("f(a)"))
    embedded = string.parts[1]
    assert isinstance(embedded, spec.Binary) and embedded.span.text == "i + 1" and embedded.right.span.text == "1"
    assert value('""') == spec.String(string.span, ("",))


def test_slices_tuples_lists_and_blocks_as_values() -> None:
    for text in ("x[:k]", "x[1:]", "x[:]", "x[a:b:c]", "x[::2]", "x[a::c]"):
        index = value(text)
        assert isinstance(index, spec.Index) and isinstance(index.index, spec.Slice)
        given = [p for p in (index.index.start, index.index.stop, index.index.step) if p is not None]
        assert "".join(p.span.text for p in given) == text[2:-1].replace(":", "")
    assert isinstance(value("(a,)"), spec.TupleExpr) and isinstance(value("(a)"), spec.Name)
    assert isinstance(value("{ | a | b }"), spec.BlockExpr)
    assert value("f(a, b,)") == value("f(a, b)") and value("[a, b,]") == value("[a, b]")


def test_tables() -> None:
    table = value('table {\n  name   c    k\n  "3a"   64   [1, 3]\n  sep(5) -1   none\n}')
    assert isinstance(table, spec.TableExpr) and table.header == ("name", "c", "k")
    call = table.rows[1][0]
    assert isinstance(call, spec.Call) and table.rows[1][1] == spec.Number(table.span, -1, "-1")
    assert table == value('table { name c k; "3a" 64 [1,3]; sep(5) -1 none }')


# Newlines


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("f(a,\n  b\n)", "f(a, b)"),
        ("let x = [\n1\n,\n2]", "let x = [1, 2]"),
        ("let x =\n  f", "let x = f"),
        ("x:\n  f", "x: f"),
        ("a ->\n b", "a -> b"),
        ("a\n  -> b\n\n  # talk\n  -> c", "a -> b -> c"),
        ("a\n  :: [N]", "a :: [N]"),
        ("a ::\n [N]", "a :: [N]"),
        ("if c { a }\nelse { b }", "if c { a } else { b }"),
        ("let x = a if c\n  else b", "let x = a if c else b"),
        *((f"let x = a {op}\n b", f"let x = a {op} b") for op in _OPERATORS),
        ("let x = not\n a", "let x = not a"),
        ("a;\n\n;b;", "a\nb"),
        ("repeat 3 {\n\n a\n\n}\n -> b", "repeat 3 { a } -> b"),
        ("parallel(add) {\n |\n a\n | b }", "parallel(add) { | a | b }"),
        ("f(or =\n1)", "f(or = 1)"),
    ],
)
def test_newlines_that_end_no_statement(text: str, same: str) -> None:
    assert body(text) == body(same)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a\nb", 2),
        ("a; b", 2),
        ("a\n(b)", 2),
        ("a\n[b]", 2),
        ("a\n- b", 2),
        ("f { a\n b }\nc", 2),
        ("f({ a\n b })", 1),
        ("x.or\ny", 2),
        ("a\nelse: b", 2),
        ("| a | b\n| c", 3),
        ("| a\nif c { | b }\n| d", 3),
        ("a # -> b\nc", 2),
    ],
)
def test_newlines_that_end_a_statement(text: str, count: int) -> None:
    assert len(body(text)) == count


def test_line_ends_of_every_platform_and_a_byte_order_mark() -> None:
    unix = parse_file(Source("u", "arch 1\nblock f {\n  a\n  b\n}\n"))
    assert parse_file(Source("w", "\ufeffarch 1\r\nblock f {\r\n\ta\r\n\tb\r\n}\r\n")) == unix


# Statements and definitions


def test_targets_of_results() -> None:
    plain, indexed, computed = body('a: f\nb[i + 1]: f\n"l{i}": f')
    assert isinstance(plain, spec.Flow) and plain.label is not None and plain.label.name == "a"
    assert isinstance(indexed, spec.Flow) and indexed.label is not None and indexed.label.index == value("i + 1")
    assert isinstance(computed, spec.Flow) and computed.label is not None and computed.label.template == value('"l{i}"')


def test_loops() -> None:
    targets = {"for a, b in c as k { d }": ("a", "b"), "for table { a; 1 } { d }": (), "for t as k { d }": ()}
    for text, expected in targets.items():
        (loop,) = body(text)
        assert isinstance(loop, spec.For) and loop.targets == expected
    (loop,) = body("layer1: repeat n // 3 as i { d } -> relu :: [N, _, …]")
    assert isinstance(loop, spec.Repeat) and loop.index == "i" and loop.label is not None and len(loop.then) == 1
    assert loop.shape is not None and isinstance(loop.shape.dims[1], spec.Wildcard)
    assert isinstance(loop.shape.dims[2], spec.Ellipsis)


def test_if_and_its_arms() -> None:
    (choice,) = body("if a { x } else if b { y } else if c { z } else { w } -> relu")
    assert isinstance(choice, spec.If) and len(choice.arms) == 3
    assert choice.otherwise is not None and len(choice.then) == 1
    (short,) = body("if a { x }")
    assert isinstance(short, spec.If) and short.otherwise is None


def test_claims() -> None:
    first, second, third = body(
        "expect params of a.0.b at c.1.2 == 3.5M\nbudget { macs <= 1; depth < 2 }\nexpect output y :: [N]"
    )
    assert isinstance(first, spec.Expect) and isinstance(first.claim, spec.Claim)
    assert (first.claim.quantity, first.claim.part, first.claim.tap) == ("params", "a.0.b", "c.1.2")
    assert isinstance(second, spec.Budget) and [c.op for c in second.claims] == ["<=", "<"]
    assert isinstance(third, spec.Expect) and isinstance(third.claim, spec.ShapeClaim)


def test_definitions_and_their_documentation() -> None:
    text = (
        "# header\narch 1\n## not this\n\n## one\n## two\n"
        "with conv(bias = false), f() block a(x: [block], y: int = 3) = b -> c\n"
        "## inside\nblock d { e } -> f # ## trailing\nvariant g = H(1)\nuse std.cnn (i, j)\nuse \"k.arch\" (l)\n"
    )  # fmt: skip
    a, d, g, std, mine = parse_file(Source("d", text)).definitions
    assert isinstance(a, spec.Block) and a.doc == "one\ntwo" and len(a.defaults) == 2
    assert [(p.name, p.kind) for p in a.parameters] == [("x", "[block]"), ("y", "int")]
    assert isinstance(d, spec.Block) and d.doc == "inside" and d.then == (spec.Name(d.span, "f"),)
    assert isinstance(g, spec.Variant) and g.doc == "" and g.claims == ()
    assert isinstance(std, spec.Use) and (std.path, std.from_file) == ("std.cnn", False)
    assert isinstance(mine, spec.Use) and (mine.path, mine.from_file) == ("k.arch", True)


# Spans


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_expression_stands_where_its_span_says(path: Path) -> None:
    """The text of a span, parsed by itself, is the expression again."""
    tree = parse_file(Source(path.name, path.read_text(encoding="utf-8")))
    count = 0
    for node in walk(tree):
        if isinstance(node, spec.Expr) and not isinstance(
            node, spec.Wildcard | spec.Ellipsis | spec.SizedDim | spec.Slice
        ):
            text = node.span.text
            assert text == text.strip()
            if not (isinstance(node, spec.Number) and text.startswith("-")):
                assert value(f"({text})") == node
                count += 1
        if not isinstance(node, spec.File):
            for inner in children(node):
                assert node.span.start <= inner.span.start <= inner.span.end <= node.span.end
    assert count > 5
