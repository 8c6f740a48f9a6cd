"""Receptive fields: which positions of an input a value depends on along maps, composed forward over the graph.

Through a window with kernel k, dilation d, stride s and leading padding p, a field of a size around a centre
``offset + jump * y`` becomes ``size += (k - 1) d jump``, ``offset += ((k - 1) d / 2 - p) jump``, ``jump *= s`` (Araujo
et al., Distill 2019). At a join it is the hull over the paths.

Maps are what has positions. A path on which something sees the whole axis and is the same for all positions then (a
gate, a norm's mean) does not count as long as there is another one: the field is that of the other, and that everything
is seen as well is kept apart (``whole``). Attention is no such path: it weighs all positions for each one by itself
(:class:`Everything`). Linear in the graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from archdsl import dims
from archdsl.analyses.at_binding import Bound
from archdsl.analyses.depth import ancestors
from archdsl.analyses.field import AtMost, Field, aligned, hull, nothing, point, slide
from archdsl.dims import Expr
from archdsl.graph import Node, Value
from archdsl.ops.linear import MatMul
from archdsl.ops.look import AxisWindow, OneWindow, Repeated, Unsettled, Window, pass_through
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
    """The positions of an axis of the input, each of which sees all of them in its own way, as in attention."""

    axis: int


Entry = Field | Open | Mixed | Everything | None
Entries = tuple[Entry, ...]
"""One for each axis of a value; ``None``: the axis is none of a map."""
Seen = Field | Open | Mixed | None
"""What a value sees of an axis of the input. ``None``: everything, :class:`Mixed`: at most everything."""


class Misaligned(Record):
    """A join of paths whose fields differ in jump, and in both centre and right edge: the hull covers them all."""

    node: Node
    axis: int
    fields: tuple[Field, ...]


class ReceptiveFields(Record):
    """The fields of all values that depend on the input, in positions of ``source``, along its ``axes``."""

    source: Value
    axes: tuple[int, ...]
    """The spatial axes of the input: those behind batch and channels; of [N, T, F] that of time."""
    entries: Mapping[Value, Entries]
    whole: Mapping[Value, Mapping[int, Node]]
    """For each axis of which everything is seen on the way to a value: the first operator that does."""
    misaligned: tuple[Misaligned, ...]
    first_whole: Node | None
    """The first operator that sees the whole input, on all axes; ``None`` where there is none."""

    def __contains__(self, value: Value) -> bool:
        return value in self.entries

    def at(self, value: Value) -> tuple[Seen, ...]:
        """What a value sees on each of the axes."""
        found = self.entries.get(value)
        if found is None:
            return tuple(nothing(axis) for axis in self.axes)
        known: dict[int, Seen] = {entry.axis: entry for entry in found if isinstance(entry, Field | Open)}
        known |= {entry.axis: None for entry in found if isinstance(entry, Everything)}
        whole = self.whole[value]
        lost = {axis: None if axis in whole else Mixed(frozenset((axis,))) for axis in self.axes}
        return tuple(known.get(axis, lost[axis]) for axis in self.axes)

    def is_map(self, value: Value) -> bool:
        """Whether a value has positions for those of each axis of the input."""
        held: set[int] = set()
        for entry in self.entries.get(value, ()):
            if not isinstance(entry, Mixed) or entry.positions:
                held |= _axes(entry)
        return held.issuperset(self.axes)

    def last_map(self, end: Value, nodes: Iterable[Node]) -> Value:
        """``end``, or else the last map among the values of ``nodes`` that it is computed from; at least the input."""
        if self.is_map(end):
            return end
        needed = ancestors(end)
        maps = [v for node in nodes if node in needed for v in node.outputs if v in self.entries and self.is_map(v)]
        return maps[-1] if maps else self.source


def receptive_fields(bound: Bound, nodes: Sequence[Node] | None = None, source: Value | None = None) -> ReceptiveFields:
    """The receptive fields over the graph, or over some of its ``nodes``, of ``source`` (the first input).

    Where ``nodes`` are given without a source, it is the first value that enters them from outside.
    """
    nodes = nodes if nodes is not None else bound.graph.nodes
    source = source if source is not None else _entering(bound, nodes)
    rank = bound.type(source).rank
    axes = tuple(range(2, rank)) if rank > 2 else (rank - 1,) if rank else ()
    if rank == 3:
        summed = _Walk(bound, nodes, source, (1, 2)).run().summed
        axes = (1,) if summed == {2} else (2,)
    return _Walk(bound, nodes, source, axes).run().result()


class _Walk:
    def __init__(self, bound: Bound, nodes: Sequence[Node], source: Value, axes: tuple[int, ...]) -> None:
        self.bound = bound
        self.nodes = nodes
        self.source = source
        self.axes = axes
        self.plain = pass_through(bound.type(source).rank)
        rank = bound.type(source).rank
        self.entries: dict[Value, Entries] = {source: tuple(point(a) if a in axes else None for a in range(rank))}
        self.whole: dict[Value, dict[int, Node]] = {source: {}}
        self.misaligned: list[Misaligned] = []
        self.first: Node | None = None
        self.summed: set[int] = set()
        """The axes along which the first layer or product sums up: channels, or the features of [N, T, F]."""
        self.step = {node: step for step, node in enumerate(nodes)}

    def run(self) -> _Walk:
        for node in self.nodes:
            ways = {value: i for i, value in enumerate(node.inputs) if value in self.entries}
            if ways:
                for result, value in enumerate(node.outputs):
                    self._through(node, ways, result, value)
        return self

    def result(self) -> ReceptiveFields:
        return ReceptiveFields(
            self.source, self.axes, self.entries, self.whole, tuple(dict.fromkeys(self.misaligned)), self.first
        )

    def _through(self, node: Node, ways: Mapping[Value, int], result: int, value: Value) -> None:
        windows = {v: self.bound.window(node, i, result) for v, i in ways.items()}
        if len(node.inputs) == 1 and windows[node.inputs[0]] == self.plain:
            self.entries[value], self.whole[value] = self.entries[node.inputs[0]], self.whole[node.inputs[0]]
            return
        found: list[Entry] = []
        for axis in range(self.bound.type(value).rank):
            entries = [_through(self.entries[v], window[axis], node) for v, window in windows.items()]
            found.append(self._joined(node, axis, entries, value))
        if len(node.inputs) > 1:
            found = self._weighed(node, windows, found)
        whole = self._wholes(node, windows)
        self._keep_lost(node, windows, found)
        self.entries[value], self.whole[value] = tuple(found), whole
        if self.first is None and self.axes and whole.keys() >= set(self.axes):
            self.first = node

    def _joined(self, node: Node, axis: int, entries: Sequence[Entry], value: Value) -> Entry:
        """What several ways together see; those without positions do not count."""
        some = list(dict.fromkeys([entry for entry in entries if entry is not None]))
        if len(some) < 2:
            return some[0] if some else None
        unlike = _unlike(some, node)
        if unlike is not None:
            return unlike
        fields = [entry for entry in some if isinstance(entry, Field)]
        if not aligned(fields):
            self.misaligned.append(Misaligned(node, axis, tuple(fields)))
        size = self.bound.type(value).shape[axis]
        return hull(fields, size) or Open(fields[0].axis, _symbol(size), node)

    def _weighed(self, node: Node, windows: Mapping[Value, Window], found: list[Entry]) -> list[Entry]:
        """Positions for which a product of several inputs sums up all positions of the same axis see everything."""
        summed: set[int] = set()
        for value, window in windows.items():
            for entry, is_summed in _seen_whole(self.entries[value], window, node):
                summed |= _complete(entry) if is_summed else frozenset()
        return [
            Everything(entry.axis) if isinstance(entry, Field | Open) and entry.axis in summed else entry
            for entry in found
        ]

    def _wholes(self, node: Node, windows: Mapping[Value, Window]) -> dict[int, Node]:
        """The axes of the input of which everything is seen: already before, or here."""
        before = [self.whole[value] for value in windows]
        found = before[0] if len(before) == 1 else self._earliest(before)
        here: set[int] = set()
        for value, window in windows.items():
            for entry, is_summed in _seen_whole(self.entries[value], window, node):
                axes = _complete(entry)
                here |= axes
                if is_summed and (node.op.role == "layer" or isinstance(node.op, MatMul)) and not self.summed:
                    self.summed |= _axes(entry)
        new = {axis: node for axis in sorted(here) if axis not in found}
        return {**found, **new} if new else found

    def _earliest(self, before: Sequence[dict[int, Node]]) -> dict[int, Node]:
        found: dict[int, Node] = {}
        for known in before:
            for axis, node in known.items():
                if axis not in found or self.step[node] < self.step[found[axis]]:
                    found[axis] = node
        return found

    def _keep_lost(self, node: Node, windows: Mapping[Value, Window], found: list[Entry]) -> None:
        """Axes that are merged or put in order anew lie on the axes of the result that follow none of the input."""
        if not _rearranges(node):
            return
        for value, window in windows.items():
            lost = [entry for i, entry in enumerate(self.entries[value]) if entry and not _looking(window, i)]
            free = behind = [axis for axis, one in enumerate(window) if one is None]
            if node.op.role == "view" and not free:  # an axis of size 1 is gone: its one position is behind all others
                free = [axis for axis, entry in enumerate(found) if axis and entry is None][-1:]
            if not lost or not free:
                continue
            axes = frozenset().union(*map(_axes, lost))
            complete = len(free) == 1 and node.op.role in ("view", "join") and all(map(_complete, lost))
            positions = bool(behind) and self._positions_only(value, window)
            for axis in free:
                found[axis] = Mixed(axes, complete, positions)

    def _positions_only(self, value: Value, window: Window) -> bool:
        """Whether what is merged or taken apart are axes of positions, and no channels."""
        moved = [entry for i, entry in enumerate(self.entries[value]) if not _looking(window, i)]
        return all(entry is not None and (not isinstance(entry, Mixed) or entry.positions) for entry in moved)


def _entering(bound: Bound, nodes: Sequence[Node]) -> Value:
    made = {value for node in nodes for value in node.outputs}
    for node in nodes:
        for value in node.inputs:
            if value not in made:
                return value
    return bound.graph.inputs[0]


def _through(entries: Entries, window: OneWindow, node: Node) -> Entry:
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
        return Open(entry.axis, _symbol(size), node)
    return slide(entry, window)


def _seen_whole(entries: Entries, window: Window, node: Node) -> Iterable[tuple[Entry, bool]]:
    """The entries of a value of which a node sees the whole axis, and whether it sums up along it."""
    for axis, entry in enumerate(entries):
        if entry is None:
            continue
        looks = _looking(window, axis)
        if not looks and not _rearranges(node):
            yield entry, True
        elif any(isinstance(one, AxisWindow) and one.whole for one in looks):
            yield entry, False


def _looking(window: Window, axis: int) -> list[AxisWindow | Repeated | Unsettled]:
    """The windows that look at an axis."""
    return [one for one in window if one is not None and one.axis == axis]


def _rearranges(node: Node) -> bool:
    return node.op.moves_data or node.op.role == "view"


def _axes(entry: Entry) -> frozenset[int]:
    if entry is None:
        return frozenset()
    return entry.axes if isinstance(entry, Mixed) else frozenset((entry.axis,))


def _complete(entry: Entry) -> frozenset[int]:
    """The axes of the input of which an axis holds all positions."""
    return frozenset() if isinstance(entry, Mixed) and not entry.complete else _axes(entry)


def _unlike(some: Sequence[Entry], node: Node) -> Entry:
    """What ways see together that are not all fields of one axis, side by side; ``None``: they are."""
    axes = frozenset().union(*map(_axes, some))
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
        return Open(min(axes), _symbol(tuple(drifts)), node)
    return None


def _symbol(size: object) -> str:
    """The first symbol that a size, or what a drift consists of, depends on."""
    if isinstance(size, Expr):
        return min(dims.symbols(size))
    parts = [_symbol(part) for part in size] if isinstance(size, tuple) else []
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
