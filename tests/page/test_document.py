"""The page is one file that lets nothing else in or out, whatever a network calls its parts."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
from console import run
from paths import ROOT

import archdsl
from archdsl.page.document import bundle, embedded

STATIC = ROOT / "archdsl" / "page" / "static"
EVIL = "</script><script>alert(1)</script><!--"


class Parts(HTMLParser):
    """The elements of a page, with the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside = tag if tag in self.texts else ""

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.texts[self.inside].append(data)


@pytest.fixture(scope="module")
def page() -> str:
    return archdsl.explorer("resnet50").html


def test_nothing_but_its_own_script_and_style_may_run(page: str) -> None:
    parts = Parts(page)
    data, script = parts.texts["script"]
    (policy,) = [a["content"] for tag, a in parts.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None and "default-src 'none'" in policy and "connect-src 'none'" in policy
    for text in (script, *parts.texts["style"]):
        assert f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" in policy
    assert json.loads(data)["format"] == "archdsl.explorer"
    addresses = {"src", "href", "action", "data", "srcset", "formaction", "poster"}
    assert [a for _, a in parts.elements for key in a if key in addresses and not (a[key] or "").startswith("#")] == []
    assert not re.search(
        r"https?://(?!www\.w3\.org/2000/svg)|@import|url\((?!#)", script + "".join(parts.texts["style"])
    )


def test_nothing_reads_markup_in_the_scripts() -> None:
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|DOMParser|srcdoc|setHTML|createContextual"
    )
    scripts = sorted(STATIC.glob("*.js"))
    assert len(scripts) > 10
    assert {
        path.name: found for path in scripts if (found := forbidden.findall(path.read_text(encoding="utf-8")))
    } == {}


def test_no_file_of_the_page_is_too_long() -> None:
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in STATIC.iterdir()}
    assert {name: length for name, length in lengths.items() if length > 350} == {}


def test_every_script_is_used_and_every_import_is_there() -> None:
    whole = bundle("served")
    for path in STATIC.glob("*.js"):
        assert f"const module_{path.stem} = " in whole, path.name
    assert not re.search(r"^(import|export) ", whole, re.MULTILINE)
    for name in re.findall(r"= module_(\w+);", whole):
        assert whole.index(f"const module_{name} = ") < whole.index(f"= module_{name};")


def test_data_cannot_end_its_element() -> None:
    text = embedded({"a": EVIL, "b": "]]>\u2028\ud800"})
    assert "<" not in text and ">" not in text
    assert json.loads(text) == {"a": EVIL, "b": "]]>\u2028\ufffd"}


def test_names_stay_data(tmp_path: Path) -> None:
    """Through the description, a file's name, labels, and the names of inputs and outputs."""
    from archdsl.graph import Graph

    builder = archdsl.Builder("net")
    made = builder.graph(y=builder.apply("relu", builder.input("x", "f32", ["N", 4])))
    graph = Graph(EVIL, made.inputs, made.nodes, {EVIL: made.outputs["y"]}, taps={EVIL: made.outputs["y"]}, doc=EVIL)
    text = archdsl.explorer(graph).html
    parts = Parts(text)
    assert "<script>alert" not in text and len(parts.texts["script"]) == 2
    assert json.loads(parts.texts["script"][0])["network"] == EVIL


@pytest.mark.parametrize(("network", "most"), [("resnet50", 600_000), ("stochastic_depth_1202", 1_500_000)])
def test_pages_are_small(network: str, most: int) -> None:
    """The second is the network of the zoo with the most operators."""
    assert len(archdsl.explorer(network).html.encode()) < most


def test_a_report_replaces_a_report_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "mine.html").write_text("<p>mine</p>")
    done = run("archdsl report lenet5 -o mine.html", tmp_path)
    assert done.status == 2 and "E0006" in done.output and (tmp_path / "mine.html").read_text() == "<p>mine</p>"
    for name in ("a.html", "a.html", "a.json", "a.json"):
        done = run(f"archdsl report lenet5 -o {name}", tmp_path)
        assert done.status == 0 and f"wrote {name}" in done.output
    done = run("archdsl report lenet5 -o a.pdf", tmp_path)
    assert done.status == 2 and "E0007" in done.output and "`.html` or `.htm`" in done.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "a.json", "mine.html"]


def test_a_report_does_not_say_where_the_package_lies() -> None:
    assert str(ROOT) not in archdsl.explorer("resnet50").html
