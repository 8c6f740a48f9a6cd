"""A static memory plan: an offset for every buffer, so that buffers live at the same time never overlap."""

from __future__ import annotations

from bisect import bisect_left, insort

from archdsl.analyses.memory import Buffer, Schedule
from archdsl.dim_faults import needs_sizes
from archdsl.graph import Value
from archdsl.record import Record


class Arena(Record):
    """The bytes a static allocator needs, and where each buffer lies."""

    size: int
    offsets: dict[Value, int]
    """First value of a buffer -> its offset."""


def arena(plan: Schedule, align: int = 1) -> Arena:
    """The smaller of two best-fit plans: in the order of the schedule, and by size, largest first.

    A buffer takes the smallest gap it fits in, among the buffers that live at the same time, or the arena grows.
    ``align``: offsets are multiples of it. Never below the peak. The first plan takes n log n steps for n buffers; the
    second is left out where the lifetimes are so long that it would take many more.
    """
    if any(not isinstance(b.size, int) for b in plan.buffers):
        raise needs_sizes("a memory plan", (b.size for b in plan.buffers))
    found = _in_order(plan, align)
    if sum(b.end - b.start + 1 for b in plan.buffers) <= LIFETIMES * len(plan.buffers):
        found = min(found, _by_size(plan, align), key=lambda a: a.size)
    return found


LIFETIMES = 64
"""The mean lifetime of a buffer, in steps, up to which both plans are tried."""


def _in_order(plan: Schedule, align: int) -> Arena:
    ending: dict[int, list[Buffer]] = {}
    for buffer in plan.buffers:
        ending.setdefault(buffer.end + 1, []).append(buffer)
    space = _Space()
    offsets: dict[Value, int] = {}
    step = 0
    for buffer in sorted(plan.buffers, key=lambda b: b.start):
        while step <= buffer.start:
            for gone in ending.get(step, ()):
                space.free(offsets[gone.values[0]], _padded(gone, align))
            step += 1
        offsets[buffer.values[0]] = space.take(_padded(buffer, align))
    return Arena(space.size, offsets)


def _by_size(plan: Schedule, align: int) -> Arena:
    """Pisarchyk and Lee, Efficient memory management for deep neural net inference (arXiv:2001.03288), algorithm 3."""
    last = max((b.end for b in plan.buffers), default=0)
    placed: list[list[tuple[int, int]]] = [[] for _ in range(last + 1)]  # by step: (offset, end) of what lives then
    offsets: dict[Value, int] = {}
    size = 0
    for buffer in sorted(plan.buffers, key=lambda b: (-_padded(b, align), b.start)):
        steps = placed[buffer.start : buffer.end + 1]
        taken = sorted(set().union(*steps))
        room = _padded(buffer, align)
        at = _smallest_gap(taken, room)
        offsets[buffer.values[0]] = at
        size = max(size, at + room)
        for spans in steps:
            spans.append((at, at + room))
    return Arena(size, offsets)


def _smallest_gap(taken: list[tuple[int, int]], room: int) -> int:
    best: tuple[int, int] | None = None
    top = 0
    for start, end in taken:
        if start - top >= room and (best is None or start - top < best[0]):
            best = (start - top, top)
        top = max(top, end)
    return best[1] if best else top


def _padded(buffer: Buffer, align: int) -> int:
    assert isinstance(buffer.size, int)
    return -(-buffer.size // align) * align


class _Space:
    """Gaps by size and by place; neighbours are merged when one is freed."""

    def __init__(self) -> None:
        self.size = 0
        self.sizes: list[tuple[int, int]] = []  # (size, offset), sorted
        self.starts: dict[int, int] = {}  # offset -> size
        self.ends: dict[int, int] = {}  # end -> offset

    def take(self, size: int) -> int:
        if not size:
            return 0
        at = bisect_left(self.sizes, (size, 0))
        if at < len(self.sizes):
            room, offset = self.sizes[at]
            self._remove(offset)
            if room > size:
                self._add(offset + size, room - size)
            return offset
        offset = self.ends.get(self.size, self.size)  # a gap at the end grows with the arena
        if offset < self.size:
            self._remove(offset)
        self.size = offset + size
        return offset

    def free(self, offset: int, size: int) -> None:
        if not size:
            return
        before = self.ends.get(offset)
        if before is not None:
            size += offset - before
            offset = before
            self._remove(before)
        after = self.starts.get(offset + size)
        if after is not None:
            self._remove(offset + size)
            size += after
        self._add(offset, size)

    def _add(self, offset: int, size: int) -> None:
        insort(self.sizes, (size, offset))
        self.starts[offset] = size
        self.ends[offset + size] = offset

    def _remove(self, offset: int) -> None:
        size = self.starts.pop(offset)
        del self.ends[offset + size]
        del self.sizes[bisect_left(self.sizes, (size, offset))]
