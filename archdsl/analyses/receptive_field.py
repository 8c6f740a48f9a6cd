"""Receptive fields: which positions of an input a value depends on, composed forward over the graph.

On every axis of a value that follows an axis of the input, position ``y`` depends on ``size`` input positions around
the centre ``offset + jump * y``; the field is not clipped to the input. Through a window with kernel k, dilation d,
stride s and leading padding p: ``size += (k - 1) d jump``, ``offset += ((k - 1) d / 2 - p) jump``, ``jump *= s``
(Araujo et al., Distill 2019). At a join the field is the hull over the paths. Exact rationals; linear in the graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from archdsl.analyses.at_binding import Bound
from archdsl.graph import Node, Value
from archdsl.ops.base import AxisWindow
from archdsl.record import Record
from archdsl.shapes import TensorType

Position = int | Fraction


class Field(Record):
    """What one axis of a value sees of the input axis ``axis``, in input positions."""

    axis: int
    size: Position
    jump: Position
    """The effective stride: how far apart the fields of neighbouring positions are."""
    offset: Position
    """The centre of the field of position 0."""


Fields = tuple["Field | None", ...]
"""One entry per axis of a value; ``None``: the axis does not follow a single axis of the input."""


class Misaligned(Record):
    """A join of paths whose fields differ in jump or centre: the hull covers both, but they are not concentric."""

    node: Node
    axis: int
    fields: tuple[Field, ...]


class ReceptiveFields(Record):
    """The fields of all values that depend on the input, in positions of ``source``."""

    source: Value
    rank: int
    fields: dict[Value, Fields]
    misaligned: tuple[Misaligned, ...]
    before_whole: Value | None
    """The last value before the first operator that sees the whole input; ``None`` where there is none."""

    @property
    def axes(self) -> tuple[int, ...]:
        """The spatial axes of the input: those after batch and channels; the last one of a lower rank."""
        return tuple(range(2, self.rank)) if self.rank > 2 else (self.rank - 1,) if self.rank else ()

    def at(self, value: Value) -> tuple[Field | None, ...]:
        """The field of a value on each spatial axis of the input; ``None``: it sees the whole axis."""
        found = self.fields.get(value)
        if found is None:
            return (None,) * len(self.axes)
        by_axis = {f.axis: f for f in found if f is not None}
        return tuple(by_axis.get(axis) for axis in self.axes)


def receptive_fields(bound: Bound, nodes: Sequence[Node] | None = None, source: Value | None = None) -> ReceptiveFields:
    """The receptive fields over the graph, or over some of its ``nodes``, of ``source`` (the first input).

    Where ``nodes`` are given without a source, it is the first value that enters them from outside.
    """
    walk = _Walk(bound, nodes if nodes is not None else bound.graph.nodes, source)
    return walk.run()


class _Walk:
    def __init__(self, bound: Bound, nodes: Sequence[Node], source: Value | None) -> None:
        self.bound = bound
        self.nodes = nodes
        self.source = source if source is not None else _entering(bound, nodes)
        type = bound.type(self.source)
        self.rank = type.rank
        self.fields: dict[Value, Fields] = {self.source: tuple(Field(a, 1, 1, 0) for a in range(type.rank))}
        self.misaligned: list[Misaligned] = []
        self.before: Value | None = None

    def run(self) -> ReceptiveFields:
        result = ReceptiveFields(self.source, self.rank, self.fields, (), None)
        tracked = set(result.axes)
        for node in self.nodes:
            seen = [value for value in node.inputs if value in self.fields]
            if not seen:
                continue
            fields = self._through(node, seen)
            for value in node.outputs:
                self.fields[value] = fields
            if self.before is None and not tracked <= {f.axis for f in fields if f is not None}:
                self.before = seen[0]
        return result.replace(misaligned=tuple(self.misaligned), before_whole=self.before)

    def _through(self, node: Node, seen: Sequence[Value]) -> Fields:
        window = self.bound.window(node)
        out = self.bound.type(node.outputs[0])
        seen = list(dict.fromkeys(seen))
        if len(node.inputs) == 1:
            fields = self.fields[seen[0]]
            return tuple(None if w is None else _slide(fields[w.axis], w) for w in window)
        return tuple(self._join(node, axis, w, seen, out) for axis, w in enumerate(window))

    def _join(
        self, node: Node, axis: int, window: AxisWindow | None, seen: Sequence[Value], out: TensorType
    ) -> Field | None:
        if window is None:
            return None
        fields: list[Field] = []
        for value in seen:
            at = _aligned(window, axis, self.bound.type(value), out)
            field = _slide(self.fields[value][at], window) if at is not None else None
            if field is None:
                return None
            fields.append(field)
        if all(f == fields[0] for f in fields[1:]):
            return fields[0]
        if any(f.axis != fields[0].axis for f in fields):
            return None
        if any((f.jump, f.offset) != (fields[0].jump, fields[0].offset) for f in fields):
            self.misaligned.append(Misaligned(node, axis, tuple(fields)))
        return _hull(fields, out.shape[axis])


def _entering(bound: Bound, nodes: Sequence[Node]) -> Value:
    made = {value for node in nodes for value in node.outputs}
    for node in nodes:
        for value in node.inputs:
            if value not in made:
                return value
    return bound.graph.inputs[0]


def _aligned(window: AxisWindow, axis: int, type: TensorType, out: TensorType) -> int | None:
    """The axis of one of several inputs that a window looks at; ``None``: that input is constant along it."""
    at = window.axis
    if at == axis:  # elementwise: shapes are aligned at their last axes, and size 1 is repeated
        at -= out.rank - type.rank
        if at < 0 or (type.shape[at] == 1 and out.shape[axis] != 1):
            return None
    return at if at < type.rank else None


MAX_BITS = 1024
"""A field of more positions than this many bits can count is the whole axis."""


def _slide(field: Field | None, window: AxisWindow) -> Field | None:
    if field is None:
        return None
    extent, stride, shift = window.extent, window.stride, window.shift
    if not extent and not shift and stride == 1:
        return field
    if not isinstance(extent, int | Fraction) or not isinstance(shift, int | Fraction):
        return None  # depends on a symbol without a value
    size, jump, offset = field.size + extent * field.jump, field.jump * stride, field.offset + shift * field.jump
    if any(n.numerator.bit_length() + n.denominator.bit_length() > MAX_BITS for n in (size, jump, offset)):
        return None
    return Field(field.axis, _plain(size), _plain(jump), _plain(offset))


def _hull(fields: Sequence[Field], positions: object) -> Field | None:
    """The smallest field around several. Where jumps differ it covers all of them at the first and last position."""
    first = fields[0]
    steps = [0]
    if any(f.jump != first.jump for f in fields):
        if not isinstance(positions, int):
            return None
        steps.append(positions - 1)
    lows, highs = [], []
    for y in steps:
        lows.append(min(f.offset + f.jump * y - Fraction(f.size - 1, 2) for f in fields) - first.jump * y)
        highs.append(max(f.offset + f.jump * y + Fraction(f.size - 1, 2) for f in fields) - first.jump * y)
    low, high = min(lows), max(highs)
    return Field(first.axis, _plain(high - low + 1), first.jump, _plain((high + low) / 2))


def _plain(number: Position) -> Position:
    return int(number) if isinstance(number, Fraction) and number.denominator == 1 else number


def sizes(fields: Iterable[Field | None]) -> tuple[Position | None, ...]:
    """The size of the field on each axis; ``None``: the whole axis."""
    return tuple(None if f is None else f.size for f in fields)
