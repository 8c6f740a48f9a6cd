"""Where things stand: no boxes and no texts on one another, no line through a box; and what tells of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from placed import faults, lines

from archdsl import load
from archdsl.graph import Graph
from archdsl.picture.blocks import place
from archdsl.picture.marks import Placed, Rectangle, Text, Wire
from archdsl.picture.plan import Plan
from archdsl.project.targets import graph_of
from archdsl.project.zoo import networks

SAMPLE = (
    "lenet5", "alexnet_2012", "googlenet", "resnet50", "densenet121", "mobilenet_v2", "unet", "nasnet_mobile",
    "dpn92", "rnn_stacked_bidirectional", "transformer_base", "msdnet22", "vit_b_16",
)  # fmt: skip
DEPTHS = (None, 1, 99)


def wrong(graph: Graph) -> list[str]:
    return [fault for depth in DEPTHS for fault in faults(place(Plan(graph, depth)))]


@pytest.mark.parametrize("name", SAMPLE)
def test_nothing_overlaps(name: str) -> None:
    assert wrong(graph_of(name)) == []


@pytest.mark.nightly
def test_nothing_overlaps_in_the_zoo() -> None:
    found = {name: wrong(graph_of(name)) for name in networks().names}
    assert {name: some for name, some in found.items() if some} == {}


def test_overlaps_are_seen() -> None:
    """Each fault, planted alone in a picture without faults."""
    for change, told in planted():
        picture = place(Plan(graph_of("resnet18"), 2))
        assert faults(picture) == []
        change(picture)
        assert any(fault.startswith(told) for fault in faults(picture)), told


def planted() -> Iterator[tuple]:
    def onto(picture: Placed) -> None:
        boxes = [n for n, one in enumerate(picture.rectangles) if not one.open]
        first, second = boxes[1], boxes[2]
        picture.rectangles[first] = picture.rectangles[second].replace(part=picture.rectangles[first].part)

    def through(picture: Placed) -> None:
        one = next(one for one in picture.rectangles if not one.open)
        y = one.y + one.height / 2
        picture.wires.append(Wire(((one.x - 5, y), (one.x + one.width + 5, y))))

    def text(picture: Placed) -> None:
        picture.texts.append(picture.texts[3].replace(x=picture.texts[3].x + 3))

    def far(picture: Placed) -> None:
        picture.texts.append(Text(picture.width - 3, 20, "beyond", 10, 40))

    def frame(picture: Placed) -> None:
        number, one = next((n, one) for n, one in enumerate(picture.rectangles) if one.open)
        picture.rectangles[number] = one.replace(height=one.height / 2)

    yield onto, "boxes"
    yield through, "a line and a box"
    yield text, "texts"
    yield far, "outside"
    yield frame, "frame crossed"


def boxes(plan: Plan) -> list[Rectangle]:
    return [one for one in place(plan).rectangles if not one.open and one.part.kind in ("box", "frame")]


def test_branches_stand_side_by_side_and_shortcuts_go_past() -> None:
    text = """arch 1
network Net() {
  input x: f32[N, 8, 16, 16]
  a: parallel(concat) { | conv(4, 1) | conv(4, 3) -> relu | max_pool(3, stride = 1, pad = 1) }
  b: residual { conv(16, 3) -> relu; conv(16, 3) }
}"""
    placed = place(Plan(load(text).graph(), 9))
    at = {one.part.lines[0]: one for one in placed.rectangles if one.part.kind == "box"}
    branches = [at["1×1 conv, 4"], at["3×3 conv, 4"], at["3×3 max pool"]]
    assert len({one.y for one in branches}) == 1 and len({one.x for one in branches}) == 3
    first = at["3×3 conv, 16"]
    right = first.x + first.width
    second = first.replace(y=max(one.y for one in placed.rectangles if one.part.lines[:1] == ["3×3 conv, 16"]))
    past = [one for wire in placed.wires for one in lines(wire) if one[0] > right and one[1] <= first.y]
    assert any(bottom >= second.y + second.height for _, _, _, bottom in past), (
        "the shortcut passes its body on the right"
    )
    assert at["add"].x + at["add"].width / 2 == pytest.approx(first.x + first.width / 2)


def test_a_repeat_is_drawn_once() -> None:
    """ResNet-152 has 3, 8, 36 and 3 units in its stages, of which the first ones alone are different (table 1)."""
    plan = Plan(graph_of("resnet152"), 1)
    counts = [one.part.count for one in boxes(plan) if one.part.framed]
    assert counts == [1, 2, 1, 7, 1, 35, 1, 2]


@pytest.mark.parametrize("name", ["densenet201", "nasnetalarge", "stochastic_depth_1202", "resnet1001_cifar"])
def test_large_networks_have_few_boxes_at_their_default_folding(name: str) -> None:
    if name not in networks().names:
        pytest.skip("not in the zoo")
    assert 3 < len(boxes(Plan(graph_of(name)))) <= 90
