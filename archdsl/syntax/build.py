"""Reductions to syntax, first half: expressions, types and shapes.

One method per rule of the grammar, called with the offsets of what the rule covers and the children it keeps.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from archdsl.diagnostics import Diagnostic
from archdsl.source import Passage, Source, Span
from archdsl.syntax import spec
from archdsl.syntax.limits import LIMITS, LimitError
from archdsl.syntax.literals import StringError, number_value, string_pieces
from archdsl.syntax.tokens import Token

Children = list[Any]


class ExpressionBuilder:
    """Builds the nodes of one source; what the grammar cannot say is checked here and reported."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.passage = Passage(source)
        """The definition that is being read."""
        self.diagnostics: list[Diagnostic] = []
        self.lost: list[int] = []
        """Offsets of faults that leave the statement around them without a meaning."""
        self.longest = 1
        """The longest chain folded so far: trees are no higher than this times the height of the parser's stack."""
        self._suffixes: dict[int, int] = {}

    def _chain(self, length: int, start: int, end: int) -> None:
        """Take note of a chain of operators or suffixes, which makes a tree that high."""
        self.longest = max(self.longest, length)
        if length > LIMITS.depth:
            help = "name parts of it with `let`, or use `sum`, a list or a loop"
            raise LimitError("E0511", f"this chain has more than {LIMITS.depth} links", self.span(start, end), help)

    def span(self, start: int, end: int) -> Span:
        return Span(self.passage, start, end)

    def report(self, code: str, message: str, span: Span, help: str = "", *, lost: bool = True) -> None:
        """Report a fault; ``lost``: the statement around it has no meaning then."""
        if lost:
            self.lost.append(span.start)
        self.diagnostics.append(Diagnostic(code, message, span, help=help))

    def embedded(self, start: int, end: int) -> spec.Expr | None:
        """Parse the expression that a string embeds; ``None`` if it has a fault, which has been reported."""
        raise NotImplementedError

    # Operators

    def conditional(self, start: int, end: int, children: Children) -> spec.Expr:
        return spec.Conditional(self.span(start, end), *children)

    def pipeline(self, start: int, end: int, children: Children) -> spec.Expr:
        return spec.Pipeline(self.span(start, end), tuple(children))

    def or_test(self, start: int, end: int, children: Children) -> spec.Expr:
        value: spec.Expr = children[0]
        self._chain(len(children) // 2, start, end)
        for position in range(1, len(children), 2):
            operator, right = children[position : position + 2]
            value = spec.Binary(self.span(start, right.span.end), operator.text, value, right)
        return value

    and_test = sum = product = power = or_test

    def not_test(self, start: int, end: int, children: Children) -> spec.Expr:
        operator, operand = children
        return spec.Unary(self.span(start, end), operator.text, operand)

    unary = not_test

    def compare(self, start: int, end: int, children: Children) -> spec.Expr:
        rest = tuple((children[i].text, children[i + 1]) for i in range(1, len(children), 2))
        return spec.Compare(self.span(start, end), children[0], rest)

    def frozen(self, start: int, end: int, children: Children) -> spec.Expr:
        return spec.Frozen(self.span(start, end), children[0])

    def own(self, start: int, end: int, children: Children) -> spec.Expr:
        return spec.Own(self.span(start, end), children[0])

    def with_body(self, start: int, end: int, children: Children) -> spec.Expr:
        head, body = children
        if not isinstance(head, spec.Name | spec.Attribute | spec.Call):
            self.report(
                "E0109",
                "only a block can take a body",
                head.span,
                "a body follows a name or a call: `residual(…) { … }`",
            )
        return spec.WithBody(self.span(start, end), head, body)

    def block_expr(self, start: int, end: int, children: Children) -> spec.Expr:
        return spec.BlockExpr(self.span(start, end), children[0])

    # Postfix

    def _suffixed(self, value: spec.Expr, node: spec.Expr) -> spec.Expr:
        """Count the suffixes of ``a.b(c)[d]…``, which nest to the left without the parser's stack growing."""
        length = self._suffixes.get(id(value), 0) + 1
        self._suffixes[id(node)] = length
        self._chain(length, value.span.start, value.span.end)
        return node

    def attribute(self, start: int, end: int, children: Children) -> spec.Expr:
        value, word = children
        return self._suffixed(value, spec.Attribute(self.span(start, end), value, word.text))

    def index(self, start: int, end: int, children: Children) -> spec.Expr:
        return self._suffixed(children[0], spec.Index(self.span(start, end), *children))

    def slice(self, start: int, end: int, children: Children) -> spec.Expr:
        return spec.Slice(self.span(start, end), *children)

    def slice_by(self, start: int, end: int, children: Children) -> spec.Expr:
        return spec.Slice(self.span(start, end), children[0], None, children[1])

    def call(self, start: int, end: int, children: Children) -> spec.Expr:
        return self._suffixed(children[0], spec.Call(self.span(start, end), children[0], tuple(children[1:])))

    def argument(self, start: int, end: int, children: Children) -> spec.Argument:
        word, value = children
        return spec.Argument(self.span(start, end), word.text if word else None, value)

    # Atoms

    def number(self, start: int, end: int, children: Children) -> spec.Expr:
        text = children[0].text
        value = number_value(text)
        if value is None:
            self.report("E0102", f"`{text}` is out of range", self.span(start, end))
            value = 0
        return spec.Number(self.span(start, end), value, text)

    def string(self, start: int, end: int, children: Children) -> spec.String:
        text = children[0].text
        if "{" not in text and "}" not in text and "\\" not in text:
            return spec.String(self.span(start, end), (text[1:-1],))
        if text.count("{") > 3 * LIMITS.embedded:
            message = f"strings embed more than {LIMITS.embedded} expressions"
            raise LimitError("E0510", message, self.span(start, end))
        parts: list[str | spec.Expr] = []
        try:
            for piece in string_pieces(text, start):
                part = self.embedded(piece.start, piece.end) if piece.text is None else piece.text
                if part is not None:
                    parts.append(part)
        except StringError as bad:
            self.report("E0103", bad.message, self.span(bad.start, bad.end), bad.help)
        return spec.String(self.span(start, end), tuple(parts))

    def boolean(self, start: int, end: int, children: Children) -> spec.Expr:
        return spec.Boolean(self.span(start, end), children[0].type == "TRUE")

    def name(self, start: int, end: int, children: Children) -> spec.Expr:
        return spec.Name(self.span(start, end), children[0].text)

    def in_(self, start: int, end: int, children: Children) -> spec.Expr:
        return spec.In(self.span(start, end))

    def paren(self, start: int, end: int, children: Children) -> spec.Expr:
        """A value in parentheses is that value; its span includes them, so that the formatter can keep them."""
        value: spec.Expr = children[0]
        return value.replace(span=self.span(start, end))

    def tuple_expr(self, start: int, end: int, children: Children) -> spec.Expr:
        return spec.TupleExpr(self.span(start, end), tuple(children))

    def list_expr(self, start: int, end: int, children: Children) -> spec.Expr:
        return spec.ListExpr(self.span(start, end), tuple(children))

    def comprehension(self, start: int, end: int, children: Children) -> spec.Expr:
        element, *clauses = children
        self._chain(len(clauses), start, end)
        return spec.Comprehension(self.span(start, end), element, tuple(clauses))

    def clause(self, start: int, end: int, children: Children) -> spec.Clause:
        return spec.Clause(self.span(start, end), *children)

    # Tables

    def table_expr(self, start: int, end: int, children: Children) -> spec.Expr:
        header: list[str] = []
        for cell in children[0] if children else ():
            if not isinstance(cell, spec.Name):
                self.report("E0111", "the first row of a table names its columns", cell.span)
            else:
                if cell.id in header and cell.id != "_":
                    self.report("E0111", f"two columns are named `{cell.id}`", cell.span)
                header.append(cell.id)
        self._equal_rows(children)
        return spec.TableExpr(self.span(start, end), tuple(header), tuple(children[1:]))

    def _equal_rows(self, rows: list[tuple[spec.Expr, ...]]) -> None:
        """Every row has as many cells as the header; if all rows differ in the same way, the header is reported.

        What could not be read is an empty row.
        """
        rows = rows[:1] + [row for row in rows[1:] if row and rows[0]]
        lengths = {len(row) for row in rows[1:]}
        if len(rows) > 2 and len(lengths) == 1 and lengths != {len(rows[0])}:
            message = (
                f"the header has {_count(len(rows[0]), 'column')}, but every row has {_count(lengths.pop(), 'cell')}"
            )
            self.report("E0111", message, rows[0][0].span.to(rows[0][-1].span))
            return
        for row in rows[1:]:
            told = any(row[0].span.start <= offset < row[-1].span.end for offset in self.lost)
            if len(row) != len(rows[0]) and not told:
                message = (
                    f"this row has {_count(len(row), 'cell')}, but the header has {_count(len(rows[0]), 'column')}"
                )
                self.report(
                    "E0111", message, row[0].span.to(row[-1].span), "quote a cell that contains spaces or operators"
                )

    def row(self, start: int, end: int, children: Children) -> tuple[spec.Expr, ...]:
        for left, right in pairwise(children):
            if left.span.end == right.span.start:
                self.report(
                    "E0111", "cells must be separated by spaces", self.span(left.span.start, right.span.end), _CELLS
                )
        return tuple(children)

    def negative(self, start: int, end: int, children: Children) -> spec.Expr:
        minus, number = children
        if minus.end != number.start:
            self.report("E0111", "a minus must be directly before its number", self.span(start, end), _CELLS)
        value = number_value(number.text)
        return spec.Number(self.span(start, end), -(value or 0), "-" + number.text)

    def cell_call(self, start: int, end: int, children: Children) -> spec.Expr:
        callee: Token = children[0]
        if " " in self.source.text[start : start + len(callee.text) + 1]:
            self.report("E0111", "a call in a cell must have no space before its `(`", self.span(start, end), _CELLS)
        name = spec.Name(self.span(start, callee.end), callee.text)
        return spec.Call(self.span(start, end), name, tuple(children[1:]))

    # Types and shapes

    def tensor_type_expr(self, start: int, end: int, children: Children) -> spec.TensorTypeExpr:
        dims = [self._limited(dim) if isinstance(dim, spec.Compare) else dim for dim in children[1:]]
        return spec.TensorTypeExpr(self.span(start, end), children[0].text, tuple(dims))

    def _limited(self, dim: spec.Compare) -> spec.Expr:
        """``T <= 512``: a dimension without a size, and its bounds."""
        if isinstance(dim.first, spec.Number) and not isinstance(dim.rest[0][1], spec.Number):
            (op, middle), *others = dim.rest
            turned = op.translate(str.maketrans("<>", "><"))
            more = "".join(f" {op} {limit.span.text}" for op, limit in others)
            help = f"write `{middle.span.text} {turned} {dim.first.span.text}{more}`"
            self.report("E0109", "a bound stands behind its size", dim.span, help)
        return spec.SizedDim(dim.span, dim.first, None, dim.rest)

    def sized_dim(self, start: int, end: int, children: Children) -> spec.Expr:
        dim, size = children
        if isinstance(size, spec.Compare):
            return spec.SizedDim(self.span(start, end), dim, size.first, size.rest)
        return spec.SizedDim(self.span(start, end), dim, size)

    def shape_pattern(self, start: int, end: int, children: Children) -> spec.ShapePattern:
        dims = tuple(
            spec.Wildcard(dim.span) if isinstance(dim, spec.Name) and dim.id == "_" else dim for dim in children
        )
        return spec.ShapePattern(self.span(start, end), dims)

    def ellipsis(self, start: int, end: int, children: Children) -> spec.Expr:
        return spec.Ellipsis(self.span(start, end))


_CELLS = "a cell is a number, string, list, name or a call without spaces; quote anything else"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
