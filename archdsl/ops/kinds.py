"""Kinds of arguments: each checks and normalises one value, and describes the values that it accepts."""

from __future__ import annotations

from typing import Any, ClassVar

from archdsl.diagnostics import Refusal, did_you_mean
from archdsl.dim_faults import depends
from archdsl.dim_order import at_least
from archdsl.dims import BoundSize, Expr
from archdsl.element_types import ELEMENT_TYPES
from archdsl.record import Record
from archdsl.shapes import AXES, TensorType


def describe(value: object) -> str:
    """A description of a value for messages."""
    if value is None:
        return "`none`"
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f'the string "{value}"'
    if isinstance(value, Expr):
        return f"the dimension {value}"
    if isinstance(value, tuple | list):
        return "a list"
    return getattr(value, "kind_name", "") or f"a {type(value).__name__}"


def refuse(what: str, wanted: str, value: object, help: str = "") -> Refusal:
    """The refusal of a value of the wrong kind."""
    return Refusal("E0204", f"{what} must be {wanted}, not {describe(value)}", help=help)


class Kind(Record):
    """Base of all kinds. ``choices`` are bare names that the argument reads as themselves."""

    choices: ClassVar[tuple[str, ...]] = ()
    body: ClassVar[str] = ""
    """The form of a trailing body, if the argument may be given as one: ``{ … }``."""
    takes_tensors: ClassVar[bool] = False
    by_name: ClassVar[bool] = False
    """Whether it is given by name alone."""
    takes_values: ClassVar[bool] = False
    """Whether values that only the language has, such as blocks, are arguments of this kind."""

    @property
    def text(self) -> str:
        """The accepted values, for signatures and messages."""
        raise NotImplementedError

    def check(self, value: Any, what: str) -> Any:
        """The normalised value; raises ``Refusal``."""
        raise NotImplementedError


class Integer(Kind):
    """An integer within bounds."""

    min: int | None = None
    max: int | None = None

    @property
    def text(self) -> str:
        return f"int{_range(self.min, self.max)}"

    def check(self, value: Any, what: str) -> int:
        if isinstance(value, float):
            raise refuse(
                what, "an integer", value, "say how to round: `floor(x)`, `round_half_even(x)` or `divisible(x, 8)`"
            )
        if isinstance(value, Expr):
            names = ", ".join(f"`{n}`" for n in sorted(_symbols(value)))
            message = f"{what} must be known while compiling, but {value} depends on {names}"
            raise depends("E0306", message, [value], f"bind {names} in the input declaration, or with `--bind`")
        if not isinstance(value, int) or isinstance(value, bool):
            raise refuse(what, "an integer", value)
        return int(_bounded(value, self.min, self.max, what))


class Number(Kind):
    """A real number within bounds."""

    min: float | None = None
    max: float | None = None

    @property
    def text(self) -> str:
        return f"float{_range(self.min, self.max)}"

    def check(self, value: Any, what: str) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise refuse(what, "a number", value)
        if isinstance(value, int) and value.bit_length() > 1000:
            raise Refusal("E0205", f"{what} is too large for a floating-point number")
        return float(_bounded(value, self.min, self.max, what))


class Boolean(Kind):
    """``true`` or ``false``."""

    @property
    def text(self) -> str:
        return "bool"

    def check(self, value: Any, what: str) -> bool:
        if not isinstance(value, bool):
            raise refuse(what, "`true` or `false`", value)
        return value


class Choice(Kind):
    """One of some names, written bare."""

    names: tuple[str, ...]

    @property
    def choices(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.names

    @property
    def text(self) -> str:
        return " | ".join(self.names)

    def check(self, value: Any, what: str) -> str:
        if value is None and "none" in self.names:
            return "none"
        if not isinstance(value, str) or value not in self.names:
            wanted = "one of " + ", ".join(f"`{n}`" for n in self.names)
            help = (
                did_you_mean(value, self.names)
                if isinstance(value, str)
                else f"write a name, such as `{self.names[-1]}`"
            )
            raise refuse(what, wanted, value, help)
        return value


class PerAxis(Kind):
    """An integer for all spatial axes, or a list with one for each; ``sizes``: or an expression over symbols."""

    min: int | None = None
    sizes: bool = False

    @property
    def text(self) -> str:
        one = "dim" if self.sizes else "int"
        return f"{one}{_range(self.min, None)} | [{one}]"

    def check(self, value: Any, what: str) -> Any:
        one = Dimension(self.min) if self.sizes else Integer(self.min)
        if isinstance(value, tuple | list):
            if not value:
                raise refuse(what, "an integer or a list with one for each spatial axis", value)
            return tuple(one.check(v, f"each entry of {what}") for v in value)
        return one.check(value, what)


class Padding(Kind):
    """``same``, ``valid``, ``same_upper``, ``same_lower``, a number, one per axis, or all begins then all ends."""

    choices: ClassVar[tuple[str, ...]] = ("same", "valid", "same_upper", "same_lower")

    @property
    def text(self) -> str:
        return "same | valid | same_upper | same_lower | int>=0 | [int]"

    def check(self, value: Any, what: str) -> str | int | tuple[int, ...]:
        if isinstance(value, str):
            return Choice(self.choices).check(value, what)
        found: int | tuple[int, ...] = PerAxis(0).check(value, what)
        return found


class Dimension(Kind):
    """A size: an integer or an expression over declared symbols."""

    min: int | None = 0

    @property
    def text(self) -> str:
        return f"dim{_range(self.min, None)}"

    def check(self, value: Any, what: str) -> int | Expr:
        if not isinstance(value, Expr):
            return Integer(self.min).check(value, what)
        if self.min is not None and self.min >= 0 and at_least(value, self.min) is False:
            raise Refusal("E0205", f"{what} must be at least {self.min}, not {value}")
        return value


class ListOf(Kind):
    """A list of one kind."""

    item: Kind

    @property
    def choices(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.item.choices

    @property
    def text(self) -> str:
        return f"[{self.item.text}]"

    def check(self, value: Any, what: str) -> tuple[Any, ...]:
        if not isinstance(value, tuple | list):
            raise refuse(what, "a list", value)
        return tuple(self.item.check(v, f"each entry of {what}") for v in value)


class OneOf(Kind):
    """The first of several kinds that accepts the value."""

    kinds: tuple[Kind, ...]

    @property
    def choices(self) -> tuple[str, ...]:  # type: ignore[override]
        return tuple(name for kind in self.kinds for name in kind.choices)

    @property
    def text(self) -> str:
        return " | ".join(kind.text for kind in self.kinds)

    def check(self, value: Any, what: str) -> Any:
        for kind in self.kinds[:-1]:
            try:
                return kind.check(value, what)
            except Refusal:
                continue
        try:
            return self.kinds[-1].check(value, what)
        except Refusal as refusal:
            if len(self.kinds) == 1 or refusal.code != "E0204":
                raise
            raise refuse(what, self.text, value, refusal.help) from None


class Optional(Kind):
    """A kind that may be left out (``none``)."""

    item: Kind

    @property
    def choices(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.item.choices

    @property
    def text(self) -> str:
        return f"{self.item.text} | none"

    def check(self, value: Any, what: str) -> Any:
        return None if value is None else self.item.check(value, what)


class Axis(Kind):
    """An axis: an integer (negative from the end), a letter (``n c t f h w``) or a declared symbol."""

    choices: ClassVar[tuple[str, ...]] = tuple(AXES)

    @property
    def text(self) -> str:
        return "axis"

    def check(self, value: Any, what: str) -> int | str:
        if isinstance(value, str) and (value in AXES or (value.isidentifier() and value[0].isupper())):
            return value
        if isinstance(value, BoundSize):
            return value.symbol
        if isinstance(value, Expr):
            names = _symbols(value)
            if len(names) == 1 and str(value) in names:
                return str(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise refuse(what, "an axis (an integer, `n`, `c`, `t`, `f`, `h`, `w` or a declared symbol)", value)
        return value


class Operand(Kind):
    """Tensors that are given by name and enter behind the others: one, or up to ``most`` in a tuple.

    The operator itself keeps how many they are, ``None`` where none is given.
    """

    most: int = 1
    takes_tensors: ClassVar[bool] = True
    by_name: ClassVar[bool] = True

    @property
    def text(self) -> str:
        return "tensor | none" if self.most == 1 else f"({', '.join(['tensor'] * self.most)}) | none"

    def check(self, value: Any, what: str) -> int | None:
        if value is not None and (type(value) is not int or not 1 <= value <= self.most):
            raise refuse(what, self.text, value)
        return value


class DType(Kind):
    """An element type, such as ``f32`` or ``i64``."""

    choices: ClassVar[tuple[str, ...]] = tuple(ELEMENT_TYPES)

    @property
    def text(self) -> str:
        return "dtype"

    def check(self, value: Any, what: str) -> str:
        return Choice(self.choices).check(value, what)


class Like(Kind):
    """A tensor of which only the shape is used; it adds no edge to the graph."""

    @property
    def text(self) -> str:
        return "tensor (for its shape)"

    def check(self, value: Any, what: str) -> TensorType:
        if not isinstance(value, TensorType):
            raise refuse(what, "a tensor", value)
        return value


def _symbols(value: Expr) -> frozenset[str]:
    from archdsl.dims import symbols

    return symbols(value)


def _range(low: float | None, high: float | None) -> str:
    return (f">={low:g}" if low is not None else "") + (f"<={high:g}" if high is not None else "")


def _bounded(value: float, low: float | None, high: float | None, what: str) -> float:
    if (low is not None and value < low) or (high is not None and value > high):
        wanted = (
            f"at least {low:g}" if high is None else (f"at most {high:g}" if low is None else f"{low:g} to {high:g}")
        )
        share = (low, high) == (0, 1) and 1 < value <= 100
        help = f"it is a share of 1: {value:g} % is `{value / 100:g}`" if share else ""
        raise Refusal("E0205", f"{what} must be {wanted}, not {value}", help=help)
    if value != value or value in (float("inf"), float("-inf")):
        raise Refusal("E0205", f"{what} must be finite, not {value}")
    return value
