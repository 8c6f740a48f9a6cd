"""What every position of a map sees of the input, first and last position on each axis, at the borders of all maps on
the way as well: behind padding there is nothing to see.

:mod:`archdsl.analyses.receptive_field` says what a field is where no border is near, in a few numbers; here each
position of each map has its own, for the picture of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from archdsl.analyses.at_binding import Bound
from archdsl.analyses.cost import CostTable
from archdsl.analyses.field import Field, Span, window_ends
from archdsl.analyses.receptive_field import ReceptiveFields
from archdsl.graph import Node, Value
from archdsl.ops.look import AxisWindow

MOST = 2_000_000
"""Positions that are looked at in all; maps behind that many have no picture."""

Spans = tuple[Span | None, ...]
"""For each position of an axis what it sees of an axis of the input; ``None``: nothing."""
Axes = dict[int, tuple[int, Spans]]
"""For each axis of a value that holds positions: the axis of the input, and what they see of it."""


class Sight:
    """Walks over a graph once. What is the same for all positions (a norm's mean, a gate) is no way along a map."""

    def __init__(self, bound: Bound, fields: ReceptiveFields) -> None:
        self.bound, self.fields = bound, fields
        self.left = MOST
        self._known: dict[tuple[int, AxisWindow, int], tuple[Spans, Spans]] = {}
        self._ends: dict[tuple[AxisWindow, int], list[Span]] = {}
        shape = bound.type(fields.source).shape
        sizes = {axis: size for axis in fields.axes if isinstance(size := shape[axis], int)}
        self.seen: dict[Value, Axes] = {
            fields.source: {axis: (axis, tuple([(at, at) for at in range(size)])) for axis, size in sizes.items()}
        }
        for node in bound.nodes:
            if self.left > 0:
                self._node(node)

    def _node(self, node: Node) -> None:
        ways = [(value, number) for number, value in enumerate(node.inputs) if self.seen.get(value)]
        if not ways or node.body is not None:
            return
        for result, value in enumerate(node.outputs):
            entries = self.fields.entries.get(value, ())
            windows = [(self.seen[start], self.bound.window(node, number, result)) for start, number in ways]
            found: Axes = {}
            for axis, (entry, size) in enumerate(zip(entries, self.bound.type(value).shape)):
                if not isinstance(entry, Field) or entry.drift:
                    continue
                several = [self._through(axes, window[axis], size) for axes, window in windows]
                some = [one for one in several if one is not None and one[0] == entry.axis]
                if some:
                    found[axis] = (entry.axis, _together([spans for _, spans in some]))
            if found:
                self.seen[value] = found

    def _through(self, axes: Axes, window: Any, size: object) -> tuple[int, Spans] | None:
        if not isinstance(window, AxisWindow) or window.axis not in axes or not isinstance(size, int):
            return None
        numbers = isinstance(window.extent, int | Fraction) and isinstance(window.shift, int | Fraction)
        if window.drift is not None or not numbers:
            return None
        source, spans = axes[window.axis]
        if window == AxisWindow(window.axis, whole=window.whole) and size == len(spans):
            return source, spans
        key = (id(spans), window, size)
        if key not in self._known:
            if (window, size) not in self._ends:
                self._ends[window, size] = [window_ends(window, window.shift, at) for at in range(size)]
            ends = self._ends[window, size]
            self._known[key] = spans, tuple([self._position(spans, window.spacing, *one) for one in ends])
        return source, self._known[key][1]

    def _position(self, spans: Spans, spacing: int, first: int, last: int) -> Span | None:
        if first < 0:
            first += -(first // spacing) * spacing
        taps = [span for span in spans[first : max(last + 1, 0) : spacing] if span is not None]
        self.left -= len(taps) + 1
        return (min(low for low, _ in taps), max(high for _, high in taps)) if taps else None


def _together(several: Sequence[Spans]) -> Spans:
    if all(one is several[0] for one in several):
        return several[0]
    pairs = [[span for span in spans if span is not None] for spans in zip(*several)]
    return tuple([(min(a for a, _ in some), max(b for _, b in some)) if some else None for some in pairs])


def runs(spans: Spans) -> list[list[int | None]]:
    """Spans in brief: ``[positions, first, last, step of the first, step of the last]``, one run after another."""
    found: list[list[int | None]] = []
    at = 0
    while at < len(spans):
        begin, count, step = spans[at], 1, (0, 0)
        following = spans[at + 1] if at + 1 < len(spans) else None
        if begin is None:
            while at + count < len(spans) and spans[at + count] is None:
                count += 1
            found.append([count, None, None, 0, 0])
        else:
            if following is not None:
                step = (following[0] - begin[0], following[1] - begin[1])
            while at + count < len(spans) and spans[at + count] == (
                begin[0] + count * step[0],
                begin[1] + count * step[1],
            ):
                count += 1
            found.append([count, *begin, *step])
        at += count
    return found


class Fields:
    """Collects what rows see, each once."""

    def __init__(self, table: CostTable) -> None:
        fields = table.measures.fields
        self.table = table
        self.axes = fields.axes
        self.source = table.graph.inputs.index(fields.source) if fields.source in table.graph.inputs else None
        self.sight = Sight(table.measures.bound, fields) if self.source is not None else None
        self.spans: list[list[list[int | None]]] = []
        self.maps: list[list[list[int]]] = []
        self._spans: dict[Spans, int] = {}
        self._maps: dict[str, int] = {}

    def of(self, value: Value) -> int | None:
        """The number of a map, ``[[its axis, axis of the input, number of its spans], …]``."""
        found = self.sight.seen.get(value) if self.sight is not None else None
        if not found:
            return None
        told = [[axis, source, self._number(spans)] for axis, (source, spans) in found.items()]
        number = self._maps.setdefault(repr(told), len(self.maps))
        if number == len(self.maps):
            self.maps.append(told)
        return number

    def record(self) -> Mapping[str, Any] | None:
        """``None``: no row sees a map."""
        if not self.maps:
            return None
        return {"input": self.source, "axes": list(self.axes), "maps": self.maps, "spans": self.spans}

    def _number(self, spans: Spans) -> int:
        number = self._spans.setdefault(spans, len(self.spans))
        if number == len(self.spans):
            self.spans.append(runs(spans))
        return number
