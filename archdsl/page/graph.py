"""The graph in the document: the tree of blocks, and how the parts of each level hang together. The page places it,
whatever is open, as :mod:`archdsl.picture` does.

Levels of the same form, with boxes of the same widths, are in the document once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from json import dumps
from typing import Any

from archdsl.graph import Graph, Node, Value
from archdsl.picture.blocks import LONGEST, SMALL, box
from archdsl.picture.grid import contents, ways_to_end
from archdsl.picture.parts import Part
from archdsl.picture.plan import Plan
from archdsl.picture.series import Branches, Line, Reduced, Series, Way
from archdsl.picture.text import fitted, width

PART_COLUMNS = ("role", "half", "ins", "outs", "count", "loops", "level")
BOX_COLUMNS = ("row", "operators", "frame", "path", "lines", "note", "title")


def graph_record(graph: Graph, steps: Mapping[Node, int]) -> dict[str, Any]:
    """The frames, the levels inside of them, which frames are open at first, and for every row the frame and the box
    where it is: of what is drawn once for several, the box of the first. ``None``: in none.
    """
    record = _Record(Plan(graph), steps)
    record.frame(record.plan.root, None)
    where = record.where
    for row, drawn in record.alike.items():
        if row not in where and drawn in where:
            where[row] = where[drawn]
    return {
        "part_columns": list(PART_COLUMNS), "box_columns": list(BOX_COLUMNS),
        "levels": record.levels, "frames": record.frames, "open": record.open, "words": list(record.words),
        "labels": [list(label) for label in record.labels],
        "places": [where.get(step) for step in range(len(steps))],
    }  # fmt: skip


class _Record:
    """Collects the frames, each in front of those that are inside of it."""

    def __init__(self, plan: Plan, steps: Mapping[Node, int]) -> None:
        self.plan, self.closed = plan, copy(plan)
        self.closed.open = set()
        self.steps = steps
        self.levels: list[dict[str, Any]] = []
        self.frames: list[list[Any]] = []
        self.open: list[int] = []
        self.where: dict[int, list[int]] = {}
        self.alike: dict[int, int] = {}
        """Rows that are not drawn -> those that are drawn for them."""
        self.words: dict[str, int] = {}
        self.labels: dict[tuple[str, int], int] = {}
        """Notes beside lines and titles of frames, with their widths in pixels."""
        self._known: dict[str, int] = {}

    def frame(self, part: Part, around: tuple[int, int] | None) -> tuple[int, int]:
        """Add a frame: ``[level, the frame around it, its number there, [box, …]]``; its number and its level."""
        number = len(self.frames)
        boxes: list[list[Any]] = []
        self.frames.append(frame := [0, *(around or (None, None)), boxes])
        if part in self.plan.open or around is None:
            self.open.append(number)
        values = {value: at for at, value in enumerate(part.inner_ins)}
        found: list[list[Any]] = []
        for index, one in enumerate(part.parts):
            for value in [*one.ins, *one.outs]:
                values.setdefault(value, len(values))
            inside, level = self.frame(one, (number, index)) if one.framed else (None, None)
            shown = self.closed.shown(one)
            place = box(one, shown)
            ends = [values[value] for value in one.ins], [values[value] for value in one.outs]
            found.append([_role(one), _px(place.left), *ends, one.count, bool(one.loops), level])
            boxes.append([*self._rows(one, number, index), inside, *self._told(one, shown.lines, shown.note)])
        record = {"ins": len(part.inner_ins), **_ways(part, values), "parts": found}
        text = dumps(record)
        if text not in self._known:
            self._known[text] = len(self.levels)
            self.levels.append(record)
        frame[0] = self._known[text]
        return number, frame[0]

    def _told(self, part: Part, lines: Sequence[str], note: str) -> list[Any]:
        """``[path of a frame, lines when it is closed, shape of the result, title when it is open]``."""
        known = [self.words.setdefault(line, len(self.words)) for line in lines]
        beside = self._label(note, False) if note and part.outs else None
        if not part.framed:
            return [None, known, beside, None]
        return [part.key, known, beside, self._label(self.plan.title(part), True)]

    def _label(self, text: str, bold: bool) -> int:
        shown = fitted(text, LONGEST, SMALL, bold)
        return self.labels.setdefault((shown, width(shown, SMALL, bold)), len(self.labels))

    def _rows(self, part: Part, frame: int, index: int) -> list[Any]:
        """``[first row, operators]``."""
        own = [self.steps[node] for node in _own(part)]
        for other in part.others:
            self.alike.update(zip((self.steps[node] for node in other.all_nodes()), own))
        if not part.framed:
            self.where |= {row: [frame, index] for row in own}
        return [min(own, default=None), len(own) * part.count]


def _own(part: Part) -> list[Node]:
    """The operators of a part, without those of what it stands for as well."""
    return [*part.nodes, *(node for one in part.parts for node in one.all_nodes())]


def _role(part: Part) -> str:
    return "frame" if part.framed else "end" if part.kind != "box" else part.role


def _ways(part: Part, values: Mapping[Value, int]) -> dict[str, Any]:
    """How the parts of a level hang together: one ``way`` through all of them, or ``rows`` of parts and ways, with the
    values that are ``leaving`` them. A line is a list of values; ``s`` are the ways of a series, with the parts ``p``
    between them, and ``b`` branches.
    """
    reduced = Reduced(part.parts, part.inner_ins, part.inner_outs)
    number = {one: index for index, one in enumerate(part.parts)}

    def told(way: Way) -> Any:
        if isinstance(way, Line):
            return [values[value] for value in way.values]
        if isinstance(way, Branches):
            return {"b": [told(one) for one in way.ways]}
        return {"s": [told(one) for one in way.ways], "p": [number[one] for one in way.parts]}

    outs = [values[value] for value in part.inner_outs]
    if reduced.whole is not None:
        return {"outs": outs, "way": told(reduced.whole)}
    rows = list(contents(reduced))
    made = {value for one in rows for value in (one.outs if isinstance(one, Part) else _results(one))}
    leaving = dict.fromkeys(values[value] for way in ways_to_end(reduced, made) for value in way)
    return {
        "outs": outs, "leaving": list(leaving),
        "rows": [number[one] if isinstance(one, Part) else told(one) for one in rows],
    }  # fmt: skip


def _results(way: Way) -> Sequence[Value]:
    """The values that a way gives."""
    if isinstance(way, Line):
        return way.values
    if isinstance(way, Series):
        return way.parts[-1].outs if isinstance(way.ways[-1], Line) else _results(way.ways[-1])
    return [value for one in way.ways for value in _results(one)]


def _px(value: float) -> float | int:
    rounded = round(value, 1)
    return int(rounded) if rounded == int(rounded) else rounded
