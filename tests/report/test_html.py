"""What notebooks show: HTML in which a stranger's text is text."""

from xml.etree import ElementTree

import archdsl
from archdsl.report.html import document
from archdsl.report.page import Drawing, Facts, Page, Table

EVIL = '<img src=x onerror=alert(1)>&"\x1b[2J\u202e'


def test_nothing_in_a_page_is_markup() -> None:
    table = Table(
        (EVIL, "n"), ((EVIL, "1"),), title=EVIL, note=EVIL, foot=(EVIL, "1"), levels=(1,), groups=frozenset({0})
    )
    text = document(Page(EVIL, (table, Facts((EVIL,), EVIL), Drawing((EVIL,)))))
    tree = ElementTree.fromstring(text)
    allowed = {"div", "p", "strong", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "pre"}
    assert {element.tag for element in tree.iter()} <= allowed
    assert "\x1b" not in text and "\u202e" not in text
    assert "".join(tree.itertext()).count("onerror=alert(1)") == 9  # every place where it was given


def test_figures_are_to_the_right_and_levels_indent() -> None:
    tree = ElementTree.fromstring(document(Page("", (Table(("path", "n"), (("a", "1"), ("b", "20")), levels=(0, 2)),))))
    styles = [cell.attrib["style"] for cell in tree.iter("td")]
    found = [(style.split(";")[0], style.split()[-1]) for style in styles]
    left, right = "text-align:left", "text-align:right"
    assert found == [(left, "0.5em"), (right, "0.5em"), (left, "2.9em"), (right, "0.5em")]


def test_a_long_table_scrolls() -> None:
    rows = tuple((str(i),) for i in range(100))
    assert "overflow:auto" in document(Page("", (Table(("n",), rows),)))
    assert "overflow:auto" not in document(Page("", (Table(("n",), rows[:5]),)))


def test_a_program_shows_what_its_authors_say() -> None:
    program = archdsl.load(
        "arch 1\n## It says <b>.\n##\n## More.\nnetwork Net(c = 4) { input x: f32[N, 3, 8, 8]; conv(c, 3) }\n"
        "## Wide.\nvariant wide = Net(\n  c = 8)\n"
    )
    cells = [cell.text for cell in ElementTree.fromstring(program._repr_mimebundle_()["text/html"]).iter("td")]
    assert cells == ["wide", "Net( c = 8)", "Wide.", "Net", "It says <b>."]


NET = """arch 1
network Net(c = 4) { input x: f32[N, 3, 8, 8]; conv(c, 3, bias = false) -> relu; global_avg_pool -> flatten; fc: linear(2) }
variant net = Net()
"""


def test_rows_of_exact_values(tmp_path) -> None:
    """Kernels of 3 x 3 x 3 for each of c channels, at 8 x 8 places; c + 1 for each of two results."""
    rows = archdsl.cost(archdsl.load(NET).graph()).to_dicts()
    assert [(row["path"], row["params"], row["macs"]) for row in rows if row["params"]] == [
        ("conv", 27 * 4, 27 * 4 * 64), ("fc", 2 * 4 + 2, 8),
    ]  # fmt: skip
    assert rows[1]["kernel"] is None  # relu has none
    (spec := tmp_path / "net.arch").write_text(NET)
    found = archdsl.sweep(str(spec), {"c": "4..6"}).to_dicts()
    assert [(row["c"], row["params"]) for row in found] == [(c, 27 * c + 2 * c + 2) for c in (4, 5, 6)]
