"""What must not parse, and what is said about it; how much text is taken; the cache of the tables."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from effort import seconds_of
from paths import ROOT

from archdsl.diagnostics import Diagnostic, DiagnosticError
from archdsl.source import Source
from archdsl.syntax import spec
from archdsl.syntax.limits import LIMITS
from archdsl.syntax.parse import parse, parse_file


def faults(text: str) -> list[Diagnostic]:
    """What is wrong with a body."""
    return parse(Source("bad", f"arch 1\nblock b {{\n{text}\n}}\n"))[1]


# Faults


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("arch 1\nnetwork N(n: 10) { input x: f32[N] }", "a default is given with `=`: `n = 10`"),
        ("arch 1\nnetwork N() { input x: [N, 3] }", "the element type is written before the sizes"),
        ("arch 1\nuse std.cnn\n", "imported names are listed"),
        ("arch 1\n// a net\nblock b = relu", "write `# …`"),
        ("arch 1\nblock b { conv 16 3 }", "arguments are written in parentheses: `conv(16, …)`"),
        ("arch 1\nblock b { relu, tanh }", "blocks are composed with `->`"),
        ("arch 1\nblock b { relu >> tanh }", "blocks are composed with `->`"),
        ("arch 1\nblock b { for i in range(3): relu }", "a body is written in braces"),
        ("arch 1\nlet a = [i for i in range(3) if i > 0 if i < 2]", "conditions of one clause are joined with `and`"),
    ],
)
def test_what_other_languages_write_is_told_how_to_write(text: str, help: str) -> None:
    found = parse(Source("bad", text))[1]
    assert found[0].code == "E0100" and help in found[0].help, found


@pytest.mark.parametrize(
    ("text", "code", "marked"),
    [
        ("conv(8 3)", "E0100", "3"),
        ("conv(8,, 3)", "E0100", ","),
        ("conv(8): relu", "E0110", "conv(8)"),
        ("a b", "E0100", "b"),
        ("conv 16 3", "E0100", "16"),
        ("conv(8, 3), relu", "E0100", ","),
        ("// what it is", "E0100", "//"),
        ("let x = a if b", "E0100", "\n"),
        ("else { relu }", "E0100", "else"),
        ("elif x { relu }", "E0100", "elif"),
        ("if a in b { c }", "E0100", "in"),
        ("if a -> b { c }", "E0100", "->"),
        ("f(a: 3)", "E0100", ":"),
        ("a || b", "E0100", "|"),
        ("x ->", "E0100", "\n"),
        ("conv(8, 3) × 2", "E0101", "×"),
        ("a && b", "E0101", "&&"),
        ("a \u00a0b", "E0101", "\u00a0"),
        ("größe: f", "E0101", "größe"),
        ("conv(8, 3x3)", "E0102", "3x3"),
        ("conv(0x10)", "E0102", "0x10"),
        ("f(10MB)", "E0102", "10MB"),
        ("f(1e999)", "E0102", "1e999"),
        ('"abc', "E0103", '"abc'),
        ("f('abc')", "E0103", "'abc'"),
        ('"a{b": f', "E0103", "{"),
        ('"a{}": f', "E0103", "{}"),
        ('"a}": f', "E0103", "}"),
        ('"a\\q": f', "E0103", "\\q"),
        ('"a{b +}": f', "E0100", "}"),
        ("f(a", "E0104", "("),
        ("f(a]", "E0104", "]"),
        ("f(a))", "E0104", ")"),
        ("f([a)", "E0104", "["),
        ("let block = 3", "E0106", "block"),
        ("conv(network)", "E0106", "network"),
        ("x = 3", "E0107", "="),
        ("if a = 3 { b }", "E0107", "="),
        ("let x == 3", "E0107", "=="),
        ("budget { macs = 3 }", "E0107", "="),
        ("a => b", "E0107", "="),
        ("f { a | b }", "E0108", "a"),
        ("in * gate { a }", "E0109", "{"),
        ("{ a }", "E0109", "{"),
        ("if a\n{ b }", "E0109", "{"),
        ("with conv { a }", "E0109", "conv"),
        ("f[3] { a }", "E0109", "f[3]"),
        ("f(a).b: c", "E0110", "f(a).b"),
        ("let t = table { a b\n 1 2 3\n 4 5 }", "E0111", "1 2 3"),
        ("let t = table { a b\n 1-2\n 3 4 }", "E0111", "1-2"),
        ("let t = table { a b\n f (3)\n 3 4 }", "E0111", "f (3)"),
        ("let t = table { a a\n 3 4 }", "E0111", "a"),
        ("let t = table { a b c\n 3 4\n 3 4 }", "E0111", "a b c"),
        ("let t = table { a b\n 1 + 2 }", "E0100", "+"),
        ("expect a of b of c == 1", "E0112", "of"),
        ('weights m { "{1}" -> "a" }', "E0114", "1"),
        ('weights m { "a.{i}{j}" -> "a" }', "E0114", "j"),
        ('weights m { "a" -> squeeze(axis = 1) }', "E0114", "squeeze(axis = 1)"),
        ('weights m { "a" -> flatten("b") { "c" -> "d" } }', "E0114", 'flatten("b")'),
        ('weights m { "a" "b" }', "E0100", '"b"'),
    ],
)
def test_one_fault_is_told_once_at_its_place(text: str, code: str, marked: str) -> None:
    found = faults(text)
    assert [(d.code, d.span and d.span.text) for d in found] == [(code, marked)]


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("", ""),
        ("network A { relu }", "network"),
        ("arch 2\nblock a { b }", "2"),
        ("arch one\nblock a { b }", "arch one"),
        ("arch 1 block a { b }", "arch 1 block a { b }"),
        ("hello world", "hello"),
    ],
)
def test_the_edition(text: str, marked: str) -> None:
    found = parse(Source("e", text))[1]
    assert [(d.code, d.span and d.span.text) for d in found] == [("E0105", marked)]


def test_five_faults_are_five_errors() -> None:
    text = "a b\nlet = 3\nrepeat 2 {\n  conv(3x3)\n  x = 3\n}\nrelu\nf(,)"
    found = faults(text)
    assert [(d.code, d.span and d.span.line) for d in found] == [
        ("E0100", 3),
        ("E0100", 4),
        ("E0102", 6),
        ("E0107", 7),
        ("E0100", 10),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("arch 1\nblock a {\n  f(8, 3\n  relu\n  max_pool(2)\n}\nblock b { c }\n", 3),
        ("arch 1\nblock a {\n  repeat 3 {\n    relu\n}\nblock b { c }\n", 3),
        ("arch 1\nblock a {\n  relu\nblock b { c }\n", 2),
        ("arch 1\nblock a { relu }\nblock b {\n  c\n", 3),
        ("arch 1\nblock a { f(x, { relu }\nblock b { c }\n", 2),
        ("arch 1\nblock a { relu }\n}\nblock b { c }\n", 3),
    ],
)
def test_a_forgotten_bracket_is_one_error_and_hides_nothing_behind_it(text: str, line: int) -> None:
    file, found = parse(Source("b", text))
    assert [(d.code, d.span and d.span.line) for d in found] == [("E0104", line)]
    assert file is not None and any(isinstance(d, spec.Block) and d.name == "b" for d in file.definitions)


def test_what_follows_from_a_faulty_head_stays_silent() -> None:
    text = "arch 1\nnetwork A(x = ) {\n  relu\n  tanh\n}\nnetwork B) {\n  relu\n  let x = 3\n}\nblock c { d e }\n"
    found = parse(Source("h", text))[1]
    assert [d.span and d.span.line for d in found if d.code != "E0104"] == [2, 10]


def test_parse_file_raises_everything_at_once() -> None:
    with pytest.raises(DiagnosticError) as raised:
        parse_file(Source("r", "arch 1\nblock a { b c; d e }\n"))
    assert len(raised.value.diagnostics) == 2


# Bounds

HOSTILE = {
    "long": ("arch 1\n" + "a\n" * 600_000, "E0510"),
    "ten megabytes": ("x" * 10_000_000, "E0510"),
    "many words": ("arch 1\nblock a {\n" + "b\n" * 200_000 + "}", "E0510"),
    "many embedded": ('arch 1\nlet x = "' + "{a}" * 300_000 + '"', "E0510"),
    "parentheses": ("arch 1\nlet x = " + "(" * 10_000 + "1" + ")" * 10_000, "E0511"),
    "bodies": ("arch 1\nblock a " + "{ f " * 10_000 + "}" * 10_000, "E0511"),
    "arrows": ("arch 1\nblock a = " + "a -> (" * 10_000, "E0511"),
    "sums": ("arch 1\nlet x = " + "+".join("1" * 40_000), "E0511"),
    "powers": ("arch 1\nlet x = " + "**".join("1" * 40_000), "E0511"),
    "signs": ("arch 1\nlet x = " + "-" * 50_000 + "1", "E0511"),
    "choices": ("arch 1\nlet x = " + "1 if a else " * 15_000 + "1", "E0511"),
    "attributes": ("arch 1\nlet x = a" + ".b" * 40_000, "E0511"),
    "calls": ("arch 1\nlet x = a" + "()" * 30_000, "E0511"),
    "name": ("arch 1\nlet " + "x" * 900_000 + " = 1", "E0512"),
    "number": ("arch 1\nlet x = " + "1" * 900_000, "E0512"),
    "oddities": ("arch 1\n" + "$ " * 400_000, "E0101"),
    "faults": ("arch 1\nblock a { " + "b c; " * 20_000 + "}", "E0100"),
    "open lines": ("arch 1\nblock a {\n" + "f(\n" * 90 + "a\n" * 45_000 + "}", "E0104"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_end_soon_in_a_located_error(name: str) -> None:
    text, code = HOSTILE[name]
    found = []
    assert seconds_of(lambda: found.extend(parse(Source(name, text))[1])) < 2, "processor time; a tenth on an idle core"
    assert code in {d.code for d in found} and len(found) <= LIMITS.faults
    assert all(d.span is not None for d in found)


def test_what_is_long_but_flat_is_fine() -> None:
    for text in (
        " -> ".join("a" * 20_000),
        "[" + "1, " * 20_000 + "]",
        "+".join("1" * 100),
        "((((((((((1))))))))))" * 1,
    ):
        assert parse(Source("flat", f"arch 1\nlet x = {text}\n"))[1] == []
    tree, found = parse(Source("deep", "arch 1\nlet x = " + "[" * 60 + "+".join("1" * 50) + "]" * 60))
    assert not found and hash(tree) == hash(tree) and tree == tree.replace()  # no recursion error


def test_random_characters_never_raise() -> None:
    words = ["arch 1\n", "block ", "table {", "if ", "else ", '"{', '}"']
    alphabet = [*"ab1 \n\t(){}[]|:;=,.\"'#->*+/%@<>!_\0é→\u2028😀", *words]
    for seed in range(300):
        rng = random.Random(seed)
        text = "arch 1\n" * (seed % 2) + "".join(rng.choices(alphabet, k=rng.randint(0, 120)))
        for found in parse(Source("random", text))[1]:
            assert found.span is not None and 0 <= found.span.start <= found.span.end <= len(text)


# The cache of the tables


def in_fresh_process(home: Path, code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"XDG_CACHE_HOME": str(home), "HOME": str(home)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


PROBE = (
    "import sys; from archdsl.syntax.parse import parse_file; from archdsl.source import Source; "
    "parse_file(Source('a', 'arch 1\\nblock f { g }')); print('lark' in sys.modules)"
)


def test_tables_are_cached_and_a_bad_cache_is_made_anew(tmp_path: Path) -> None:
    assert in_fresh_process(tmp_path, PROBE) == "True"
    assert in_fresh_process(tmp_path, PROBE) == "False"
    (cached,) = tmp_path.rglob("syntax-*.json")
    good = cached.read_bytes()
    for damaged in (b"0\n{}", good[:-5]):
        cached.write_bytes(damaged)
        assert in_fresh_process(tmp_path, PROBE) == "True"
        assert in_fresh_process(tmp_path, PROBE) == "False"
    cached.chmod(0o666)
    assert in_fresh_process(tmp_path, PROBE) == "True", "a file that others can write is not trusted"
    cached.unlink()
    cached.parent.chmod(0o777)
    assert in_fresh_process(tmp_path, PROBE) == "True" and list(cached.parent.iterdir()) == []


def test_without_a_place_for_the_cache_everything_works(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert in_fresh_process(tmp_path / "file", PROBE) == "True"
