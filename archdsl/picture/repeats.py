"""Parts of the same form, and those among them that follow one another: drawn once, with their number."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from archdsl.graph import Node, Value
from archdsl.picture.compared import Marks
from archdsl.picture.parts import Part

FEWEST_BOXES = 4
"""Boxes are drawn once if so many follow one another; frames, if two do."""


class Forms:
    """Numbers for forms: operators with their arguments, what became of them, and how they hang together."""

    def __init__(self, marks: Marks | None = None) -> None:
        self.marks = marks
        self._numbers: dict[Hashable, int] = {}

    def _number(self, form: Hashable) -> int:
        return self._numbers.setdefault(form, len(self._numbers) + 1)

    def box(self, part: Part) -> int:
        """The form of a box: what it does, and to how many inputs."""
        became = self.marks.became if self.marks is not None else {}
        told = tuple((repr(node.op), became.get(node)) for node in part.nodes)
        return self._number((told, len(part.ins), len(part.outs)))

    def fuses(self, before: Part, part: Part) -> bool:
        """Whether a box may take the one behind it."""
        return self.marks is None or not self.marks.apart(before, part)

    def frame(self, part: Part) -> int:
        """The form of a frame: those of its parts, and which feeds which."""
        place: dict[Value, Hashable] = {value: -1 - index for index, value in enumerate(part.inner_ins)}
        told: list[Hashable] = []
        for number, one in enumerate(part.parts):
            told.append((one.form, one.count, tuple(place.get(value, "?") for value in one.ins)))
            place.update({value: (number, index) for index, value in enumerate(one.outs)})
        return self._number((tuple(told), tuple(place.get(value, "?") for value in part.inner_outs)))


def repeated(parts: list[Part], uses: Mapping[Value, Sequence[Node | None]], forms: Forms) -> list[Part]:
    """The parts, with one for each run of equal ones in which each uses nothing but the one before, or what all do."""
    after: dict[Part, list[Part]] = {}
    maker = {value: part for part in parts for value in part.outs}
    for part in parts:
        for before in dict.fromkeys(maker[value] for value in part.ins if value in maker):
            after.setdefault(before, []).append(part)
    gone: set[Part] = set()
    found: list[Part] = []
    for part in parts:
        if part in gone:
            continue
        run = [part]
        while (following := _next(run[-1], after, uses)) is not None:
            run.append(following)
        if len(run) >= (2 if part.framed else FEWEST_BOXES):
            gone.update(run)
            found.append(_once(run))
        else:
            found.append(part)
    return found


def _next(part: Part, after: Mapping[Part, list[Part]], uses: Mapping[Value, Sequence[Node | None]]) -> Part | None:
    """The part that goes on as this one did: all results go there, to the same places."""
    following = after.get(part, [])
    if len(following) != 1 or not part.form:
        return None
    one = following[0]
    if one.form != part.form or one.count != part.count or len(one.ins) != len(part.ins):
        return None
    if any(None in uses[value] for value in part.outs) or not set(part.outs) <= set(one.ins):
        return None
    own = set(part.outs)
    return one if all(new in own or new == old for old, new in zip(part.ins, one.ins)) else None


def _once(run: Sequence[Part]) -> Part:
    """A frame with the first of a run in it."""
    first, last = run[0], run[-1]
    if first.framed:
        first.title = f"{first.title} … {_behind(first.title, last.title)}"
    part = first
    if not first.framed:
        part = Part(first.key, "frame", f"{first.key.rpartition('.')[2]} … {last.key.rpartition('.')[2]}")
        part.parts, part.size = [first], first.size
        part.ins, part.inner_ins, part.inner_outs = first.ins, first.ins, first.outs
    part.count, part.others = len(run), list(run[1:])
    part.outs = last.outs
    part.form = first.form
    return part


def _behind(first: str, last: str) -> str:
    """The last name without the parts that it begins with like the first: ``2`` for ``layer1.0`` and ``layer1.2``."""
    ours, names = first.split("."), last.split(".")
    same = next((at for at, (a, b) in enumerate(zip(ours, names)) if a != b), 0)
    return ".".join(names[same:])
