"""The lines between two rows: each value that does not go straight down has a level stretch at a height of its own."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.graph import Value
from archdsl.picture.marks import Block, Port, Wire

STRAIGHT = 20
"""The height where all lines go straight down."""
BEFORE, STEP, AFTER = 9, 7, 13
"""Above the first level stretch, between two, and below the last, where the tips are."""
SLOT = 11
"""Between two lines that meet one edge."""


class _Net:
    __slots__ = ("above", "bottoms", "high", "low", "tops", "track", "value")

    def __init__(self, value: Value) -> None:
        self.value = value
        self.tops: list[float] = []
        self.bottoms: list[tuple[float, bool]] = []
        self.above: list[_Net] = []
        self.track = 0
        self.low = self.high = 0.0

    @property
    def bent(self) -> bool:
        return self.high - self.low > 0.01

    def meets(self, others: Sequence[tuple[float, float]]) -> bool:
        return any(low < self.high + 4 and self.low < high + 4 for low, high in others)


def channel(tops: Sequence[Port], bottoms: Sequence[tuple[Value, float, bool]]) -> Block:
    """The lines from the ports above to those below; the third of a port below: whether it ends in a tip."""
    nets: dict[Value, _Net] = {}
    for value, x in tops:
        nets.setdefault(value, _Net(value)).tops.append(x)
    for value, x, tip in bottoms:
        nets.setdefault(value, _Net(value)).bottoms.append((x, tip))
    found = [net for net in nets.values() if net.tops and net.bottoms]
    for net in found:
        xs = [*net.tops, *(x for x, _ in net.bottoms)]
        net.low, net.high = min(xs), max(xs)
    bent = [net for net in found if net.bent]
    tracks = _tracks(bent, found)
    block = Block(height=BEFORE + STEP * (tracks - 1) + AFTER if tracks else STRAIGHT)
    for net in found:
        _draw(net, block)
        block.cover([net.low, net.high])
    return block


def _tracks(bent: Sequence[_Net], nets: Sequence[_Net]) -> int:
    """Give the level stretches their heights, so that no two lie on one another; how many heights there are."""
    tops = {round(x, 1): net for net in nets for x in net.tops}
    for net in bent:
        net.above = [one for x, _ in net.bottoms if (one := tops.get(round(x, 1))) not in (None, net) and one.bent]
    taken: list[list[tuple[float, float]]] = []
    for net in _ordered(bent):
        net.track = max((one.track + 1 for one in net.above), default=0)
        while net.track < len(taken) and net.meets(taken[net.track]):
            net.track += 1
        while net.track >= len(taken):
            taken.append([])
        taken[net.track].append((net.low, net.high))
    return len(taken)


def _ordered(bent: Sequence[_Net]) -> list[_Net]:
    """Each behind those that have to be above it; where these go round in a circle, one is taken out of turn."""
    found: dict[_Net, None] = {}
    for first in sorted(bent, key=lambda net: (net.high - net.low, net.low)):
        stack = [(first, iter(first.above))]
        busy = {first}
        while stack:
            net, rest = stack[-1]
            following = next((one for one in rest if one not in found and one not in busy), None)
            if following is None:
                found[net] = None
                stack.pop()
            else:
                busy.add(following)
                stack.append((following, iter(following.above)))
    return list(found)


def _draw(net: _Net, block: Block) -> None:
    y = BEFORE + STEP * net.track
    if not net.bent:
        tip = any(tip for _, tip in net.bottoms)
        block.marks.append(Wire(((net.low, 0), (net.low, block.height)), arrow=tip, value=net.value))
        return
    start = net.tops[0]
    for x, tip in net.bottoms:
        bend = ((start, y), (x, y)) if abs(x - start) > 0.01 else ()
        points = ((start, 0), *bend, (x, block.height))
        block.marks.append(Wire(points, arrow=tip, value=net.value))
    for x in net.tops[1:]:
        block.marks.append(Wire(((x, 0), (x, y), (start, y)), value=net.value))


def entries(block: Block) -> list[tuple[Value, float, bool]]:
    """Where lines end at the upper edge of a block, and whether in a tip."""
    return [(value, x, tip) for (value, x), tip in zip(block.ins, block.tips or [True] * len(block.ins))]


def met(tops: Sequence[Port], block: Block) -> list[tuple[Value, float, bool]]:
    """Where lines from above meet a block: a box takes them in their order, what comes straight down in the middle."""
    if not block.box:
        return entries(block)
    at: dict[Value, float] = {}
    for value, x in tops:
        at.setdefault(value, x)
    known = sorted((at.get(value, 0.0), number, value) for number, (value, _) in enumerate(block.ins))
    places = slots([x for x, _, _ in known], min(block.left, block.right) - 6)
    return [(value, place, True) for place, (_, _, value) in zip(places, known)]


def slots(xs: Sequence[float], half: float) -> list[float]:
    """Places between ``-half`` and ``half`` for lines from ``xs``, which are in order; one from 0 stays there."""
    middle = next((number for number, x in enumerate(xs) if abs(x) < 0.01), None)
    centre = (len(xs) - 1) / 2 if middle is None else middle
    most = max(centre, len(xs) - 1 - centre)
    step = min(SLOT, half / most) if most else SLOT
    return [(number - centre) * step for number in range(len(xs))]
