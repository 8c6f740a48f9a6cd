"""Values of expressions.

Numbers, strings, booleans and ``None`` are Python's, lists are tuples, symbolic sizes are ``dims.Expr``, tensors are
``graph.Value`` and tuples of tensors are tuples of them. The rest is here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from archdsl.dims import Expr
from archdsl.graph import Value
from archdsl.ops.kinds import describe as plain
from archdsl.shapes import show_shape
from archdsl.source import Span, shortened
from archdsl.tape.limits import Bounds
from archdsl.tape.paths import Labelled
from archdsl.tape.poison import POISON, REFUSED, Flow
from archdsl.tape.tape import Place, Tape

_NUMBERS = (int, float, Expr)


class BlockValue:
    """A function from tensors to tensors. ``name`` is what an unlabelled application is called in paths."""

    kind_name = "a block"
    name: str = "block"
    is_scope = False
    """Whether it is one thing with parts of its own, and may take the path of its label as it is."""
    guesses = False
    """Whether ``guess`` says what is certain of its result where it is refused; else nothing is."""

    def guess(self, flow: Flow, tape: Tape) -> Flow:
        """The flow after a refused application, as far as it is certain."""
        return POISON

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        """The result of applying the block to ``flow``, its nodes made at ``place``."""
        raise NotImplementedError


class Table:
    """A table: columns by header name."""

    kind_name = "a table"
    __slots__ = ("header", "rows")

    def __init__(self, header: tuple[str, ...], rows: tuple[tuple[Any, ...], ...]) -> None:
        self.header = header
        self.rows = rows

    def column(self, name: str) -> tuple[Any, ...]:
        """All cells under ``name``."""
        index = self.header.index(name)
        return tuple(row[index] for row in self.rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Table) and (self.header, self.rows) == (other.header, other.rows)

    def __hash__(self) -> int:
        return hash((self.header, self.rows))


class Indexed:
    """``enc[i]:`` collected: results by index."""

    kind_name = "a list of labelled results"
    __slots__ = ("incomplete", "items")

    def __init__(self) -> None:
        self.items: dict[int, Labelled] = {}
        self.incomplete = False
        """A statement that would have set an index was refused: what is missing follows from that."""

    def as_tuple(self) -> tuple[Any, ...] | None:
        """The results as a list; ``None`` where an index below the greatest is missing."""
        if not all(i in self.items for i in range(len(self.items))):
            return None
        return tuple(self.items[i].result for i in range(len(self.items)))


def is_tensor(value: object) -> bool:
    """Whether the value is one tensor."""
    return isinstance(value, Value)


def is_flow(value: object) -> bool:
    """Whether the value is a tensor or a non-empty tuple of tensors."""
    return isinstance(value, Value) or (
        isinstance(value, tuple) and bool(value) and all(isinstance(v, Value) for v in value)
    )


def items(flow: Flow) -> tuple[Value, ...]:
    """The tensors of a flow that is no poison."""
    return flow if isinstance(flow, tuple) else (flow,)  # type: ignore[return-value]


def is_refused(value: object) -> bool:
    """Whether the value is poison, or a block whose call was refused."""
    return value is POISON or (isinstance(value, BlockValue) and value.kind_name == REFUSED)


def describe(value: object) -> str:
    """What a value is, for messages."""
    if isinstance(value, Value):
        return f"a tensor {value.type}"
    if is_flow(value):
        assert isinstance(value, tuple)
        return f"a tuple of {len(value)} tensors"
    return plain(value)


def show_arguments(arguments: Mapping[str, object]) -> str:
    """``c = 64, stride = 2``."""
    return ", ".join(f"{name} = {shortened(show(value), 40)}" for name, value in arguments.items())


def show_settings(names: Iterable[str], values: Mapping[str, object]) -> dict[str, str]:
    """``{"c": "64", "stride": "2"}``: what parameters came to, uncut."""
    return {name: _uncut(values[name]) for name in names if name in values}


def _uncut(value: object) -> str:
    return "[" + ", ".join(map(_uncut, value)) + "]" if isinstance(value, tuple) else show(value)


def show(value: object, nested: bool = True) -> str:
    """A value as a reader would write it, for the chain of block applications; a list within a list is ``[…]``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "none"
    if isinstance(value, _NUMBERS):
        return str(value)
    if isinstance(value, str):
        return value
    if isinstance(value, Value):
        return show_shape(value.type.shape)
    if isinstance(value, BlockValue):
        return value.name
    if isinstance(value, tuple):
        if not nested:
            return "[…]"
        return "[" + ", ".join(show(v, False) for v in value[:8]) + (", …]" if len(value) > 8 else "]")
    return getattr(value, "kind_name", type(value).__name__)


def _collected(value: Indexed, bounds: Bounds) -> Any:
    bounds.step(len(value.items) // 8)
    return POISON if value.incomplete else value.as_tuple()


def as_flow(value: Any, bounds: Bounds) -> Any:
    """Collected labels and nested tuples of tensors as one flat tuple; other values as they are."""
    if type(value) is Value or isinstance(value, BlockValue):
        return value
    if isinstance(value, Indexed):
        value = _collected(value, bounds)
    if isinstance(value, tuple) and value and not isinstance(value[0], int | float | str):
        bounds.step(len(value) // 8)
        flat: list[Any] = []
        for item in value:
            item = _collected(item, bounds) if isinstance(item, Indexed) else item
            flat.extend(item if isinstance(item, tuple) else (item,))
        if any(map(is_refused, flat)):
            return POISON
        if all(isinstance(item, Value) for item in flat):
            return tuple(flat)
    return value
