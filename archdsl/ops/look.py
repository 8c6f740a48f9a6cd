"""How the positions of a result look at positions of an input, axis by axis: what receptive fields follow from."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

from archdsl.dims import Dim
from archdsl.record import Record
from archdsl.shapes import TensorType


class AxisWindow(Record):
    """How one output axis looks at the input axis ``axis``: output position ``y`` sees, in input positions,
    a span of ``extent + 1`` around ``stride * y + shift`` (the centre). A convolution with kernel k, stride s,
    dilation d and leading padding p has extent (k - 1) d, stride s and shift (k - 1) d / 2 - p.

    It sees the whole positions in that span, from the first on every ``spacing``-th (the dilation). Where that is not
    so, ``phases`` says what the positions of one period see, first and last (``None``: nothing): position
    ``q * len(phases) + r`` sees ``phases[r]`` moved by ``q * len(phases) * stride``.
    """

    axis: int
    extent: Dim | Fraction = 0
    stride: Fraction | int = 1
    shift: Dim | Fraction = 0
    spacing: int = 1
    phases: tuple[tuple[int, int] | None, ...] = ()
    drift: object = None
    """What the shift depends on besides, where that is a symbol and no polynomial says how; equal ones are equal."""
    whole: bool = False
    """Whether a figure of the whole axis enters as well, as a norm's mean does: the same for all positions."""


MAX_PHASES = 512
"""Longer periods are not listed: the span that holds for all positions is an upper bound then."""


class Repeated(Record):
    """The one position of the input axis ``axis``, for every position of an output axis."""

    axis: int


class Unsettled(Record):
    """How the output axis looks at the input axis ``axis`` depends on ``size``, which has symbols without values."""

    axis: int
    size: Dim


OneWindow = AxisWindow | Repeated | Unsettled | None
Window = tuple["OneWindow", ...]
"""One entry per output axis; ``None``: that axis depends on the whole input (or stems from no single axis)."""


@cache
def same(axis: int) -> AxisWindow:
    """Every output position sees its own position of this axis of the input."""
    return AxisWindow(axis)


@cache
def pass_through(rank: int) -> Window:
    """Every output position sees exactly its own input position."""
    return tuple([same(axis) for axis in range(rank)])


def broadcast(window: OneWindow, axis: int, type: TensorType, out: TensorType) -> OneWindow:
    """A window of one of several inputs."""
    if not isinstance(window, AxisWindow):
        return window
    if window.axis != axis:
        return window if window.axis < type.rank else None
    found = repeated(axis - out.rank + type.rank, type, out.shape[axis])
    if not isinstance(found, AxisWindow) or found.axis == window.axis:
        return window if isinstance(found, AxisWindow) else found
    return window.replace(axis=found.axis)


def repeated(axis: int, type: TensorType, size: Dim) -> AxisWindow | Repeated | None:
    """How an axis of ``size`` looks at an axis of an input of a broadcast, which has no axis below 0."""
    if axis < 0:
        return None
    return Repeated(axis) if type.shape[axis] == 1 and size != 1 else same(axis)
