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
from operator import is_
from typing import NamedTuple

from archdsl.analyses.at_binding import Bound
from archdsl.analyses.depth import ancestors
from archdsl.analyses.field import Field, aligned, hull, nothing, point
from archdsl.analyses.field_entries import (
    Entries,
    Entry,
    Everything,
    Mixed,
    Open,
    Seen,
    Whole,
    axes_of,
    complete_axes,
    looking,
    rearranges,
    seen_whole,
    symbol_of,
    through,
    unlike,
    weighed,
)  # fmt: skip
from archdsl.graph import Graph, Node, Value
from archdsl.ops.linear import MatMul
from archdsl.ops.look import Window, pass_through
from archdsl.ops.scan import Scan
from archdsl.record import Record

RUNS = 64
"""Runs of a body that are followed one by one."""


class Misaligned(Record):
    """A join of paths whose fields differ in jump, and in both centre and right edge: the hull covers them all."""

    node: Node
    axis: int
    fields: tuple[Field, ...]


class ReceptiveFields(Record):
    """The fields of all values that depend on the input, in positions of ``source``, along its ``axes``."""

    graph: Graph
    source: Value
    axes: tuple[int, ...]
    """The spatial axes of the input: those behind batch and channels; of [N, T, F] that of time, of [N, T, C, H, W]
    time, h and w."""
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
                held |= axes_of(entry)
        return held.issuperset(self.axes)

    def last_map(self, end: Value, nodes: Iterable[Node]) -> Value:
        """``end``, or else the last map among the values of ``nodes`` that it is computed from; at least the input."""
        if self.is_map(end):
            return end
        needed = ancestors(end, self.graph)
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
    if rank == 3 or rank > 4:  # [N, T, F] and [N, T, C, H, W], or [N, C, T] and [N, C, D, H, W]
        summed = _Walk(bound, nodes, source, tuple(range(1, rank))).run().summed
        axes = tuple(axis for axis in range(1, rank) if axis != (2 if summed == {2} else 1))
    return _Walk(bound, nodes, source, axes).run().result()


class _Looked(NamedTuple):
    entries: Entries
    whole: list[Whole]
    before: list[Entries]
    """What went in: held, so that nothing else is taken for it."""


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
        self.step = bound.steps
        self.looked: dict[object, _Looked] = {}
        """What was found for nodes that are alike: of one operator, with windows and entries that are the same ones."""

    def run(self) -> _Walk:
        inside = {inner for node in self.nodes if node.body is not None for inner in node.body.all_nodes()}
        self._nodes([node for node in self.nodes if node not in inside] if inside else self.nodes)
        return self

    def _nodes(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            ways = {value: i for i, value in enumerate(node.inputs) if value in self.entries}
            if ways and isinstance(node.op, Scan) and node.body is not None:
                self._runs(node, node.op, node.body)
            elif ways:
                for result, value in enumerate(node.outputs):
                    self._through(node, ways, result, value)

    def _runs(self, node: Node, op: Scan, body: Graph) -> None:
        """A body that runs along an axis: with states, a result sees all of that axis. What the states see grows from
        run to run; after :data:`RUNS` it is the whole axis.
        """
        cut = [*[None] * op.states, *op.axes, *[None] * (len(node.inputs) - op.first_captured)]
        for outer, inner, axis in zip(node.inputs, body.inputs, cut):
            if outer in self.entries:
                self._stand_in(inner, _without(self.entries[outer], axis), self.whole[outer])
        results = list(body.outputs.values())
        count = self.bound.op(node).runs(self.bound.types(node.inputs))
        joins = len(self.misaligned)
        for run in range(RUNS):
            del self.misaligned[joins:]
            self._nodes(body.nodes)
            if run + 1 == count or not self._handed_on(node, body.inputs[: op.states], results):
                break
        else:
            self._nodes(body.nodes)
            self._grown(node, body.inputs[: op.states], results)
            self._nodes(body.nodes)
        self._stacked(node, op, results)

    def _stand_in(self, value: Value, entries: Entries, whole: Mapping[int, Node]) -> None:
        self.entries[value], self.whole[value] = entries, dict(whole)

    def _handed_on(self, node: Node, states: Sequence[Value], results: Sequence[Value]) -> bool:
        """Let states see what they are handed as well; whether that is more."""
        grown = False
        for state, after in zip(states, results):
            if after not in self.entries:
                continue
            entries, before = self.entries[after], self.entries.get(state)
            if before is not None:
                pairs = [[entry for entry in pair if entry is not None] for pair in zip(before, entries)]
                entries = tuple([self._joined(node, i, pair, state) for i, pair in enumerate(pairs)])
            grown = grown or entries != before
            self._stand_in(state, entries, self._earliest([self.whole.get(state, {}), self.whole[after]]))
        return grown

    def _grown(self, node: Node, states: Sequence[Value], results: Sequence[Value]) -> None:
        """States that still see more with every run see all of those axes."""
        for state, after in zip(states, results):
            if after in self.entries:
                pairs = list(zip(self.entries[state], self.entries[after]))
                lost = {axis for a, b in pairs if a != b for axis in axes_of(b)}
                seen = [a if a == b else Everything(b.axis) if isinstance(b, Field | Open) else None for a, b in pairs]
                self._stand_in(state, tuple(seen), {**dict.fromkeys(sorted(lost), node), **self.whole[state]})

    def _stacked(self, node: Node, op: Scan, results: Sequence[Value]) -> None:
        """The results of all runs: the axis is there again, seen as a whole where there are states."""
        seen = [self.entries[v][axis] for v, axis in zip(node.inputs[op.states :], op.axes) if v in self.entries]
        axes = frozenset[int]().union(*map(complete_axes, seen)) if op.states else frozenset[int]()
        along: Entry = next((entry for entry in seen if entry is not None), None)
        if op.states and along is not None:
            along = Everything(min(axes)) if len(axes) == 1 else None
        for number, (outer, inner) in enumerate(zip(node.outputs, results)):
            if inner not in self.entries:
                continue
            entries = self.entries[inner]
            if number >= op.states:
                entries = (*entries[: op.axes[0]], along, *entries[op.axes[0] :])
            self._stand_in(outer, entries, {**dict.fromkeys(sorted(axes), node), **self.whole[inner]})

    def result(self) -> ReceptiveFields:
        return ReceptiveFields(
            self.bound.graph,
            self.source,
            self.axes,
            self.entries,
            self.whole,
            tuple(dict.fromkeys(self.misaligned)),
            self.first,
        )

    def _through(self, node: Node, ways: Mapping[Value, int], result: int, value: Value) -> None:
        windows = {v: self.bound.window(node, i, result) for v, i in ways.items()}
        if len(node.inputs) == 1 and windows[node.inputs[0]] == self.plain:
            self.entries[value], self.whole[value] = self.entries[node.inputs[0]], self.whole[node.inputs[0]]
            return
        like = (
            type(node.op), len(node.inputs) > 1, self.bound.type(value),
            *[(id(self.entries[v]), id(window)) for v, window in windows.items()],
        )  # fmt: skip
        looked = self.looked.get(like) or self._looked(node, windows, value, like)
        whole = self._wholes(node, windows, looked.whole)
        self.entries[value], self.whole[value] = looked.entries, whole
        if self.first is None and self.axes and whole.keys() >= set(self.axes):
            self.first = node

    def _looked(self, node: Node, windows: Mapping[Value, Window], value: Value, like: object) -> _Looked:
        """What a value sees; kept for others that are alike, unless it tells of this node."""
        before = [self.entries[v] for v in windows]
        joins = len(self.misaligned)
        found: list[Entry] = []
        for axis in range(self.bound.type(value).rank):
            entries = [through(own, window[axis], node) for own, window in zip(before, windows.values())]
            found.append(self._joined(node, axis, entries, value))
        whole = [pair for v, window in windows.items() for pair in seen_whole(self.entries[v], window, node)]
        if len(node.inputs) > 1:
            found = weighed(whole, found)
        self._keep_lost(node, windows, found)
        made = _Looked(_same_as(before, tuple(found)), whole, before)
        if joins == len(self.misaligned) and not any(isinstance(entry, Open) for entry in found):
            self.looked[like] = made
        return made

    def _joined(self, node: Node, axis: int, entries: Sequence[Entry], value: Value) -> Entry:
        """What several ways together see; those without positions do not count."""
        if len(entries) == 1:
            return entries[0]
        some = list(dict.fromkeys([entry for entry in entries if entry is not None]))
        if len(some) < 2:
            return some[0] if some else None
        several = unlike(some, node)
        if several is not None:
            return several
        fields = [entry for entry in some if isinstance(entry, Field)]
        if not aligned(fields):
            self.misaligned.append(Misaligned(node, axis, tuple(fields)))
        size = self.bound.type(value).shape[axis]
        return hull(fields, size) or Open(fields[0].axis, symbol_of(size), node)

    def _wholes(self, node: Node, windows: Mapping[Value, Window], whole: Iterable[Whole]) -> dict[int, Node]:
        """The axes of the input of which everything is seen: already before, or here."""
        before = [self.whole[value] for value in windows]
        found = before[0] if len(before) == 1 else self._earliest(before)
        here: set[int] = set()
        for entry, is_summed in whole:
            here |= complete_axes(entry)
            if is_summed and (node.op.role == "layer" or isinstance(node.op, MatMul)) and not self.summed:
                self.summed |= axes_of(entry)
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
        if not rearranges(node):
            return
        for value, window in windows.items():
            lost = [entry for i, entry in enumerate(self.entries[value]) if entry and not looking(window, i)]
            free = behind = [axis for axis, one in enumerate(window) if one is None]
            if node.op.role == "view" and not free:  # an axis of size 1 is gone: its one position is behind all others
                free = [axis for axis, entry in enumerate(found) if axis and entry is None][-1:]
            if not lost or not free:
                continue
            axes = frozenset().union(*map(axes_of, lost))
            complete = len(free) == 1 and node.op.role in ("view", "join") and all(map(complete_axes, lost))
            positions = bool(behind) and self._positions_only(value, window)
            for axis in free:
                found[axis] = Mixed(axes, complete, positions)

    def _positions_only(self, value: Value, window: Window) -> bool:
        """Whether what is merged or taken apart are axes of positions, and no channels."""
        moved = [entry for i, entry in enumerate(self.entries[value]) if not looking(window, i)]
        return all(entry is not None and (not isinstance(entry, Mixed) or entry.positions) for entry in moved)


def _same_as(before: Sequence[Entries], found: Entries) -> Entries:
    """``found``, as the object that went in where nothing changed: so more nodes are alike."""
    for entries in before:
        if len(entries) == len(found) and all(map(is_, entries, found)):
            return entries
    return found


def _without(entries: Entries, axis: int | None) -> Entries:
    return entries if axis is None else (*entries[:axis], *entries[axis + 1 :])


def _entering(bound: Bound, nodes: Sequence[Node]) -> Value:
    made = {value for node in nodes for value in node.outputs}
    for node in nodes:
        for value in node.inputs:
            if value not in made:
                return value
    return bound.graph.values()[0]  # of a graph without inputs: what is made first
