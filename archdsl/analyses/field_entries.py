"""What the axes of a value see of those of an input: one entry for each axis."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archdsl import dims
from archdsl.analyses.field import AtMost, Field, slide
from archdsl.dims import Expr
from archdsl.graph import Node
from archdsl.ops.look import AxisWindow, OneWindow, Repeated, Unsettled, Window
from archdsl.record import Record


class Open(Record):
    """A field that depends on a symbol without a value, since the operator ``node``."""

    axis: int
    symbol: str
    node: Node

    def __str__(self) -> str:
        return f"depends on {self.symbol}"


class Mixed(Record):
    """An axis that holds axes of the input, merged, taken apart or in another order; its positions see at most all.

    ``complete``: it holds all of their positions. ``positions``: it holds nothing else, no channels.
    """

    axes: frozenset[int]
    complete: bool = False
    positions: bool = False


class Everything(Record):
    """The positions of an axis of the input, each of which sees all of them in its own way, as in attention and
    behind a ``scan`` with states.
    """

    axis: int


Entry = Field | Open | Mixed | Everything | None
Entries = tuple[Entry, ...]
"""One for each axis of a value; ``None``: the axis is none of a map."""
Seen = Field | Open | Mixed | None
"""What a value sees of an axis of the input. ``None``: everything, :class:`Mixed`: at most everything."""


def looking(window: Window, axis: int) -> list[AxisWindow | Repeated | Unsettled]:
    """The windows that look at an axis."""
    return [one for one in window if one is not None and one.axis == axis]


def rearranges(node: Node) -> bool:
    """Whether a node puts elements in another place, and computes nothing."""
    return node.op.moves_data or node.op.role == "view"


def axes_of(entry: Entry) -> frozenset[int]:
    """The axes of the input of which an axis holds positions."""
    if entry is None:
        return frozenset()
    return entry.axes if isinstance(entry, Mixed) else frozenset((entry.axis,))


def complete_axes(entry: Entry) -> frozenset[int]:
    """The axes of the input of which an axis holds all positions."""
    return frozenset() if isinstance(entry, Mixed) and not entry.complete else axes_of(entry)


def unlike(some: Sequence[Entry], node: Node) -> Entry:
    """What ways see together that are not all fields of one axis, side by side; ``None``: they are."""
    axes = frozenset().union(*map(axes_of, some))
    mixed = [entry for entry in some if isinstance(entry, Mixed)]
    if mixed or len(axes) > 1:
        complete = len(mixed) == len(some) and all(entry.complete for entry in mixed)
        return Mixed(axes, complete, all(entry.positions for entry in mixed))
    if any(isinstance(entry, Everything) for entry in some):
        return Everything(min(axes))
    unknown = [entry for entry in some if isinstance(entry, Open)]
    drifts = [entry.drift for entry in some if isinstance(entry, Field)]
    if unknown:
        return unknown[0]
    if any(drift != drifts[0] for drift in drifts):
        return Open(min(axes), symbol_of(tuple(drifts)), node)
    return None


def symbol_of(size: object) -> str:
    """The first symbol that a size, or what a drift consists of, depends on."""
    if isinstance(size, Expr):
        return min(dims.symbols(size))
    parts = [symbol_of(part) for part in size] if isinstance(size, tuple) else []
    return next(filter(None, parts), "")


def sizes(seen: Iterable[Seen]) -> tuple[int | AtMost | Open | None, ...]:
    """What is seen as a number of positions on each axis; ``None``: the whole axis."""
    return tuple(map(size, seen))


def size(seen: Seen) -> int | AtMost | Open | None:
    """The positions that a field has."""
    if isinstance(seen, Mixed):
        return AtMost(None)
    if isinstance(seen, Field):
        return seen.size if seen.exact else AtMost(seen.size)
    return seen


Whole = tuple[Entry, bool]
"""What a node sees of a whole axis, and whether it sums up along it."""


def through(entries: Entries, window: OneWindow, node: Node) -> Entry:
    """One axis of a value through a window. What is the same for all positions is no way along a map."""
    if window is None or isinstance(window, Repeated):
        return None
    entry = entries[window.axis]
    if isinstance(entry, Mixed):
        moved = isinstance(window, Unsettled) or window != AxisWindow(window.axis, whole=window.whole)
        return entry.replace(complete=False) if moved else entry
    if not isinstance(entry, Field):
        return entry
    size = window.size if isinstance(window, Unsettled) else window.extent
    if isinstance(window, Unsettled) or isinstance(size, Expr):
        return Open(entry.axis, symbol_of(size), node)
    return slide(entry, window)


def seen_whole(entries: Entries, window: Window, node: Node) -> Iterable[Whole]:
    """The entries of a value of which a node sees the whole axis, and whether it sums up along it."""
    for axis, entry in enumerate(entries):
        if entry is None:
            continue
        looks = looking(window, axis)
        if not looks and not rearranges(node):
            yield entry, True
        elif any(isinstance(one, AxisWindow) and one.whole for one in looks):
            yield entry, False


def weighed(whole: Iterable[Whole], found: list[Entry]) -> list[Entry]:
    """Positions for which a product of several inputs sums up all positions of the same axis see everything."""
    summed: set[int] = set()
    for entry, is_summed in whole:
        summed |= complete_axes(entry) if is_summed else frozenset()
    return [
        Everything(entry.axis) if isinstance(entry, Field | Open) and entry.axis in summed else entry for entry in found
    ]
