"""Expressions, types and shapes as documents for the printer: one method per class of the syntax tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from archdsl.source import Span
from archdsl.syntax import spec
from archdsl.syntax.literals import quoted
from archdsl.syntax.pretty import HARD, LINE, SOFT, Doc, Fill, Line, render
from archdsl.syntax.walk import children

VALUE, CHAIN, STAGE, TEST, CONJUNCTION, NEGATION, COMPARISON, ADDITION, PRODUCT, FACTOR, POWER, POSTFIX, ATOM = range(
    13
)
"""The levels of the grammar, loosest first."""

_BINARY = {"or": TEST, "and": CONJUNCTION, "+": ADDITION, "-": ADDITION, "**": POWER}
_LEVELS: dict[type[spec.Expr], int] = {
    spec.Conditional: VALUE,
    spec.Pipeline: CHAIN,
    spec.WithBody: STAGE,
    spec.BlockExpr: STAGE,
    spec.Frozen: STAGE,
    spec.Own: STAGE,
    spec.Compare: COMPARISON,
    spec.Attribute: POSTFIX,
    spec.Index: POSTFIX,
    spec.Call: POSTFIX,
}


def level(value: spec.Expr) -> int:
    """How loosely an expression holds together."""
    if isinstance(value, spec.Binary):
        return _BINARY.get(value.op, PRODUCT)
    if isinstance(value, spec.Unary):
        return NEGATION if value.op == "not" else FACTOR
    return _LEVELS.get(type(value), ATOM)


class ExpressionFormatter:
    """Builds documents; parentheses are kept where the grammar needs them and where the author put them."""

    def __init__(self) -> None:
        self._methods: dict[type[spec.Syntax], Callable[[Any], Doc]] = {}
        self.inline = False
        """Whether everything has to stand on one line."""

    # What the statements provide

    def body(self, body: spec.Body) -> Doc:
        """A body in braces."""
        raise NotImplementedError

    def comments_before(self, offset: int) -> list[str]:
        """The comments before an offset that are not printed yet."""
        raise NotImplementedError

    def comment_behind(self, offset: int, limit: int) -> str:
        """The comment on the line of the part that ends at ``offset``, if it is before ``limit``; else nothing."""
        raise NotImplementedError

    def table(self, table: spec.TableExpr) -> Doc:
        """A table with its rows aligned."""
        raise NotImplementedError

    # Values

    def value(self, value: spec.Expr, least: int = VALUE) -> Doc:
        """An expression where the grammar needs one that binds at least as tightly as ``least``."""
        kind = type(value)
        method = self._methods.get(kind)
        if method is None:
            method = self._methods[kind] = getattr(self, f"_{kind.__name__.lower()}")
        doc = method(value)
        if level(value) < least or _in_parentheses(value):
            return ["(", doc, ")"]
        return doc

    def flat(self, value: spec.Expr) -> str:
        """An expression on one line, however long."""
        outer, self.inline = self.inline, True
        doc = self.value(value)
        self.inline = outer
        return render(doc, 1_000_000)

    def _number(self, value: spec.Number) -> Doc:
        return value.text

    def named(self, name: str, called: spec.String | None) -> Doc:
        """A name, or the string that stands in its place."""
        return name if called is None else self.value(called)

    def behind(self, value: spec.Expr | None) -> list[Doc]:
        """``with …`` after an input or output."""
        return [] if value is None else [" with ", self.value(value, POSTFIX)]

    def item(self, item: spec.OutputItem) -> list[Doc]:
        """An output, and what it is."""
        index: list[Doc] = [] if item.index is None else ["[", self.value(item.index), "]"]
        value: list[Doc] = [] if item.value is None else [" = ", self.value(item.value)]
        return [self.named(item.name, item.called), *index, *value, *self.behind(item.labels)]

    def _string(self, value: spec.String) -> Doc:
        parts = [quoted(part) if isinstance(part, str) else self._embedded(part) for part in value.parts]
        return '"' + "".join(parts) + '"'

    def _embedded(self, value: spec.Expr) -> str:
        text = self.flat(value)
        return "{ " + text + "}" if text.startswith("{") else "{" + text + "}"

    def _boolean(self, value: spec.Boolean) -> Doc:
        return "true" if value.value else "false"

    def _name(self, value: spec.Name) -> Doc:
        return value.id

    def _in(self, value: spec.In) -> Doc:
        return "in"

    def _wildcard(self, value: spec.Wildcard) -> Doc:
        return "_"

    def _ellipsis(self, value: spec.Ellipsis) -> Doc:
        return "…"

    def _sizeddim(self, value: spec.SizedDim) -> Doc:
        doc: list[Doc] = [self.value(value.dim, ADDITION if value.size is None else 0)]
        if value.size is not None:
            doc += [" = ", self.value(value.size, ADDITION if value.limits else 0)]
        for op, limit in value.limits:
            doc += [f" {op} ", self.value(limit, ADDITION)]
        return doc

    def _listexpr(self, value: spec.ListExpr) -> Doc:
        return self.listed("[", value.items, "]", value.span, self.value)

    def _tupleexpr(self, value: spec.TupleExpr) -> Doc:
        if len(value.items) == 1:
            return ["(", self.value(value.items[0]), ",)"]
        return self.listed("(", value.items, ")", value.span, self.value)

    def _comprehension(self, value: spec.Comprehension) -> Doc:
        pieces: list[tuple[Line, Doc]] = [(SOFT, self.value(value.element))]
        for clause in value.clauses:
            heads: list[Doc] = [f"for {', '.join(clause.targets)} in ", self.value(clause.iterable, TEST)]
            pieces.append((LINE, heads))
            if clause.condition is not None:
                pieces.append((LINE, ["if ", self.value(clause.condition, TEST)]))
        return ["[", Fill(pieces), "]"]

    def _attribute(self, value: spec.Attribute) -> Doc:
        return [self.value(value.value, POSTFIX), ".", value.name]

    def _index(self, value: spec.Index) -> Doc:
        return [self.value(value.value, POSTFIX), self.listed("[", (value.index,), "]", value.span, self.value)]

    def _slice(self, value: spec.Slice) -> Doc:
        start, stop, step = ("" if part is None else self.value(part) for part in (value.start, value.stop, value.step))
        return [start, ":", stop, ":", step] if value.step is not None else [start, ":", stop]

    def _call(self, value: spec.Call) -> Doc:
        return [self.value(value.callee, POSTFIX), self.listed("(", value.arguments, ")", value.span, self.argument)]

    def argument(self, argument: spec.Argument) -> Doc:
        value = self.value(argument.value)
        return value if argument.name is None else [argument.name, " = ", value]

    def _withbody(self, value: spec.WithBody) -> Doc:
        return [self.value(value.head, POSTFIX), " ", self.body(value.body)]

    def _blockexpr(self, value: spec.BlockExpr) -> Doc:
        return self.body(value.body)

    def _frozen(self, value: spec.Frozen) -> Doc:
        return ["frozen ", self.value(value.value, STAGE)]

    def _own(self, value: spec.Own) -> Doc:
        return ["own ", self.value(value.value, STAGE)]

    # Operators

    def _unary(self, value: spec.Unary) -> Doc:
        if value.op == "not":
            return ["not ", self.value(value.operand, NEGATION)]
        return [value.op, self.value(value.operand, FACTOR)]

    def _binary(self, value: spec.Binary) -> Doc:
        if value.op == "**":
            return [self.value(value.left, POSTFIX), " ** ", self.value(value.right, FACTOR)]
        this = level(value)
        operands: list[tuple[str, spec.Expr]] = []
        left: spec.Expr = value
        while isinstance(left, spec.Binary) and level(left) == this and (left is value or not _in_parentheses(left)):
            operands.append((left.op, left.right))
            left = left.left
        chain = [left, *(operand for _, operand in reversed(operands))]
        pieces: list[tuple[Line, Doc]] = []
        line = LINE
        for position, operand in enumerate(chain):
            comments = self.comments_before(operand.span.start) if position else []
            doc: list[Doc] = [_own_lines(comments), self.value(operand, this + (position > 0))]
            pieces.append((HARD if comments else line, doc))
            if position < len(operands):
                behind = self.comment_behind(operand.span.end, chain[position + 1].span.start)
                doc += [f" {operands[-1 - position][0]}", behind]
                line = HARD if behind else LINE
        return filled(pieces)

    def _compare(self, value: spec.Compare) -> Doc:
        doc: list[Doc] = [self.value(value.first, ADDITION)]
        for op, operand in value.rest:
            doc += [f" {op} ", self.value(operand, ADDITION)]
        return doc

    def _conditional(self, value: spec.Conditional) -> Doc:
        head: Doc = [self.value(value.value, CHAIN), " if ", self.value(value.condition, TEST)]
        return [head, Fill([(LINE, ["else ", self.value(value.otherwise)])])]

    def assigned(self, head: str, value: spec.Expr) -> Doc:
        """``head = value``; the line ends after ``=`` only if that helps."""
        first = value.stages[0] if isinstance(value, spec.Pipeline) else value
        if _in_parentheses(value) or _ends_with_body(first) or isinstance(first, spec.TableExpr):
            return [head, " = ", self.top(value)]
        return [
            head,
            " =",
            Fill(self._stages(value, True) if isinstance(value, spec.Pipeline) else [(LINE, self.value(value))]),
        ]

    def _do_state(self, state: spec.State) -> Doc:
        return self.assigned(f"state {state.name}", state.value)

    def _do_next(self, statement: spec.Next) -> Doc:
        last = len(statement.items) - 1
        pieces: list[tuple[Line, Doc]] = [
            (LINE, [f"{item.name} = ", self.value(item.value), "," if i < last else ""])
            for i, item in enumerate(statement.items)
        ]
        return ["next ", filled(pieces)]

    def _pipeline(self, value: spec.Pipeline) -> Doc:
        return filled(self._stages(value))

    def top(self, value: spec.Expr) -> Doc:
        """The value of a statement: a pipeline keeps the lines that the author gave it."""
        if isinstance(value, spec.Pipeline) and not _in_parentheses(value):
            return filled(self._stages(value, True))
        return self.value(value)

    def _stages(self, value: spec.Pipeline, top: bool = False) -> list[tuple[Line, Doc]]:
        pieces: list[tuple[Line, Doc]] = []
        for position, stage in enumerate(value.stages):
            if not position:
                pieces.append((LINE, self.value(stage, STAGE)))
                continue
            before = value.stages[position - 1]
            behind = self.comment_behind(before.span.end, stage.span.start)
            if behind:
                pieces[-1] = (pieces[-1][0], [pieces[-1][1], behind])
            comments = self.comments_before(stage.span.start)
            ends = (
                behind
                or comments
                or (top and not self.inline and not _ends_with_body(before) and _apart(before, stage))
            )
            pieces.append((HARD if ends else LINE, [_own_lines(comments), "-> ", self.value(stage, STAGE)]))
        return pieces

    def _tableexpr(self, value: spec.TableExpr) -> Doc:
        return self.table(value)

    # Sequences and types

    def listed(self, left: str, items: Sequence[Any], right: str, whole: Span, show: Callable[[Any], Doc]) -> Doc:
        """Items with commas between brackets: on one line, or wrapped; a comment ends its line."""
        pieces: list[tuple[Line, Doc]] = []
        line = SOFT
        for position, item in enumerate(items):
            comments = self.comments_before(item.span.start)
            last = position == len(items) - 1
            doc: list[Doc] = [_own_lines(comments), show(item), "" if last else ","]
            behind = self.comment_behind(item.span.end, whole.end if last else items[position + 1].span.start)
            pieces.append((HARD if comments else line, [*doc, behind]))
            line = HARD if behind else LINE
        rest = self.comments_before(whole.end)
        pieces.extend((HARD, comment) for comment in rest)
        return [left, Fill(pieces), HARD if rest or line is HARD else "", right]

    def tensor_type(self, value: spec.TensorTypeExpr) -> Doc:
        return [value.dtype, self.listed("[", value.dims, "]", value.span, self.value)]

    def pattern(self, value: spec.ShapePattern) -> Doc:
        return self.listed("[", value.dims, "]", value.span, self.value)


def filled(pieces: list[tuple[Line, Doc]]) -> Doc:
    """Pieces of which the first stays where it is, and the others go where they fit."""
    (_, first), *rest = pieces
    return [first, Fill(rest)] if rest else first


def _own_lines(comments: list[str]) -> list[Doc]:
    return [part for comment in comments for part in (comment, HARD)]


def _in_parentheses(value: spec.Expr) -> bool:
    """Whether the author put redundant parentheses around a value: they are part of its span."""
    span = value.span
    text = span.source.text
    if isinstance(value, spec.TupleExpr) or text[span.start : span.start + 1] != "(":
        return False
    first = next(children(value), None)
    return first is None or first.span.start > span.start


def _ends_with_body(value: spec.Expr) -> bool:
    while isinstance(value, spec.Frozen | spec.Own):
        value = value.value
    return isinstance(value, spec.WithBody | spec.BlockExpr)


def _apart(left: spec.Expr, right: spec.Expr) -> bool:
    """Whether the author wrote two expressions on different lines."""
    return "\n" in left.span.source.text[left.span.end : right.span.start]
