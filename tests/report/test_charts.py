"""Charts: what they draw is what was measured, at the places that the axes say; names are text."""

from itertools import combinations, pairwise
from random import Random
from xml.etree import ElementTree

import pytest

import archdsl
from archdsl.report.chart import MARKED, MARKED_EDGE, PLAIN, byte_unit, count_unit, in_unit, ticks
from archdsl.report.memory_chart import bands
from archdsl.report.sweep_chart import Point, front, sweep_chart

SVG = "{http://www.w3.org/2000/svg}"


def parsed(picture: str) -> ElementTree.Element:
    return ElementTree.fromstring(picture)


def texts(tree: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in tree.iter(f"{SVG}text")]


@pytest.mark.parametrize(
    "low, high", [(0, 6.9 * 1024**2), (97131840, 672832704), (3, 4), (7, 7), (0, 1), (0, 10**18), (1023, 1025)]
)
def test_ticks_are_round_and_enclose(low: int, high: float) -> None:
    for unit in (1, byte_unit(high)[0], count_unit(high)[0]):
        found = ticks(low, high, 6, unit)
        (step,) = {round(b - a, 6) for a, b in pairwise(found)}
        assert found[0] <= low and found[-1] >= high and 2 <= len(found) <= 9
        assert step >= 1
        if step > 1:
            assert f"{step / unit:.6e}"[0] in "125" and set(f"{step / unit:.6e}"[1:8]) <= set(".0")


def test_figures_on_axes() -> None:
    assert in_unit(300e6, count_unit(672832704)) == "300M" and in_unit(0, (1, "B")) == "0"
    assert in_unit(2.5 * 1024**2, byte_unit(7 * 1024**2)) == "2.5 MiB" and in_unit(512, byte_unit(900)) == "512 B"


def test_the_front_is_what_nothing_beats() -> None:
    random = Random(7)
    for more in (False, True):
        for _ in range(300):
            points = [Point(str(i), random.randrange(6), random.randrange(6)) for i in range(random.randrange(12))]

            def beats(a: Point, b: Point, more: bool = more) -> bool:
                up = (a.y >= b.y, a.y > b.y) if more else (a.y <= b.y, a.y < b.y)
                return a.x <= b.x and up[0] and (a.x < b.x or up[1])

            expected = {p.name for p in points if not any(beats(other, p) for other in points)}
            assert {p.name for p in front(points, more)} == expected


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "densenet121"])
def test_the_arena_is_drawn_as_it_is_planned(name: str) -> None:
    memory = archdsl.memory(name)
    tree = parsed(memory.to_svg())
    boxes = [
        (*(float(box.attrib[key]) for key in ("x", "y", "width", "height")), box.attrib["fill"], box[0].text or "")
        for box in tree.iter(f"{SVG}rect") if len(box)
    ]  # fmt: skip
    assert len(boxes) == len(memory.plan.buffers)
    for (x, y, w, h, *_), (u, v, s, t, *_) in combinations(
        boxes, 2
    ):  # what lives at one time lies apart, to 0.1 pixels
        assert x + w <= u + 0.2 or u + s <= x + 0.2 or y + h <= v + 0.2 or v + t <= y + 0.2
    marked = [box for box in boxes if box[4] == MARKED]
    assert {box[5].partition(": ")[0] for box in marked} == {b.values[0].name for b in memory.peak.buffers}
    highest = 300 / memory.arena.size  # pixels of a byte: the arena fills the height
    assert sum(box[3] for box in marked) == pytest.approx(memory.peak.bytes * highest, abs=0.11 * len(marked))
    assert {box[4] for box in boxes} <= {MARKED, PLAIN}
    assert any(text.startswith("peak ") and text.endswith(f"at {memory.at}") for text in texts(tree))


def test_scopes_along_the_steps() -> None:
    found = bands(["net.a.0", "net.a.1", "net.b.0", "net.b.1", "net.b.1", "net.c"])
    assert [(band.name, band.first, band.last) for band in found] == [("a", 0, 1), ("b", 2, 4), ("c", 5, 5)]
    assert [band.name for band in bands(["x.layers.0.a", "x.layers.0.b", "x.layers.1.a"])] == ["layers.0", "layers.1"]
    assert bands([]) == []


def records(*figures: tuple[object, int | None, int | None]) -> list[dict[str, object]]:
    return [
        {"settings": {"c": c}, "refused": None if x else "E0301", "macs": x, "params": y, "receptive_field": 3, "depth": 1, "peak_activations": 1}
        for c, x, y in figures
    ]  # fmt: skip


def test_a_point_for_each_member_and_the_front_marked() -> None:
    tree = parsed(sweep_chart("net", ["c"], records((1, 100, 10), (2, 200, 5), (3, 300, 20), (4, None, None))))
    dots = [(float(d.attrib["cx"]), float(d.attrib["cy"]), d.attrib["fill"]) for d in tree.iter(f"{SVG}circle")]
    assert [fill for _, _, fill in dots].count(MARKED_EDGE) == 2 and len(dots) == 3
    (a, b), (other,) = ([d for d in dots if (d[2] == MARKED_EDGE) is on] for on in (True, False))
    assert other[0] - a[0] == pytest.approx(b[0] - other[0], abs=0.2)  # MACs are evenly apart
    assert 2 * (other[1] - a[1]) == pytest.approx(a[1] - b[1], abs=0.4)  # 5 below, 10 above
    assert {"1", "3", "2"} <= set(texts(tree)) and any("1 more without figures" in text for text in texts(tree))


def test_names_are_text() -> None:
    picture = sweep_chart(
        "<script>alert(1)</script>", ["a&b"], records(('"><img/onerror=x>', 1, 2), ("\x1b[2J\u202e", 2, 3))
    )
    tree = parsed(picture)
    assert {element.tag.removeprefix(SVG) for element in tree.iter()} == {
        "svg",
        "rect",
        "g",
        "text",
        "polyline",
        "circle",
        "title",
    }
    assert (
        "The family of <script>alert(1)</script>" in texts(tree) and "\x1b" not in picture and "\u202e" not in picture
    )


def test_one_member_and_none() -> None:
    assert "1 member," in " ".join(texts(parsed(sweep_chart("net", ["c"], records((1, 7, 7))))))
    assert sweep_chart("net", ["c"], records((1, None, None))) == "" and sweep_chart("net", ["c"], []) == ""


def test_a_deep_network_makes_a_picture_that_opens() -> None:
    """10,000 operators: as many tensors, of which few have a hint, and stairs of a point for each pixel."""
    text = "arch 1\nnetwork Deep() { input x: f32[N, 4, 8, 8]; repeat 5000 { conv(4, 3) -> relu } }\n"
    picture = archdsl.memory(archdsl.load(text).graph()).to_svg()
    assert len(picture) < 600_000
    parsed(picture)
