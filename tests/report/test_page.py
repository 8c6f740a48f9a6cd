"""The one model of what people read, its aligner, and what prints itself."""

from __future__ import annotations

import json
import re
from importlib import import_module

import pytest
from markdown import ROOT

import archdsl
from archdsl.analyses.cost import cost
from archdsl.analyses.fields_at import at_taps
from archdsl.analyses.memory_plan import Memory
from archdsl.compare.diff import diff
from archdsl.compare.snapshot import snapshot
from archdsl.report.layout import text
from archdsl.report.markdown import markdown
from archdsl.report.page import Drawing, Facts, Page, Report, Table
from archdsl.shown import Charted, Shown, Tabled

NET = """arch 1
network Net() {
  input x: f32[N, 3, 8, 8]
  stem: conv(4, 3) -> relu
  output y
}
"""


def test_columns_of_figures_end_together() -> None:
    table = Table(("name", "count"), (("a", "1,000"), ("long", "2")), foot=("total", "1,002"))
    assert text(Page("heading", (table,))).splitlines() == [
        "heading",
        "",
        "name   count",
        "------------",
        "a      1,000",
        "long       2",
        "------------",
        "total  1,002",
    ]


def test_wide_characters_take_two_columns() -> None:
    table = Table((), (("網", "x"), ("ab", "y")), frozenset())
    assert text(Page("", (table,))) == "網  x\nab  y\n"


def test_nothing_in_a_cell_steers_the_terminal() -> None:
    page = Page("a\x1b[1m", (Table((), (("\x1b[2J", "b"),)), Facts(("\x07",), "\x1b"), Drawing(("\x1b",))))
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", text(page))


def test_markdown_keeps_levels_and_escapes() -> None:
    table = Table(("path", "n"), (("a|b", "1"), ("c", "2")), levels=(0, 1), groups=frozenset({0}), title="t")
    shown = markdown(Page("h_1", (table, Facts(("one",), "facts"))))
    assert (
        shown
        == "### h\\_1\n\nt\n\n| path | n |\n| --- | ---: |\n| **a\\|b** | 1 |\n| \u2003c | 2 |\n\n**facts**\n\n- one\n"
    )


def subclasses(cls: type) -> list[type]:
    return [found for sub in cls.__subclasses__() for found in (sub, *subclasses(sub))]


def test_what_prints_itself_names_a_report_that_is_there() -> None:
    for cls in (
        found for found in subclasses(Shown) if found.report is Shown.report and found not in (Tabled, Charted)
    ):
        module, _, name = cls._report.partition(":")
        assert issubclass(getattr(import_module(module), name), Report), cls


@pytest.mark.parametrize("make", [
    cost, Memory, lambda graph: at_taps(graph, None, ["stem"]), lambda graph: diff(snapshot(graph), snapshot(graph)),
])  # fmt: skip
def test_it_prints_itself(make) -> None:
    found = make(archdsl.load(NET).graph())
    assert "Net" in str(found).splitlines()[0]
    shown = found._repr_mimebundle_()
    assert shown["text/plain"] == str(found) and shown["text/html"].startswith("<div>")
    assert json.loads(found.to_json())["format_version"] == 1


def test_only_report_aligns_columns() -> None:
    """And the formatter, whose columns are those of a spec."""
    aligns = re.compile(r"ljust|rjust|:[<>][{\d]")
    report = ROOT / "archdsl" / "report"
    formatter = ROOT / "archdsl" / "syntax" / "format_tables.py"
    sources = (p for p in (ROOT / "archdsl").rglob("*.py") if report not in p.parents and p != formatter)
    assert [str(p) for p in sources if aligns.search(p.read_text(encoding="utf-8"))] == []
