"""A family of networks as a picture: a point for each member, and the front of those that no other one beats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archdsl.analyses.measure import QUANTITIES
from archdsl.record import Record
from archdsl.report import chart as draw
from archdsl.report.chart import FAINT, MARKED_EDGE, PAPER, PLAIN, PLAIN_EDGE, Chart, Scale, length
from archdsl.report.text import counted

WIDTH, HEIGHT, LEFT, RIGHT = 920, 560, 84, 40
TOP, BOTTOM = 112, 492
ALONG = "macs"
"""What a member costs, to the right: less is better."""
GOALS = (("params", True), ("receptive_field", True), ("depth", True), ("peak_activations", False))
"""What is drawn upwards: the first of which members differ; whether more is better."""
TITLES = {"params": "parameters", "macs": "MACs", "receptive_field": "receptive field", "depth": "depth",
          "peak_activations": "peak memory"}  # fmt: skip
FEW = 24
"""Points that are all named; of more only those of the front."""


class Point(Record):
    """A member with two figures; ``name``: its settings."""

    name: str
    x: int
    y: int


def sweep_chart(target: str, varied: Sequence[str], records: Sequence[Mapping[str, Any]]) -> str:
    """The picture (SVG) of a family; empty where no member has figures that are numbers.

    ``records`` as for :func:`archdsl.report.listing.family`.
    """
    goal, more = _goal(records)
    points = [
        Point(", ".join(f"{value}" for value in record["settings"].values()), record[ALONG], record[goal])
        for record in records
        if isinstance(record[ALONG], int) and isinstance(record[goal], int)
    ]
    if not points:
        return ""
    best = front(points, more)
    better = f"{'more' if more else 'lower'} {TITLES[goal]} with as few {TITLES[ALONG]}"
    left = len(records) - len(points)
    refused = f"; {left:,} more without figures" if left else ""
    told = (
        f"{counted(len(points), 'member')}, each with its {', '.join(varied)}{refused}",
        f"orange: the front of {len(best):,}; no other member has {better}",
    )
    chart = Chart(WIDTH, HEIGHT, f"The family of {target}", told)
    across = _axis(chart, [p.x for p in points], ALONG, level=True)
    up = _axis(chart, [p.y for p in points], goal, level=False)
    _points(chart, points, best, across, up)
    return chart.svg()


def front(points: Sequence[Point], more: bool) -> list[Point]:
    """The points for which there is none at least as good in both figures and better in one, by ``x``.

    Less of ``x`` is better; of ``y`` more, or less. Equal points are all on it or none.
    """
    sign = -1 if more else 1
    found: list[Point] = []
    for point in sorted(points, key=lambda p: (p.x, sign * p.y)):
        last = found[-1] if found else None
        if last is None or sign * point.y < sign * last.y or (point.x, point.y) == (last.x, last.y):
            found.append(point)
    return found


def _goal(records: Sequence[Mapping[str, Any]]) -> tuple[str, bool]:
    for goal in GOALS:
        if len({record[goal[0]] for record in records if isinstance(record[goal[0]], int)}) > 1:
            return goal
    return GOALS[0]


def _axis(chart: Chart, values: Sequence[int], quantity: str, *, level: bool) -> Scale:
    """An axis around values, with its ticks and its name."""
    low, high = min(values), max(values)
    unit = (draw.byte_unit if QUANTITIES[quantity].unit == "bytes" else draw.count_unit)(high)
    if low == high:  # one member, or one figure: in the middle
        low, high = low - max(low // 10, 1), high + max(high // 10, 1)
    marks = draw.ticks(low, high, 8 if level else 6, unit[0])
    if level:
        scale = Scale(marks[0], marks[-1], LEFT, WIDTH - RIGHT)
        chart.columns(scale, marks, unit, TOP, BOTTOM)
        chart.text(WIDTH - RIGHT, BOTTOM + 42, TITLES[quantity], color=FAINT, anchor="end")
    else:
        scale = Scale(marks[0], marks[-1], BOTTOM, TOP)
        chart.rows(scale, marks, unit, LEFT, WIDTH - RIGHT)
        chart.text(16, TOP - 16, TITLES[quantity], color=FAINT)
    return scale


def _points(chart: Chart, points: Sequence[Point], best: Sequence[Point], across: Scale, up: Scale) -> None:
    """The points, the stairs of the front, and names that lie on nothing."""
    on = set(map(id, best))
    stairs: list[tuple[float, float]] = []
    for point in best:
        at = (across(point.x), up(point.y))
        stairs += [(at[0], stairs[-1][1]), at] if stairs else [at]
    others = [point for point in points if id(point) not in on]
    for point in others:
        chart.dot(across(point.x), up(point.y), 3.5, PLAIN, PLAIN_EDGE, _hint(point))
    if len(best) > 1:
        chart.line(stairs, MARKED_EDGE, 1.25)
    for point in best:
        chart.dot(across(point.x), up(point.y), 4.5, MARKED_EDGE, PAPER, _hint(point))
    taken = [_around(across(p.x), up(p.y), 5) for p in points]
    for point in [*best, *(others if len(points) <= FEW else ())]:
        _name(chart, point, across(point.x), up(point.y), taken, MARKED_EDGE if id(point) in on else FAINT)


Area = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def _name(chart: Chart, point: Point, x: float, y: float, taken: list[Area], color: str) -> None:
    """The name of a point at the first of the places around it that is free; without one, it is left out."""
    for left, base in _places(x, y, length(point.name, 11)):
        area = (left, base - 10, left + length(point.name, 11), base + 3)
        inside = area[0] >= LEFT and area[2] <= WIDTH - 4 and area[1] >= TOP - 12 and area[3] <= BOTTOM
        if inside and not any(_meet(area, other) for other in taken):
            taken.append(area)
            chart.text(left, base, point.name, size=11, color=color)
            return


def _places(x: float, y: float, width: float) -> Iterator[tuple[float, float]]:
    yield x - width - 8, y - 6
    yield x - width / 2, y - 10
    yield x + 9, y + 14
    yield x + 9, y + 4
    yield x - width - 9, y + 4
    yield x - width / 2, y + 19


def _around(x: float, y: float, radius: float) -> Area:
    return x - radius, y - radius, x + radius, y + radius


def _meet(a: Area, b: Area) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _hint(point: Point) -> str:
    return f"{point.name}: {point.x:,} MACs, {point.y:,}"
