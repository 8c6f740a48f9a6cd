"""The graph in the document: pictures that are entered from one another, placed by :mod:`archdsl.picture`.

The first picture is the network at its readable folding. Every frame that is closed in a picture has a picture of its
own, of what is inside. So each box is in one picture, and all of them together grow with the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from json import dumps
from typing import Any

from archdsl.graph import Graph, Node
from archdsl.picture.blocks import place
from archdsl.picture.marks import Rectangle
from archdsl.picture.parts import Part
from archdsl.picture.plan import READABLE, Plan, boxes
from archdsl.picture.words import shape_text


def graph_record(graph: Graph, steps: Mapping[Node, int]) -> dict[str, Any]:
    """The pictures, the drawings that they show (equal ones once), and for every row the picture and the box where it
    is: of what is drawn once for several, the box of the first. ``None``: in none.
    """
    record = _Record(steps)
    record.add(Plan(graph), None, None)
    for number, (plan, part) in enumerate(record.waiting):  # the list grows
        record.add(_inside(plan, part), part, record.around[number])
    where = record.where
    for row, drawn in record.alike.items():
        if row not in where and drawn in where:
            where[row] = where[drawn]
    return {
        "box_columns": ["x", "y", "width", "height", "role", "open"],
        "drawings": record.drawings, "pictures": record.pictures, "words": list(record.words),
        "places": [where.get(step) for step in range(len(steps))],
    }  # fmt: skip


class _Record:
    """Collects the pictures."""

    def __init__(self, steps: Mapping[Node, int]) -> None:
        self.steps = steps
        self.drawings: list[dict[str, Any]] = []
        self.pictures: list[list[Any]] = []
        self.where: dict[int, list[int]] = {}
        self.alike: dict[int, int] = {}
        """Rows that are not drawn -> those that are drawn for them."""
        self.waiting: list[tuple[Plan, Part]] = []
        """Frames that are closed in a picture; theirs follow in this order behind the first."""
        self.around: list[int] = []
        self.words: dict[str, int] = {}
        """The texts of all pictures."""
        self._known: dict[str, int] = {}

    def add(self, plan: Plan, part: Part | None, around: int | None) -> None:
        """A picture: ``[drawing, title, the one around it, [box, …], [text, …]]``."""
        placed = place(plan)
        number = len(self.pictures)
        drawing = {
            "size": [_px(placed.width), _px(placed.height)],
            "boxes": [
                [_px(one.x), _px(one.y), _px(one.width), _px(one.height), _role(one.part), one.open]
                for one in placed.rectangles
            ],
            "texts": [[_px(t.x), _px(t.y), t.size, t.style] for t in placed.texts],
            "wires": [[[_px(one) for point in w.points for one in point], w.arrow, w.back] for w in placed.wires],
        }  # fmt: skip
        text = dumps(drawing)
        if text not in self._known:
            self._known[text] = len(self.drawings)
            self.drawings.append(drawing)
        found: list[list[Any]] = []
        told = [self.words.setdefault(t.text, len(self.words)) for t in placed.texts]
        title = part.key if part is not None else plan.graph.name
        self.pictures.append([self._known[text], title, around, found, told])
        for index, rectangle in enumerate(placed.rectangles):
            found.append(self._box(plan, rectangle, number, index))

    def _box(self, plan: Plan, one: Rectangle, picture: int, index: int) -> list[Any]:
        """``[first row, operators, picture of what is inside, path of a frame]``."""
        part, inside = one.part, None
        if part.framed and not one.open:
            self.waiting.append((plan, part))
            self.around.append(picture)
            inside = len(self.waiting)  # the first picture stands in front of all these
        own = [self.steps[node] for node in _own(part)]
        for other in part.others:
            self.alike.update(zip((self.steps[node] for node in other.all_nodes()), own))
        if not part.framed:
            self.where |= {row: [picture, index] for row in own}
        count = len(own) * part.count
        return [min(own, default=None), count, inside, part.key if part.framed else None]


def _own(part: Part) -> list[Node]:
    """The operators of a part, without those of what it stands for as well."""
    return [*part.nodes, *(node for one in part.parts for node in one.all_nodes())]


def _role(part: Part) -> str:
    return "frame" if part.framed else "end" if part.kind != "box" else part.role


def _inside(plan: Plan, part: Part) -> Plan:
    """The plan of a closed frame: what is inside, with an end for each value that enters or leaves it."""
    found, root, whole = copy(plan), Part("", "frame"), copy(part)
    whole.count, whole.others = 1, []
    ends: dict[str, list[Part]] = {"input": [], "output": []}
    for kind, values in (("input", part.ins), ("output", part.outs)):
        for value in values:
            box = Part(value.name, kind)
            box.lines = [shape_text(value.type.shape, plan.batch)]
            box.outs, box.ins = ([value], []) if kind == "input" else ([], [value])
            ends[kind].append(box)
    root.parts = [*ends["input"], whole, *ends["output"]]
    found.root, found.open = root, set()
    found.counts = boxes(root)
    fitting = [level for level, count in enumerate(found.counts) if count <= READABLE]
    found.depth = max(1, *fitting)
    found.unfold()
    return found


def _px(value: float) -> float | int:
    rounded = round(value, 1)
    return int(rounded) if rounded == int(rounded) else rounded
