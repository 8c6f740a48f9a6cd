"""Rows, for what is neither a series nor branches: each part below all that it needs, and a lane of its own for every
value that passes a row.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Container, Iterable, Iterator, Sequence

from archdsl.graph import Value
from archdsl.picture.channel import channel, met
from archdsl.picture.marks import Block, Port, Wire
from archdsl.picture.parts import Part
from archdsl.picture.series import END, Branches, Line, Reduced, Way

APART = 14
MANY = 12
"""Rows from which on a lane is not looked a gap for, which would take quadratic time."""
LANE = 5.5
"""Half of the width of a lane."""


class _Item:
    """A block of a row, or a lane (without one) through several."""

    __slots__ = ("block", "ins", "last", "outs", "row", "x")

    def __init__(self, block: Block | None, ins: Iterable[Value], outs: Iterable[Value]) -> None:
        self.block, self.ins, self.outs = block, list(ins), list(outs)
        self.row = self.last = 0
        self.x = 0.0

    @property
    def left(self) -> float:
        return self.block.left + APART / 2 if self.block else LANE

    @property
    def right(self) -> float:
        return self.block.right + APART / 2 if self.block else LANE

    def tops(self) -> list[Port]:
        if self.block is None:
            return [(self.outs[0], self.x)]
        return [(value, self.x + x) for value, x in self.block.outs]


def grid(reduced: Reduced, draw: Callable[[Part], Block], drawn: Callable[[Way], Block]) -> Block:
    """The block of a level that is not reduced to one way."""
    items = [_item(draw(one) if isinstance(one, Part) else drawn(one)) for one in contents(reduced)]
    maker = {value: item for item in items for value in item.outs}
    _rank(items, maker)
    leaving = dict.fromkeys(value for way in ways_to_end(reduced, maker) for value in way)
    rows = max((item.row for item in items), default=-1) + 1
    lanes = _lanes(items, maker, leaving, rows)
    table: list[list[_Item]] = [[] for _ in range(rows)]
    for item in items:
        table[item.row].append(item)
    starting: dict[int, list[_Item]] = {}
    for lane in lanes:
        starting.setdefault(lane.row, []).append(lane)
    _columns(table, starting, maker)
    for lane in lanes:
        for row in range(lane.row, lane.last + 1):
            table[row].append(lane)
    return _stacked(table, leaving)


def _item(block: Block) -> _Item:
    return _Item(block, dict.fromkeys(v for v, _ in block.ins), dict.fromkeys(v for v, _ in block.outs))


def contents(reduced: Reduced) -> Iterator[Part | Way]:
    """What is placed in rows: the parts that are left, and the ways between them that are no lines."""
    for start, ends in reduced.after.items():
        if start >= 0 and (ends or reduced.before[start]):
            yield reduced.parts[start]
        for way in ends.values():
            for one in way.ways if isinstance(way, Branches) else [way]:
                if not isinstance(one, Line):
                    yield one


def ways_to_end(reduced: Reduced, made: Container[Value]) -> Iterator[list[Value]]:
    """The values that leave, by the ways on which they do; ``made``: what the contents give."""
    for ends in reduced.after.values():
        way = ends.get(END)
        for one in [] if way is None else way.ways if isinstance(way, Branches) else [way]:
            if isinstance(one, Line):
                yield one.values
            else:
                parts = getattr(one, "parts", [])
                yield [value for value in parts[-1].outs if value in made] if parts else []


def _rank(items: Sequence[_Item], maker: dict[Value, _Item]) -> None:
    after: dict[_Item, list[_Item]] = {}
    missing: dict[_Item, int] = {}
    for item in items:
        before = dict.fromkeys(maker[value] for value in item.ins if value in maker)
        missing[item] = len(before)
        for one in before:
            after.setdefault(one, []).append(item)
    ready = [item for item in items if not missing[item]]
    order = []
    while ready:
        item = ready.pop()
        order.append(item)
        for one in after.get(item, ()):
            one.row = max(one.row, item.row + 1)
            missing[one] -= 1
            if not missing[one]:
                ready.append(one)
    for item in order:
        if not item.ins and after.get(item):
            item.row = min(one.row for one in after[item]) - 1


def _lanes(items: Sequence[_Item], maker: dict[Value, _Item], leaving: dict[Value, None], rows: int) -> list[_Item]:
    last: dict[Value, int] = dict.fromkeys(leaving, rows)
    for item in items:
        for value in item.ins:
            last[value] = max(last.get(value, 0), item.row)
    found = []
    for value, end in last.items():
        start = maker[value].row if value in maker else -1
        if end > start + 1:
            lane = _Item(None, [value], [value])
            lane.row, lane.last = start + 1, end - 1
            found.append(lane)
    return found


def _columns(table: Sequence[Sequence[_Item]], starting: dict[int, list[_Item]], maker: dict[Value, _Item]) -> None:
    """Places from left to right: below what feeds it, as near as there is room in all rows that an item takes."""
    taken: list[list[tuple[float, float]]] = [[] for _ in table]
    at: dict[Value, tuple[int, float]] = {}
    for row, items in enumerate(table):
        for item in items:
            item.last = row
        wanting = [(_wanted(item, at), number, item) for number, item in enumerate([*items, *starting.get(row, ())])]
        blocks = sorted(one for one in wanting if one[2].block is not None)
        total = sum(item.left + item.right for _, _, item in blocks)
        if row == 0 and blocks:
            x = -total / 2
            blocks = [(x + total * number / len(blocks), number, one[2]) for number, one in enumerate(blocks)]
        passing = [(x + _reach(table, item), n, item) for x, n, item in wanting if item.block is None]
        for wanted, _, item in [*blocks, *sorted(passing)]:
            item.x = _free(taken[item.row : item.last + 1], wanted, item.left, item.right)
            for line in taken[item.row : item.last + 1]:
                insort(line, (item.x - item.left, item.x + item.right))
        for _, _, item in wanting:
            if item.block is not None:
                at.update((value, (row, x)) for value, x in item.tops())


def _reach(table: Sequence[Sequence[_Item]], lane: _Item) -> float:
    """How far to the right a lane is out of the way of the blocks that it passes, if these stand below its start."""
    passed = table[lane.row : min(lane.last + 1, lane.row + MANY)]
    return max((item.right for row in passed for item in row), default=0) + LANE


def _wanted(item: _Item, at: dict[Value, tuple[int, float]]) -> float:
    """Below what is nearest above it, so that a chain that takes earlier values again and again stays upright."""
    last = max((at[value][0] for value in item.ins if value in at), default=0)
    xs = [at[value][1] for value in item.ins if value in at and at[value][0] == last]
    return sum(xs) / len(xs) if xs else 0.0


def _free(rows: Sequence[Sequence[tuple[float, float]]], wanted: float, left: float, right: float) -> float:
    """The place nearest to the one that is wanted at which nothing is in any of the rows; through many rows, one at
    the right of all that is there.
    """
    if len(rows) > MANY:
        return max([wanted, *(row[-1][1] + left for row in rows if row)])
    edge, best = float("-inf"), float("inf")
    for low, high in [*sorted(one for row in rows for one in row), (float("inf"), 0.0)]:
        if low - edge >= left + right:
            place = min(max(wanted, edge + left), low - right)
            best = min(best, place, key=lambda x: abs(x - wanted))
        edge = max(edge, high)
    return best


def _stacked(table: Sequence[Sequence[_Item]], leaving: dict[Value, None]) -> Block:
    block = Block()
    tops: list[Port] = []
    for row, items in enumerate(table):
        bottoms = [one for item in items for one in _bottoms(item, tops)]
        if row:
            between = channel(tops, bottoms)
            block.add(0, block.height, between)
            block.height += between.height
        else:
            block.ins = [(value, x) for value, x, _ in bottoms]
            block.tips = [tip for _, _, tip in bottoms]
        height = max((item.block.height for item in items if item.block), default=0)
        tops = []
        for item in items:
            tops += item.tops()
            if item.block is not None:
                block.add(item.x, block.height, item.block)
            short = block.height + (item.block.height if item.block else 0)
            if short < block.height + height:
                block.marks += [Wire(((x, short), (x, block.height + height)), value=v) for v, x in item.tops()]
        block.cover([x for _, x in tops])
        block.height += height
    block.outs = [(value, x) for value, x in tops if value in leaving]
    return block


def _bottoms(item: _Item, tops: Sequence[Port]) -> list[tuple[Value, float, bool]]:
    if item.block is None:
        return [(item.ins[0], item.x, False)]
    seen = [(value, x - item.x) for value, x in tops]
    return [(value, x + item.x, tip) for value, x, tip in met(seen, item.block)]
