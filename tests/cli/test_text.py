"""Diagnostics as people see them: the layout of language.md section 8, and texts that attack a terminal."""

import io
import json

import pytest

from archdsl.diagnostics import Diagnostic, Label
from archdsl.report.json import diagnostic_records, document
from archdsl.report.terminal import wants_color, width
from archdsl.report.text import LIMIT, concise, render, summary
from archdsl.source import Frame, Source, Span

SPEC = "\n" * 13 + "  residual {\n    conv(4 * c, 1)\n  }\n" + "\n" * 14 + "  unit(64, stride = 2)\n"
SOURCE = Source("specs/mine.arch", SPEC)


def span(text: str, source: Source = SOURCE) -> Span:
    start = source.text.index(text)
    return Span(source, start, start + len(text))


UNIT = Frame("unit", "c = 64, stride = 2", span("unit(64, stride = 2)"), Frame("Net", "", None))
FINDING = Diagnostic(
    "E0304",
    "the two sides of `residual` have different shapes",
    span("residual"),
    note="body gives [N, 256, 28, 28], shortcut gives [N, 128, 56, 56]",
    notes=("body: 256 channels from `conv(4 * c, 1)` (line 15)",),
    help="give the shortcut a projection",
    frame=UNIT,
)


def test_the_layout_of_the_language_contract():
    assert render(FINDING).split("\n") == [
        "error[E0304]: the two sides of `residual` have different shapes",
        "  --> specs/mine.arch:14:3",
        "   |",
        "14 |   residual {",
        "   |   ^^^^^^^^ body gives [N, 256, 28, 28], shortcut gives [N, 128, 56, 56]",
        "   |",
        "   = body: 256 channels from `conv(4 * c, 1)` (line 15)",
        "   = in block `unit`, applied at line 31 with c = 64, stride = 2",
        "   = in network `Net`",
        "   = help: give the shortcut a projection",
    ]


def test_concise_is_one_line():
    assert concise(FINDING) == "specs/mine.arch:14:3: error[E0304]: the two sides of `residual` have different shapes"


def test_json_is_complete_and_versioned():
    read = json.loads(document("check", diagnostics=diagnostic_records([FINDING])))
    assert read["format_version"] == 1
    (one,) = read["diagnostics"]
    assert (one["file"], one["line"], one["column"], one["end_line"], one["end_column"]) == (
        "specs/mine.arch", 14, 3, 14, 11,
    )  # fmt: skip
    assert one["frames"][0] == {
        "name": "unit", "arguments": "c = 64, stride = 2", "file": "specs/mine.arch", "line": 31, "column": 3,
    }  # fmt: skip
    assert one["frames"][1]["line"] is None


def test_labels_of_the_same_and_of_another_source():
    other = Source("std.cnn", "block a() { relu }\n")
    labels = (Label(span("conv(4 * c, 1)"), "first here"), Label(span("relu", other), "and here"))
    shown = render(Diagnostic("E0201", "twice", span("unit(64"), labels=labels)).split("\n")
    assert shown[1:] == [
        "  --> specs/mine.arch:31:3",
        "   |",
        "15 |     conv(4 * c, 1)",
        "   |     -------------- first here",
        "...",
        "31 |   unit(64, stride = 2)",
        "   |   ^^^^^^^",
        "  ::: std.cnn:1:13",
        "   |",
        " 1 | block a() { relu }",
        "   |             ---- and here",
    ]


def test_without_a_place():
    assert render(Diagnostic("E0001", "there is no file `x`", help="look again")) == (
        "error[E0001]: there is no file `x`\n  = help: look again"
    )


@pytest.mark.parametrize(
    "text", ["\tconv", "\t \tconv", "宽度 conv", "é conv", "e\u0301 conv", "a\x1b[31m conv", "\u202e conv"]
)
def test_carets_stand_under_the_span(text):
    source = Source("x", text)
    line, marks = render(Diagnostic("E0201", "m", span("conv", source))).split("\n")[3:5]
    assert width(line[: line.index("conv")]) == width(marks[: marks.index("^")])
    assert marks.count("^") == 4


def test_nothing_can_steer_the_terminal():
    evil = "\x1b[2J\x07\x00\x9b31m\u202eabc\u2066\u2028\ud800\x7f"
    source = Source(f"{evil}.arch", f"let {evil} = conv\n")
    frame = Frame(evil, evil, None)
    found = Diagnostic("E0201", evil, span("conv", source), evil, (), (evil,), evil, frame)
    for text in (render(found), concise(found)):
        assert not {c for c in text if c in "\x1b\x07\x00\x9b\u202e\u2066\u2028\ud800\x7f"}
        text.encode("utf-8")


@pytest.mark.parametrize("before", [0, 50, 100, 5000, 1_000_000])
def test_long_lines_are_cut_around_the_span(before):
    source = Source("x", "a" * before + "conv" + "b" * 1_000_000)
    line, marks = render(Diagnostic("E0201", "m", span("conv", source))).split("\n")[3:5]
    assert len(line) < LIMIT + 12
    assert line.index("conv") == marks.index("^") and marks.count("^") == 4


def test_spans_without_extent_and_over_lines():
    source = Source("x", "conv(\n  3,\n")
    end = Span(source, len(source.text), len(source.text))
    assert render(Diagnostic("E0101", "m", end)).split("\n")[1:] == [" --> x:3:1", "  |", "3 |", "  | ^"]
    whole = render(Diagnostic("E0101", "m", Span(source, 0, 9))).split("\n")
    assert whole[3:] == ["1 | conv(", "  | ^^^^^"]
    assert render(Diagnostic("E0101", "m", Span(Source("x", ""), 0, 0))).endswith("1 |\n  | ^")


def test_deep_chains_are_told_in_part():
    frame = None
    for depth in range(10_000):
        frame = Frame(f"b{depth}", "", None, frame)
    shown = render(Diagnostic("E0505", "m", span("conv"), frame=frame)).split("\n")
    assert len(shown) < 20 and shown[-1].endswith("… and 9,992 more applications")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_colour_only_on_terminals_that_want_it(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert wants_color(Terminal()) and not wants_color(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_color(Terminal())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not wants_color(Terminal())


def test_colour_changes_no_character():
    import re

    colored = render(FINDING, color=True)
    assert "\x1b[1;31m" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == render(FINDING)


def test_summary_counts():
    warning = Diagnostic("W0201", "unused")
    assert summary([]) == "no findings"
    assert summary([FINDING, warning, FINDING]) == "2 errors, 1 warning"
