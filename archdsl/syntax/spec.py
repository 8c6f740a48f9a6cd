"""The syntax tree: one frozen class per construct of ``grammars/arch.lark``.

``span`` takes no part in equality, so that ``parse(format(tree)) == tree``. Number literals keep their text
(``3_504_872``, ``3.5M``, ``5 MiB``): the printer is the formatter.
"""

from __future__ import annotations

from typing import ClassVar

# The other half of the tree, to be had from here as well.
from archdsl.syntax.expr import (
    Argument as Argument,
    Attribute as Attribute,
    Binary as Binary,
    BlockExpr as BlockExpr,
    Body as Body,
    Boolean as Boolean,
    Call as Call,
    Clause as Clause,
    Compare as Compare,
    Comprehension as Comprehension,
    Conditional as Conditional,
    Ellipsis as Ellipsis,
    Expr as Expr,
    Frozen as Frozen,
    In as In,
    Index as Index,
    ListExpr as ListExpr,
    Name as Name,
    Number as Number,
    Own as Own,
    Pipeline as Pipeline,
    ShapePattern as ShapePattern,
    SizedDim as SizedDim,
    Slice as Slice,
    Statement as Statement,
    String as String,
    Syntax as Syntax,
    TableExpr as TableExpr,
    TensorTypeExpr as TensorTypeExpr,
    TupleExpr as TupleExpr,
    Unary as Unary,
    Wildcard as Wildcard,
    WithBody as WithBody,
)

# Statements


class Target(Syntax):
    """``name``, ``name[index]`` or a computed ``"…"`` in front of a colon. Exactly one of the forms."""

    name: str | None = None
    index: Expr | None = None
    template: String | None = None


class Flow(Statement):
    """``label: value :: shape``."""

    value: Expr
    label: Target | None = None
    shape: ShapePattern | None = None


class Branch(Statement):
    """``| label: value :: shape``."""

    value: Expr
    label: Target | None = None
    shape: ShapePattern | None = None


class Let(Statement):
    """``let a, b = value``; a target is a name or ``_``. Also a definition, then documented by ``doc``."""

    targets: tuple[str, ...]
    value: Expr
    doc: str = ""


class Share(Statement):
    """``share name = value``."""

    name: str
    value: Expr


class State(Statement):
    """``state name = value``: what every run of a ``scan`` gets from the one before, and the first one from here."""

    name: str
    value: Expr


class ModelState(Statement):
    """``state name: f32[N, P = 0 >= 0, 64]``: what every call of the model gets from the one before."""

    name: str
    type: TensorTypeExpr


class NextItem(Syntax):
    """``name = value`` behind ``next``."""

    name: str
    value: Expr


class Next(Statement):
    """``next h = value, m = value``: what states are in the next run."""

    items: tuple[NextItem, ...]


class Repeat(Statement):
    """``label: repeat count as index { … } -> then :: shape``."""

    count: Expr
    index: str | None
    body: Body
    label: Target | None = None
    then: tuple[Expr, ...] = ()
    shape: ShapePattern | None = None


class For(Statement):
    """``label: for targets in iterable as index { … } -> then``. ``targets`` is empty for ``for table { … }`` and
    ``for name as k`` over a table: its header's names are bound.
    """

    targets: tuple[str, ...]
    iterable: Expr
    index: str | None
    body: Body
    label: Target | None = None
    then: tuple[Expr, ...] = ()
    shape: ShapePattern | None = None


class If(Statement):
    """``if c { } else if d { } else { } -> then``; ``otherwise`` is ``None`` without an ``else``."""

    arms: tuple[tuple[Expr, Body], ...]
    otherwise: Body | None
    label: Target | None = None
    then: tuple[Expr, ...] = ()
    shape: ShapePattern | None = None


class Assert(Statement):
    """``assert condition, message``."""

    condition: Expr
    message: Expr | None = None


class Input(Statement):
    """``input name: f32[N, 3, 224, 224] with preprocess``; with ``called``, ``input "x.1" as name: …``."""

    name: str
    type: TensorTypeExpr
    preprocess: Expr | None = None
    called: String | None = None


class OutputItem(Syntax):
    """``name``, ``name[index]`` or a string (``called``), what it names (``None``: the flow), and ``with labels``."""

    name: str
    index: Expr | None
    value: Expr | None
    labels: Expr | None = None
    called: String | None = None


class Output(Statement):
    """``output a = x, b = y``; with ``train``, only when compiling for training."""

    items: tuple[OutputItem, ...]
    train: bool = False


class Missing(Statement):
    """A statement, branch or definition that could not be read. ``names`` are the words in it: some of them may have
    been given a meaning there.
    """

    names: frozenset[str]
    branch: bool = False


class With(Statement):
    """``with conv(bias = false), … { … }``: lexically scoped defaults."""

    calls: tuple[Call, ...]
    body: Body


# Claims


class Claim(Syntax):
    """``quantity of part at tap op bound``; ``part`` and ``tap`` are dotted label paths or ``None``."""

    quantity: str
    part: str | None
    tap: str | None
    op: str
    bound: Expr


class ShapeClaim(Syntax):
    """``output logits :: [N, 1000]``; the name may be a string (``called``)."""

    output: str
    shape: ShapePattern
    called: String | None = None


class Expect(Statement):
    """``expect claim``."""

    claim: Claim | ShapeClaim


class Budget(Statement):
    """``budget { claim; claim }``."""

    claims: tuple[Claim, ...]


# Names in checkpoints


class NameRule(Syntax):
    """``"block.{i}" -> "layers.{i + 1}" { rules for the rest }``.

    ``pattern`` embeds bare names only, which it captures. The value of ``stored`` is a string; or it is the call of an
    operator that moves elements only, with a string for the tensor: ``unsqueeze("fc.weight", [2, 3])``.
    """

    pattern: String
    stored: Expr
    rules: tuple[NameRule, ...] = ()


class Weights(Statement):
    """``weights name { rules }``: what the network's parameters are called in the checkpoints of a framework."""

    name: str
    rules: tuple[NameRule, ...]


# Definitions


class Definition(Syntax):
    """A statement at the top of a file. ``doc`` is the text of the ``##`` lines above it, without the marks."""


class ImportedName(Syntax):
    """One name of a ``use``."""

    name: str


class Use(Definition):
    """``use std.cnn (conv_bn)`` (``path`` is ``"std.cnn"``) or ``use "blocks/mine.arch" (x)`` (``from_file``)."""

    path: str
    from_file: bool
    names: tuple[ImportedName, ...]
    doc: str = ""


class LetDefinition(Definition):
    """``let name = value`` at the top of a file; no tensors. With ``parameters`` it is a function of numbers."""

    name: str
    parameters: tuple[Parameter, ...]
    value: Expr
    doc: str = ""


class Parameter(Syntax):
    """``name: kind = default``; ``kind`` is the text after the colon (``int``, ``block``, ``[block]``, ``tensor``)."""

    name: str
    kind: str | None = None
    default: Expr | None = None


class Block(Definition):
    """``block name(parameters) { … } -> then`` or ``block name(parameters) = expression``.

    ``parameters`` is ``()`` with and without parentheses. Exactly one of ``body`` and ``value`` is set.
    ``defaults`` are the calls of a ``with`` in front.
    """

    name: str
    parameters: tuple[Parameter, ...]
    body: Body | None = None
    value: Expr | None = None
    then: tuple[Expr, ...] = ()
    defaults: tuple[Call, ...] = ()
    doc: str = ""


class Network(Definition):
    """``network Name(parameters) { … }``."""

    name: str
    parameters: tuple[Parameter, ...]
    body: Body
    defaults: tuple[Call, ...] = ()
    doc: str = ""


class Variant(Definition):
    """``variant name = Network(arguments) { expect …; budget { … } }``; ``claims`` holds Expect and Budget."""

    name: str
    network: Call
    claims: tuple[Statement, ...] = ()
    doc: str = ""


class Comment(Syntax):
    """``# text`` (with its mark). Comments are not part of equality: only their order and place matter."""

    text: str


class File(Syntax):
    """A whole ``.arch`` file."""

    _uncompared: ClassVar[frozenset[str]] = frozenset({"span", "comments"})
    edition: int
    definitions: tuple[Definition, ...]
    comments: tuple[Comment, ...] = ()
