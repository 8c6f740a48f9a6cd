"""How parameters begin, as a spec says it: a distribution, a scheme, or numbers."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar

from archdsl.diagnostics import Refusal
from archdsl.ops.base import Initializer, fan
from archdsl.ops.kinds import Choice, Kind, refuse
from archdsl.shapes import Shape, show_shape

SCHEMES = ("kaiming", "kaiming_normal", "xavier", "xavier_normal", "lecun", "lecun_normal")
"""Uniform, or normal, with a variance that follows from the numbers of inputs and outputs of one unit."""
MOST = 1_000_000
"""Elements of a weight that numbers are repeated for."""
BITS = 1000
"""Bits of an integer that some element type might hold."""
_NUMBERS = frozenset({bool, int, float})
_LARGE = 1 << BITS - 1


def outline(values: Any) -> tuple[int, ...]:
    """The shape of nested tuples of equal lengths; ``()`` for one number."""
    found: list[int] = []
    while isinstance(values, tuple):
        found.append(len(values))
        if not values:
            break
        values = values[0]
    return tuple(found)


def elements(values: Any) -> tuple[Any, ...]:
    """The numbers in nested tuples, in row-major order."""
    flat = values if isinstance(values, tuple) else (values,)
    while flat and isinstance(flat[0], tuple):
        flat = tuple(value for row in flat for value in row)
    return flat


class Array(Kind):
    """Numbers in nested lists of equal lengths (or one number)."""

    @property
    def text(self) -> str:
        return "number | [number] | [[number]] …"

    def check(self, value: Any, what: str) -> Any:
        if isinstance(value, tuple | list):
            if value and _NUMBERS.issuperset(map(type, value)) and min(value) > -_LARGE and max(value) < _LARGE:
                return tuple(value)
            rows = tuple(self.check(v, what) for v in value)
            if len({outline(row) for row in rows}) > 1:
                raise Refusal("E0205", f"the nested lists of {what} have different lengths")
            return rows
        if not isinstance(value, int | float):
            raise refuse(what, "numbers", value)
        if isinstance(value, int) and value.bit_length() > BITS:
            raise Refusal("E0205", f"{what} contains a number that is too large for any element type")
        return value


class Start(Kind):
    """How a parameter begins: a drawn distribution, a scheme, or numbers."""

    takes_values: ClassVar[bool] = True
    choices: ClassVar[tuple[str, ...]] = ("fan", "zeros", "ones", *SCHEMES)

    @property
    def text(self) -> str:
        return "normal(mean, deviation) | uniform(low, high) | fan | zeros | ones | number | [number] …"

    def check(self, value: Any, what: str) -> Any:
        if isinstance(value, Initializer):
            return value
        return Choice(self.choices).check(value, what) if isinstance(value, str) else Array().check(value, what)


class WeightStart(Start):
    """How the weight of a layer begins: given by name alone."""

    by_name: ClassVar[bool] = True


def fan_of(size: tuple[int, ...]) -> Initializer:
    """The scale of a weight [out, in, …]."""
    if len(size) < 2:
        return Initializer("fan")
    taps = prod(size[2:])
    return fan(size[1] * taps, size[0] * taps)


def started(init: Any, shape: Shape, scaled: Initializer) -> Initializer:
    """How a parameter of ``shape`` begins; ``scaled`` is its ``fan``. Numbers are repeated along leading axes."""
    if isinstance(init, Initializer):
        return init
    if isinstance(init, tuple):
        return _repeated(init, shape)
    if not isinstance(init, str):
        return Initializer("constant", (float(init),))
    if init in SCHEMES:
        kind, centre, spread = scaled.distribution(init)
        return (
            Initializer("normal", (0.0, spread))
            if kind == "normal"
            else Initializer("uniform", (centre - spread, centre + spread))
        )
    return scaled if init == "fan" else Initializer(init)


def _repeated(init: Any, shape: Shape) -> Initializer:
    own = outline(init)
    if own != shape[len(shape) - len(own) :]:
        shapes = f"{show_shape(own)} for a parameter of {show_shape(shape)}"
        raise Refusal("E0303", f"`init` is {shapes}", help="give one number, or one for each element of the last axes")
    sizes = [size for size in shape if isinstance(size, int)]
    if prod(sizes) > MOST:
        raise Refusal(
            "E0205", f"`init` has numbers for {show_shape(own)}, and {show_shape(shape)} are too many to repeat"
        )
    times = prod(sizes[: len(sizes) - len(own)])
    return Initializer("data", tuple(float(v) for v in elements(init)) * times)
