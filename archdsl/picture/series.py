"""How the parts of a level hang together: one behind the other, side by side, or in a way that is neither.

Two-terminal graphs are reduced (Valdes, Tarjan and Lawler 1982): a part with one way in and one way out becomes a part
of that way, ways with the same ends become branches. What cannot be reduced is left, with what could be inside.
"""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.graph import Value
from archdsl.picture.parts import Part


class Line:
    """A way without parts: the values that go it."""

    __slots__ = ("values",)

    def __init__(self, values: Sequence[Value]) -> None:
        self.values = list(dict.fromkeys(values))


class Branches:
    """Ways with the same ends."""

    __slots__ = ("ways",)

    def __init__(self, ways: list[Way]) -> None:
        self.ways = ways


class Series:
    """Ways with a part between each two: ``len(ways) == len(parts) + 1``."""

    __slots__ = ("parts", "ways")

    def __init__(self, ways: list[Way], parts: list[Part]) -> None:
        self.ways, self.parts = ways, parts


Way = Line | Branches | Series
START, END = -1, -2


class Reduced:
    """A level: all ways that are left between the parts that are left, by their numbers and :data:`START`,
    :data:`END`.
    """

    def __init__(self, parts: Sequence[Part], entering: Sequence[Value], leaving: Sequence[Value]) -> None:
        self.parts = parts
        self.after: dict[int, dict[int, Way]] = {n: {} for n in (START, END, *range(len(parts)))}
        self.before: dict[int, dict[int, None]] = {n: {} for n in self.after}
        self._lines(entering, leaving)
        waiting = list(range(len(parts)))[::-1]
        while waiting:
            self._reduce(waiting.pop(), waiting)

    def _lines(self, entering: Sequence[Value], leaving: Sequence[Value]) -> None:
        maker = dict.fromkeys(entering, START)
        for number, part in enumerate(self.parts):
            maker.update(dict.fromkeys(part.outs, number))
        found: dict[tuple[int, int], list[Value]] = {}
        for number, part in enumerate(self.parts):
            for value in part.ins:
                found.setdefault((maker.get(value, START), number), []).append(value)
            if not part.ins:
                found.setdefault((START, number), [])
        for value in leaving:
            found.setdefault((maker.get(value, START), END), []).append(value)
        going = {start for start, _ in found}
        for number in range(len(self.parts)):
            if number not in going:
                found.setdefault((number, END), [])
        for (start, end), values in found.items():
            self._add(start, end, Line(values))

    def _add(self, start: int, end: int, way: Way) -> None:
        known = self.after[start].get(end)
        self.after[start][end] = way if known is None else _beside(known, way)
        self.before[end][start] = None

    def _reduce(self, number: int, waiting: list[int]) -> None:
        before, after = self.before[number], self.after[number]
        if len(before) != 1 or len(after) != 1:
            return
        (start,), (end,) = before, after
        way = _behind(self.after[start].pop(number), self.parts[number], after.pop(end))
        before.clear()
        del self.before[end][number]
        self._add(start, end, way)
        waiting += [one for one in (end, start) if one >= 0]

    @property
    def whole(self) -> Way | None:
        """The one way that is left, if there is just one."""
        left = [(start, end) for start, ends in self.after.items() for end in ends]
        return self.after[START][END] if left == [(START, END)] else None


def _beside(one: Way, other: Way) -> Way:
    if isinstance(one, Line) and isinstance(other, Line):
        return Line([*one.values, *other.values])
    ways = [way for some in (one, other) for way in (some.ways if isinstance(some, Branches) else [some])]
    lines = [way for way in ways if isinstance(way, Line)]
    joined = [Line([value for line in lines for value in line.values])] if lines else []
    return Branches([*[way for way in ways if not isinstance(way, Line)], *joined])


def _behind(first: Way, part: Part, then: Way) -> Series:
    ways: list[Way] = first.ways if isinstance(first, Series) else [first]
    parts = first.parts if isinstance(first, Series) else []
    parts.append(part)
    if isinstance(then, Series):
        ways += then.ways
        parts += then.parts
    else:
        ways.append(then)
    return Series(ways, parts)


def length(way: Way) -> int:
    """The parts on a way."""
    return len(way.parts) if isinstance(way, Series) else 0
