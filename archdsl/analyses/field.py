"""What the positions of one axis see of an axis of the input, and how that goes through windows and joins.

Position ``y`` of an axis sees input positions from a first to a last one. Behind interpolation that is not the same
everywhere: behind ``resize(scale = 2)`` a window of two positions sees one position of the input at every other place,
and two in between. It repeats with a *period*, though, and so a field is what one period's positions see (``spans``),
and how far that moves from one period to the next. All are integers, and composing them is exact.

Where that would take too much, or two paths with different jumps are joined, a field has bounds only: no position sees
anything before ``low + jump * y`` or behind ``high + jump * y``. Its size is called an upper bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor, gcd, lcm

from archdsl.dims import Dim
from archdsl.ops.look import AxisWindow
from archdsl.record import Record

Position = int | Fraction
Span = tuple[int, int]
"""The first and the last position."""

PERIOD = 512
"""Positions of one period; a field with a longer one has bounds only."""
TAPS = 65_536
"""Positions that are looked at for one window, before it is bounds only."""
MAX_BITS = 1024
"""A field of more positions than this many bits can count is the whole axis."""


class Field(Record):
    """What one axis of a value sees of the input axis ``axis``, in input positions; not clipped to the input."""

    axis: int
    jump: Position
    """The effective stride: how far apart the fields of neighbouring positions are, on average."""
    low: Position
    high: Position
    spans: tuple[Span | None, ...] = ()
    """What the positions of one period see (``None``: nothing); empty where bounds are all that is known."""
    drift: tuple[object, ...] = ()
    """What moves all positions by an amount that depends on symbols without values."""

    @property
    def exact(self) -> bool:
        """Whether :attr:`size` is the size, and not an upper bound."""
        return bool(self.spans)

    @property
    def size(self) -> int:
        """Input positions from the first to the last that a position sees, both counted; of the one that sees most."""
        if not self.spans:
            return floor(self.high - self.low) + 1
        return max((span[1] - span[0] + 1 for span in self.spans if span is not None), default=0)

    @property
    def offset(self) -> Position:
        """The centre of what position 0 sees; where that differs between positions, the middle of all, taken to 0."""
        return _plain(Fraction(self.low + self.high) / 2)


class AtMost(Record):
    """The size of a field of which an upper bound is known; ``None``: no position sees more than the whole axis."""

    value: int | None

    def __str__(self) -> str:
        return "at most all" if self.value is None else f"at most {self.value:,}"


def point(axis: int) -> Field:
    """Every position sees itself."""
    return Field(axis, 1, 0, 0, ((0, 0),))


def nothing(axis: int) -> Field:
    """No position sees anything."""
    return Field(axis, 0, 0, 0, (None,))


def slide(field: Field, window: AxisWindow) -> Field | None:
    """The field behind a window of numbers; ``None``: so large that it is the whole axis."""
    extent, stride, shift = window.extent, window.stride, window.shift
    if not extent and not shift and stride == 1 and not window.phases and window.drift is None:
        return field
    assert isinstance(extent, int | Fraction)
    drift = field.drift
    if window.drift is not None:
        drift = (*drift, (field.jump, window.drift))
    if not isinstance(shift, int | Fraction):
        drift, shift = (*drift, (field.jump, shift)), 0
    found = _at_once(field, window, shift) or (_exactly(field, window, shift) if field.spans else None)
    if found is None:
        ends = [field.jump * (shift - Fraction(extent) / 2), field.jump * (shift + Fraction(extent) / 2)]
        low, high = field.low + min(ends), field.high + max(ends)
        found = Field(field.axis, _plain(field.jump * stride), _plain(low), _plain(high))
    numbers = (found.jump, found.low, found.high)
    if any(n.numerator.bit_length() + n.denominator.bit_length() > MAX_BITS for n in numbers):
        return None
    return found.replace(drift=drift) if drift else found


def _at_once(field: Field, window: AxisWindow, shift: Dim | Fraction) -> Field | None:
    """Where all positions see the same, and the window is the same everywhere; ``None`` elsewhere."""
    stride, jump = window.stride, field.jump
    if len(field.spans) != 1 or not isinstance(stride, int) or not isinstance(jump, int) or jump < 0 or window.phases:
        return None
    span = field.spans[0]
    first, last = window_ends(window, shift, 0)
    if span is None or last < first:
        return None
    low, high = span[0] + jump * first, span[1] + jump * last
    return Field(field.axis, jump * stride, low, high, ((low, high),))


def _exactly(field: Field, window: AxisWindow, shift: Dim | Fraction) -> Field | None:
    """The spans behind a window; ``None``: its period or its work is too large."""
    turn = len(window.phases) or Fraction(window.stride).denominator  # positions after which the window is the same
    ahead = int(window.stride * turn)
    period = len(field.spans)
    length = turn * (period // gcd(period, ahead))
    if length > PERIOD:
        return None
    seen = [window_ends(window, shift, y) for y in range(length)]
    different = period // gcd(period, window.spacing)
    taps = [min((last - first) // window.spacing + 1, different) for first, last in seen]
    if sum(max(count, 0) for count in taps) > TAPS:
        return None
    spans = tuple([_over(field, *ends, window.spacing, count) for ends, count in zip(seen, taps)])
    return _made(field.axis, field.jump * window.stride, spans)


def window_ends(window: AxisWindow, shift: Dim | Fraction, y: int) -> Span:
    """The first and last position that a window at ``y`` looks at; the last before the first where there is none."""
    if window.phases:
        turns, phase = divmod(y, len(window.phases))
        seen, moved = window.phases[phase], int(turns * len(window.phases) * window.stride)
        return (0, -window.spacing) if seen is None else (seen[0] + moved, seen[1] + moved)
    assert isinstance(window.extent, int | Fraction) and isinstance(shift, int | Fraction)
    centre, reach = window.stride * y + shift, Fraction(window.extent) / 2
    return -floor(reach - centre), floor(centre + reach)


def _over(field: Field, first: int, last: int, spacing: int, count: int) -> Span | None:
    """What the positions ``first``, ``first + spacing``, … ``last`` see together.

    Positions a period apart see the same, moved: the ``count`` first ones have the least, the last ones the greatest.
    """
    period, step = len(field.spans), int(field.jump * len(field.spans))
    least: int | None = None
    greatest: int | None = None
    for number in range(count):
        for at, low in ((first + number * spacing, step >= 0), (last - number * spacing, step < 0)):
            turns, phase = divmod(at, period)
            span = field.spans[phase]
            if span is None:
                continue
            begin, end = span[0] + turns * step, span[1] + turns * step
            if low:
                least = begin if least is None else min(least, begin)
            else:
                greatest = end if greatest is None else max(greatest, end)
    return None if least is None or greatest is None else (least, greatest)


def _made(axis: int, jump: Position, spans: tuple[Span | None, ...]) -> Field:
    some = [(y, span) for y, span in enumerate(spans) if span is not None]
    low = min((span[0] - jump * y for y, span in some), default=0)
    high = max((span[1] - jump * y for y, span in some), default=0)
    return Field(axis, _plain(jump), _plain(low), _plain(high), spans)


def hull(fields: Sequence[Field], positions: object) -> Field | None:
    """The smallest field around several of one axis and drift; ``None``: it depends on the number of positions."""
    first = fields[0]
    same = all(f.jump == first.jump for f in fields)
    period = lcm(*(len(f.spans) for f in fields))  # 0 where one has bounds only
    if same and 0 < period <= PERIOD:
        spans = tuple([_around([f.spans[y % len(f.spans)] for f in fields], fields, y) for y in range(period)])
        return _made(first.axis, first.jump, spans).replace(drift=first.drift)
    steps = [0]
    if not same:  # the distance grows from one end to the other: these bounds hold at both, and so in between
        if not isinstance(positions, int):
            return None
        steps.append(positions - 1)
    low = min(f.low + (f.jump - first.jump) * y for f in fields for y in steps)
    high = max(f.high + (f.jump - first.jump) * y for f in fields for y in steps)
    return Field(first.axis, first.jump, _plain(low), _plain(high), drift=first.drift)


def _around(spans: Sequence[Span | None], fields: Sequence[Field], y: int) -> Span | None:
    moved = [int(y // len(f.spans) * len(f.spans) * f.jump) for f in fields]
    some = [(span[0] + by, span[1] + by) for span, by in zip(spans, moved) if span is not None]
    return (min(low for low, _ in some), max(high for _, high in some)) if some else None


def aligned(fields: Sequence[Field]) -> bool:
    """Whether all have one jump, and one centre or (causal convolutions) one right edge."""
    first = fields[0]
    return all(f.jump == first.jump for f in fields) and (
        all(f.offset == first.offset for f in fields) or all(f.high == first.high for f in fields)
    )


def _plain(number: Position) -> Position:
    return int(number) if isinstance(number, Fraction) and number.denominator == 1 else number
