"""The pictures of the documentation are current; and the texts of pictures in a browser."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

import archdsl
from archdsl.project.targets import graph_of
from archdsl.project.zoo import networks

ROOT = Path(__file__).parents[2]


def test_the_pictures_of_the_documentation_are_current() -> None:
    spec = importlib.util.spec_from_file_location("pictures", ROOT / "tools" / "pictures.py")
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    page = (ROOT / "docs" / "pictures.md").read_text()
    for name, text in tool.drawn().items():
        assert (tool.FOLDER / name).read_text() == text, "run `python tools/pictures.py`"
        assert f"(pictures/{name})" in page and len(text) < 80_000
    assert len(tool.PICTURES) == 12


MEASURE = """() => {
  const boxes = [...document.querySelectorAll('rect')].map(one => one.getBBox())
    .filter(box => box.width < document.documentElement.getBBox().width - 30);
  const texts = [...document.querySelectorAll('text')].map(one => [one.textContent, one.getBBox()]);
  const inside = (a, b) => a.x >= b.x && a.y >= b.y && a.x + a.width <= b.x + b.width && a.y + a.height <= b.y + b.height;
  const meet = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y + 2 < b.y + b.height && b.y + 2 < a.y + a.height;
  const found = [];
  texts.forEach(([text, at], number) => {
    for (const [other, place] of texts.slice(number + 1)) if (meet(at, place)) found.push([text, other]);
    for (const box of boxes) if (meet(at, box) && !inside(at, box)) found.push([text, JSON.stringify(box)]);
  });
  return [texts.length, found];
}"""


@pytest.mark.browser
@pytest.mark.nightly
def test_no_texts_and_boxes_meet_in_the_zoo(tmp_path: Path) -> None:
    """The same of all networks at three depths."""
    from browser import Watched, chromium

    wrong = {}
    with chromium() as browser:
        watched = Watched(browser)
        for name in networks().names:
            graph = graph_of(name)
            for depth in (None, 1, 99):
                page = watched.open(archdsl.draw(graph, depth=depth).save(tmp_path / "net.svg"))
                count, found = page.evaluate(MEASURE)
                if found or count < 3:
                    wrong[name, depth] = found[:3]
        watched.close()
    assert wrong == {}


@pytest.mark.browser
def test_texts_are_as_wide_as_they_are_said_to_be(tmp_path: Path) -> None:
    """Chromium's own boxes of the texts: none on another one, none over the edge of a rectangle."""
    from browser import Watched, chromium

    with chromium() as browser:
        watched = Watched(browser)
        for name in ("googlenet", "unet", "dpn92", "convlstm", "transformer_base"):
            page = watched.open(archdsl.draw(name).save(tmp_path / f"{name}.svg"))
            count, found = page.evaluate(MEASURE)
            assert count > 20 and found == [], name
        watched.close()
