"""The page places what is open as the pictures do: boxes, notes and lines of both are the same, to a tenth of a pixel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from browser import chromium

from archdsl.analyses.cost import cost
from archdsl.page.document import bundle
from archdsl.page.graph import graph_record
from archdsl.picture.blocks import place
from archdsl.picture.flow import walk
from archdsl.picture.plan import Plan
from archdsl.project.targets import graph_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
NETWORKS = ("resnet50", "googlenet", "densenet121", "nasnet_mobile", "bert_base", "rnn_lstm", "hourglass_2", "dpn92")
PLACED = """([graph, opened]) => {
  const layout = new Layout(graph);
  const next = opened[Symbol.iterator]();
  const open = new Set([0]);
  const visit = (frame) => layout.frames[frame].boxes.forEach((box) => {
    if (box.frame === null || !next.next().value) return;
    open.add(box.frame);
    visit(box.frame);
  });
  visit(0);
  const { width, height, boxes, notes, wires } = layout.place(open);
  return {
    size: [width, height], open: [...open].sort((a, b) => a - b), count: layout.count(open) - boxes.length,
    boxes: boxes.map((one) => [one.x, one.y, one.width, one.height, one.open ? 1 : 0]),
    notes: notes.map((one) => [one.x, one.y]), texts: notes.map((one) => graph.labels[one.note][0]),
    wires: wires.map((one) => [...one.wire.flat(), one.arrow ? 1 : 0, one.back ? 1 : 0]),
  };
}"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    script = bundle("layout")
    ending = "})();\n})();\n"
    assert script.endswith(ending)
    with chromium() as browser:
        found = browser.new_page()
        found.evaluate(script.removesuffix(ending) + "})();\nglobalThis.Layout = module_layout.Layout;\n})();\n")
        yield found


def near(found: list[list[float]], wanted: list[list[float]]) -> bool:
    return len(found) == len(wanted) and all(a == pytest.approx(b, abs=0.1) for a, b in zip(found, wanted))


@pytest.mark.parametrize("network", NETWORKS)
def test_the_page_places_as_pictures_do(page: Page, network: str) -> None:
    graph = graph_of(network, None, None, False)
    record = graph_record(graph, cost(graph).measures.bound.steps)
    for depth in (None, 0, 1, 2, 24):
        plan = Plan(graph, depth)
        wanted = place(plan)
        opened = [part in plan.open for part, _, begins in walk(plan) if begins and part.framed]
        found: dict[str, Any] = page.evaluate(PLACED, [record, opened])
        assert found["size"] == pytest.approx([wanted.width, wanted.height], abs=0.1) and found["count"] == 0
        assert near(found["boxes"], [[r.x, r.y, r.width, r.height, int(r.open)] for r in wanted.rectangles]), depth
        notes = [text for text in wanted.texts if text.style == "shape"]
        assert near(found["notes"], [[text.x, text.y] for text in notes])
        assert found["texts"] == [text.text for text in notes]
        assert near(
            found["wires"], [[*(x for p in w.points for x in p), int(w.arrow), int(w.back)] for w in wanted.wires]
        ), depth
        if depth is None:
            assert found["open"] == sorted(record["open"])
