"""The pages of the site: one for everything that has a name, and no link inside of it that leads nowhere.

Zensical, which `.ci/run` builds the site with, follows anchors as well.
"""

import posixpath
import re

import pytest
from paths import ROOT, tool

import archdsl
from archdsl import ops
from archdsl.project.blocks import blocks, combinators


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return dict(tool("docs_site").pages(False))


def test_everything_has_a_page(pages: dict[str, str]) -> None:
    names = {
        *(f"zoo/{name}.md" for name in archdsl.list().names),
        *(f"operators/{name}.md" for name in ops.names()),
        *(f"blocks/{one['name']}.md" for one in (*combinators(), *blocks())),
        *(f"codes/{code}.md" for code in archdsl.explain().pages),
    }
    assert names <= set(pages)
    assert all(text.strip() for text in pages.values())


def test_links_lead_to_pages(pages: dict[str, str]) -> None:
    gone = set()
    for name, text in pages.items():
        prose = re.sub(r"^ *(`{3,}).*?^ *\1", "", text, flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\(([^)\s#]+)[^)\s]*\)", re.sub(r"`[^`\n]*`", "", prose)):
            place = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
            if not target.startswith(("http://", "https://")) and place not in pages:
                gone.add((name, target))
    assert gone == set()


def test_a_network_has_its_figures_claims_paper_and_spec(pages: dict[str, str]) -> None:
    """ResNet-50: 25,557,032 parameters (torchvision), arXiv:1512.03385."""
    page = pages["zoo/resnet50.md"]
    for part in (
        "25,557,032",
        "expect params == 25_557_032",
        "https://arxiv.org/abs/1512.03385",
        "(../specs/resnet.md)",
    ):
        assert part in page
    assert "network ResNet" in pages["specs/resnet.md"]


def test_the_full_site_has_pictures_and_layers() -> None:
    entry = next(one for one in archdsl.list("lenet5").entries if one.name == "lenet5")
    page = tool("docs_site").network_page(entry, archdsl.load(str(ROOT / "specs" / "lenet.arch")), True)
    assert "](lenet5.svg)" in page and "[1, 6, 28, 28]" in page


def test_what_a_spec_says_is_text() -> None:
    site = tool("docs_site")
    assert site.said("<b>a|b</b>\n\n`x` (arXiv:1512.03385)").count("<p>") == 2
    assert "<b>" not in site.said("<b>a|b</b>") and "|" not in site.inline("a|b")
    assert site.fence(["```"]).startswith("````text\n")
    assert (
        site.moved("[a](../tests/x.py) [b](memory.md#x) ![c](d.svg)", "docs/ci.md", "ci.md")
        == "a [b](memory.md#x) ![c](d.svg)"
    )
