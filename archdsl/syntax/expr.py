"""The syntax tree, first half: expressions, types and shapes. To be used through :mod:`archdsl.syntax.spec`."""

from __future__ import annotations

from typing import ClassVar

from archdsl.record import Record
from archdsl.source import Span


class Syntax(Record):
    """Base of all syntax."""

    _uncompared: ClassVar[frozenset[str]] = frozenset({"span"})
    span: Span


# Expressions


class Expr(Syntax):
    """Anything that has a value."""


class Statement(Syntax):
    """One statement of a body."""


class Body(Syntax):
    """``{ … }``. With a :class:`~archdsl.syntax.spec.Branch` in it (loops and ``if`` included) it lists branches."""

    statements: tuple[Statement, ...]


class Number(Expr):
    """``64``, ``0.5``, ``3.5M``, ``5 MiB``. ``value`` is an ``int`` wherever the literal is integral (``3.5M``)
    and has neither point nor exponent without a suffix; ``1.0`` is a float.
    """

    value: int | float
    text: str


class String(Expr):
    """``"layer{i + 1}"``: literal text and embedded expressions in turn; plain strings have one ``str`` part."""

    parts: tuple[str | Expr, ...]


class Boolean(Expr):
    """``true`` or ``false``."""

    value: bool


class Name(Expr):
    """A name in scope, or a bare choice (``same``)."""

    id: str


class In(Expr):
    """``in``: the input of the nearest enclosing block."""


class ListExpr(Expr):
    """``[1, 2, 3]``."""

    items: tuple[Expr, ...]


class TupleExpr(Expr):
    """``(x, y)``; ``(x)`` is not a tuple."""

    items: tuple[Expr, ...]


class Clause(Syntax):
    """``for targets in iterable if condition``; a target is a name or ``_``."""

    targets: tuple[str, ...]
    iterable: Expr
    condition: Expr | None = None


class Comprehension(Expr):
    """``[element for … for …]``; a clause sees the names of those in front of it, and the last one runs fastest."""

    element: Expr
    clauses: tuple[Clause, ...]


class TableExpr(Expr):
    """``table { header row, then rows }``. Cells are Number, String, Boolean, ListExpr, Name or Call."""

    header: tuple[str, ...]
    rows: tuple[tuple[Expr, ...], ...]


class Attribute(Expr):
    """``value.name``."""

    value: Expr
    name: str


class Index(Expr):
    """``value[index]``; ``index`` may be a :class:`Slice`."""

    value: Expr
    index: Expr


class Slice(Expr):
    """``start:stop:step`` inside an index."""

    start: Expr | None
    stop: Expr | None
    step: Expr | None = None


class Argument(Syntax):
    """One argument of a call; ``name`` is ``None`` for a positional one."""

    name: str | None
    value: Expr


class Call(Expr):
    """``callee(arguments)``."""

    callee: Expr
    arguments: tuple[Argument, ...]


class WithBody(Expr):
    """``head { … }``: the body fills the last parameter of ``head`` (a Name, Attribute or Call)."""

    head: Expr
    body: Body


class BlockExpr(Expr):
    """``{ … }`` as a value; a body of branches is a list of blocks."""

    body: Body


class Unary(Expr):
    """``-x``, ``+x`` or ``not x``; ``op`` is that text."""

    op: str
    operand: Expr


class Binary(Expr):
    """``left op right`` for ``+ - * / // % ** @ and or``."""

    op: str
    left: Expr
    right: Expr


class Compare(Expr):
    """``first op expr op expr …`` with ``== != < <= > >=``; chains mean what they do in Python."""

    first: Expr
    rest: tuple[tuple[str, Expr], ...]


class Conditional(Expr):
    """``value if condition else otherwise``."""

    value: Expr
    condition: Expr
    otherwise: Expr


class Pipeline(Expr):
    """``a -> b -> c``, flattened; at least two stages."""

    stages: tuple[Expr, ...]


class Frozen(Expr):
    """``frozen b``: the weights of ``b`` are not trained."""

    value: Expr


class Own(Expr):
    """``own b``: inside ``share``, made again at each application."""

    value: Expr


# Shapes and types


class Wildcard(Expr):
    """``_`` in a shape annotation: any dimension."""


class Ellipsis(Expr):
    """``…`` or ``...`` in a shape annotation: any number of dimensions."""


class SizedDim(Expr):
    """``H = 224``, ``T = 128 <= 512``, ``T <= 512``: a dimension, the size at which costs are reported, and bounds."""

    dim: Expr
    size: Expr | None
    limits: tuple[tuple[str, Expr], ...] = ()


class TensorTypeExpr(Syntax):
    """``f32[N, 3, H = 224, 224]``."""

    dtype: str
    dims: tuple[Expr, ...]


class ShapePattern(Syntax):
    """``[N, _, …]`` after ``::``."""

    dims: tuple[Expr, ...]
