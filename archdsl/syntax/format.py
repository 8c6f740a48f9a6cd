"""The formatter: a tree and its comments as text, in the one canonical way.

``parse(format_file(tree))`` equals the tree, and formatting twice changes nothing more. Comments stay where they were
(before what they precede, behind what they follow), blank lines stay (one at most), and a body that the author wrote
on one line stays there while it fits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from archdsl.syntax import spec
from archdsl.syntax.comment_queue import CommentQueue
from archdsl.syntax.format_expressions import ADDITION, POSTFIX, STAGE, TEST, ExpressionFormatter, filled
from archdsl.syntax.format_tables import aligned, numeric_columns
from archdsl.syntax.literals import quoted
from archdsl.syntax.pretty import HARD, LINE, Align, Doc, Group, Hug, Line, Nest, render

Entry = tuple[Doc, int, int]
"""A part that has lines of its own, and the lines of the source on which it began and ended."""


def format_file(file: spec.File) -> str:
    """The canonical text of a file; ends with a newline."""
    formatter = Formatter(file)
    return render(formatter.file(file)) + "\n"


def format_expression(value: spec.Expr) -> str:
    """An expression on one line, as in messages."""
    empty = spec.File(value.span, 1, ())
    return Formatter(empty).flat(value)


class Formatter(ExpressionFormatter):
    """Builds the document of one file; the comments not yet printed wait in a queue."""

    def __init__(self, file: spec.File) -> None:
        super().__init__()
        self.source = file.span.source
        self.comments = CommentQueue(file)
        self.columns = 0
        self.column: int | None = None
        """The column of the body at work in which the author aligned ``::``."""

    # Comments

    def comments_before(self, offset: int) -> list[str]:
        return [] if self.inline else [comment.text for comment in self.comments.take(offset)]

    def comment_behind(self, offset: int, limit: int) -> str:
        return "" if self.inline else self.comments.behind(offset, limit)

    # The file

    def file(self, file: spec.File) -> Doc:
        start = self.comments.skip(0)
        entries = [self._comment(comment) for comment in self.comments.take(start)]
        first = file.definitions[0].span.start if file.definitions else len(self.source.text) + 1
        line = self._line(start)
        entries.append(([f"arch {file.edition}", self.comment_behind(start, first)], line, line))
        entries += self._entries(file.definitions, len(self.source.text) + 1, self.definition)
        return _lines(entries)

    def _line(self, offset: int) -> int:
        return self.source.position(offset)[0]

    def _comment(self, comment: spec.Comment) -> Entry:
        line = self._line(comment.span.start)
        return comment.text, line, line

    def _entries(self, items: Sequence[Any], end: int, show: Callable[[Any], Doc]) -> list[Entry]:
        """Statements, definitions or claims with the comments around them; those of one line stay together."""
        entries: list[Entry] = []
        position = 0
        while position < len(items):
            run = position + 1
            while run < len(items) and self._together(items[run - 1], items[run]):
                run += 1
            first, last = items[position], items[run - 1]
            entries += [self._comment(comment) for comment in self.comments.take(first.span.start)]
            doc: list[Doc] = [show(first)]
            for item in items[position + 1 : run]:
                doc += [Line(" ") if isinstance(item, spec.Branch) else Line("; "), show(item)]
            limit = items[run].span.start if run < len(items) else end
            behind = self.comment_behind(last.span.end, limit)
            entries.append(([Group(doc), behind], self._line(first.span.start), self._line(last.span.end)))
            position = run
        return entries + [self._comment(comment) for comment in self.comments.take(end)]

    def _together(self, left: spec.Syntax, right: spec.Syntax) -> bool:
        """Whether the author wrote two statements on one line."""
        between = self.source.text[left.span.end : right.span.start]
        shapes = getattr(left, "shape", None) or getattr(right, "shape", None)
        return bool(between) and "\n" not in between and not (shapes and self.column is not None)

    # Bodies

    def body(self, body: spec.Body) -> Doc:
        return self._braces(body.span.start, body.span.end, body.statements, self.statement)

    def _braces(self, start: int, end: int, items: Sequence[Any], show: Callable[[Any], Doc]) -> Doc:
        if self.inline:
            return self._inline(items, show)
        outer, printed = self.column, self.comments.printed
        self.column = self._shape_column(items)
        first = items[0].span.start if items else end
        opening = self.comment_behind(start + 1, first)
        entries = self._entries(items, end, show)
        self.column = outer
        if not entries and not opening:
            return "{}"
        apart = "\n" in self.source.text[start:end] or len(entries) > 1 or self.comments.printed > printed
        line = HARD if apart else LINE
        return Group(["{", opening, Nest([line, _lines(entries)] if entries else []), line, "}"], body=True)

    def _inline(self, items: Sequence[Any], show: Callable[[Any], Doc]) -> Doc:
        doc: list[Doc] = ["{"]
        outer, self.column = self.column, None  # on one line there is nothing to be aligned with
        for position, item in enumerate(items):
            doc += ["; " if position and not isinstance(item, spec.Branch) else " ", show(item)]
        self.column = outer
        return [*doc, " }" if items else "}"]

    def _shape_column(self, items: Sequence[Any]) -> int | None:
        """A new column if the author set some ``::`` of these statements apart."""
        for item in items:
            shape = getattr(item, "shape", None)
            if isinstance(shape, spec.ShapePattern):
                before = self.source.text[max(0, shape.span.start - 6) : shape.span.start]
                if before.rstrip().endswith("  ::"):
                    self.columns += 1
                    return self.columns
        return None

    def shape(self, value: spec.ShapePattern | None) -> list[Doc]:
        """``:: [N, _]`` after a value, or nothing."""
        if value is None:
            return []
        pattern = self.pattern(value)
        gap: Doc = " " if self.column is None else Align(self.column, 3 + len(render(pattern)))
        return [gap, ":: ", pattern]

    # Definitions

    def definition(self, definition: spec.Definition) -> Doc:
        kind = type(definition).__name__.lower()
        doc: Doc = getattr(self, f"_define_{kind}")(definition)
        written = getattr(definition, "doc", "")
        if written and not self.comments.comments:
            return [*(part for line in written.split("\n") for part in (f"## {line}".rstrip(), HARD)), doc]
        return doc

    def _define_use(self, use: spec.Use) -> Doc:
        path = f'"{quoted(use.path)}"' if use.from_file else use.path
        return [f"use {path} ", self.listed("(", use.names, ")", use.span, lambda name: name.name)]

    def _define_letdefinition(self, let: spec.LetDefinition) -> Doc:
        return [f"let {let.name}", *self._parameters(let), self.assigned("", let.value)]

    def _define_block(self, block: spec.Block) -> Doc:
        head = [*self._defaults(block.defaults), f"block {block.name}", *self._parameters(block)]
        if block.body is None:
            assert block.value is not None
            return [*head, self.assigned("", block.value)]
        return [*head, " ", self.body(block.body), *self._then(block.then)]

    def _define_network(self, network: spec.Network) -> Doc:
        head = [*self._defaults(network.defaults), f"network {network.name}", *self._parameters(network)]
        return [*head, " ", self.body(network.body)]

    def _define_variant(self, variant: spec.Variant) -> Doc:
        doc: list[Doc] = [f"variant {variant.name} = ", self.value(variant.network, POSTFIX)]
        if variant.claims:
            start = max(0, self.source.text.find("{", variant.network.span.end))
            doc += [" ", self._braces(start, variant.span.end, variant.claims, self.statement)]
        return doc

    def _defaults(self, calls: tuple[spec.Call, ...]) -> list[Doc]:
        return ["with ", self._calls(calls), HARD] if calls else []

    def _calls(self, calls: tuple[spec.Call, ...]) -> Doc:
        doc: list[Doc] = []
        for call in calls:
            doc += [", " if doc else "", self.value(call, POSTFIX)]
        return doc

    def _parameters(self, definition: spec.Block | spec.Network | spec.LetDefinition) -> list[Doc]:
        if not definition.parameters:
            return ["()"] if isinstance(definition, spec.Network) else []
        parameters = definition.parameters
        content = getattr(definition, "body", None) or getattr(definition, "value", None)
        end = content.span.start if content else parameters[-1].span.end
        whole = definition.span.part(0, end - definition.span.start)
        return [self.listed("(", parameters, ")", whole, self._parameter)]

    def _parameter(self, parameter: spec.Parameter) -> Doc:
        kind = f": {parameter.kind}" if parameter.kind else ""
        default: list[Doc] = [] if parameter.default is None else [" = ", self.value(parameter.default)]
        return [parameter.name, kind, *default]

    # Statements

    def statement(self, statement: spec.Statement) -> Doc:
        doc: Doc = getattr(self, f"_do_{type(statement).__name__.lower()}")(statement)
        return doc

    def _do_flow(self, flow: spec.Flow) -> Doc:
        return [*self._label(flow.label), self.top(flow.value), *self.shape(flow.shape)]

    def _do_branch(self, branch: spec.Branch) -> Doc:
        return ["| ", *self._label(branch.label), self.top(branch.value), *self.shape(branch.shape)]

    def _label(self, label: spec.Target | None) -> list[Doc]:
        if label is None:
            return []
        if label.template is not None:
            return [self.value(label.template), ": "]
        if label.index is not None:
            return [f"{label.name}[", self.value(label.index), "]: "]
        return [f"{label.name}: "]

    def _then(self, stages: tuple[spec.Expr, ...]) -> list[Doc]:
        return [part for stage in stages for part in (" -> ", self.value(stage, STAGE))]

    def _do_let(self, let: spec.Let) -> Doc:
        return self.assigned(f"let {', '.join(let.targets)}", let.value)

    def _do_share(self, share: spec.Share) -> Doc:
        return self.assigned(f"share {share.name}", share.value)

    def _do_repeat(self, repeat: spec.Repeat) -> Doc:
        index = f" as {repeat.index}" if repeat.index else ""
        head = [*self._label(repeat.label), "repeat ", self.value(repeat.count, TEST), index, " "]
        return [*head, self.body(repeat.body), *self._then(repeat.then), *self.shape(repeat.shape)]

    def _do_for(self, loop: spec.For) -> Doc:
        index = f" as {loop.index}" if loop.index else ""
        targets = f"{', '.join(loop.targets)} in " if loop.targets else ""
        head = [*self._label(loop.label), f"for {targets}", self.value(loop.iterable, TEST), index, " "]
        return [*head, self.body(loop.body), *self._then(loop.then), *self.shape(loop.shape)]

    def _do_if(self, choice: spec.If) -> Doc:
        doc: list[Doc] = self._label(choice.label)
        end = -1
        for condition, body in choice.arms:
            doc += [self._else(end, body.span.start), "if ", self.value(condition, TEST), " ", self.body(body)]
            end = body.span.end
        if choice.otherwise is not None:
            doc += [self._else(end, choice.otherwise.span.start), self.body(choice.otherwise)]
        return [Group(doc), *self._then(choice.then), *self.shape(choice.shape)]

    def _else(self, end: int, start: int) -> Doc:
        if end < 0:
            return ""
        return [Hug(None if "\n" in self.source.text[end:start] and not self.inline else " "), "else "]

    def _do_assert(self, claim: spec.Assert) -> Doc:
        message: list[Doc] = [] if claim.message is None else [", ", self.value(claim.message)]
        return ["assert ", self.value(claim.condition, TEST), *message]

    def _do_modelstate(self, state: spec.ModelState) -> Doc:
        return [f"state {state.name}: ", self.tensor_type(state.type)]

    def _do_input(self, statement: spec.Input) -> Doc:
        called: Doc = "" if statement.called is None else [self.value(statement.called), " as "]
        kind = self.tensor_type(statement.type)
        return ["input ", called, f"{statement.name}: ", kind, *self.behind(statement.preprocess)]

    def _do_output(self, output: spec.Output) -> Doc:
        words: Doc = "train output " if output.train else "output "
        last = len(output.items) - 1
        return [words, filled([(LINE, [*self.item(x), "," if i < last else ""]) for i, x in enumerate(output.items)])]

    def _do_with(self, scope: spec.With) -> Doc:
        return ["with ", self._calls(scope.calls), " ", self.body(scope.body)]

    # Claims

    def _do_expect(self, expect: spec.Expect) -> Doc:
        return ["expect ", self._claim(expect.claim)]

    def _do_budget(self, budget: spec.Budget) -> Doc:
        start = max(0, self.source.text.find("{", budget.span.start))
        return ["budget ", self._braces(start, budget.span.end, budget.claims, self._claim)]

    def _claim(self, claim: spec.Claim | spec.ShapeClaim) -> Doc:
        if isinstance(claim, spec.ShapeClaim):
            return ["output ", self.named(claim.output, claim.called), " :: ", self.pattern(claim.shape)]
        part = f" of {claim.part}" if claim.part is not None else ""
        tap = f" at {claim.tap}" if claim.tap is not None else ""
        return [f"{claim.quantity}{part}{tap} {claim.op} ", self.value(claim.bound, ADDITION)]

    # Names in checkpoints

    def _do_weights(self, weights: spec.Weights) -> Doc:
        return [f"weights {weights.name} ", self._rules(weights.span.start, weights.span.end, weights.rules)]

    def _rules(self, start: int, end: int, rules: tuple[spec.NameRule, ...]) -> Doc:
        """The rules between braces, of which the first is the next one from ``start`` on."""
        return self._braces(max(0, self.source.text.find("{", start)), end, rules, self._rule)

    def _rule(self, rule: spec.NameRule) -> Doc:
        doc = [self.value(rule.pattern), " -> ", self.value(rule.stored, POSTFIX)]
        return [*doc, " ", self._rules(rule.stored.span.end, rule.span.end, rule.rules)] if rule.rules else doc

    # Tables

    def table(self, table: spec.TableExpr) -> Doc:
        if self.inline:
            rows = [" ".join(table.header), *(" ".join(map(self.flat, row)) for row in table.rows)]
            return "table { " + "; ".join(rows) + " }"
        start = self.source.text.find("{", table.span.start)
        header = self.comments.skip(start + 1) if start >= 0 else 0
        opening = self.comment_behind(start + 1, header)
        above = [self._comment(comment) for comment in self.comments.take(header)]
        limits = [row[0].span.start for row in table.rows] + [table.span.end]
        behind = [self.comment_behind(header, limits[0])]
        comments: list[list[Entry]] = [above]
        cells: list[list[str]] = []
        for row, limit in zip(table.rows, limits[1:]):
            comments.append([self._comment(comment) for comment in self.comments.take(row[-1].span.end)])
            cells.append([self.flat(cell) for cell in row])
            behind.append(self.comment_behind(row[-1].span.end, limit))
        below = [self._comment(comment) for comment in self.comments.take(table.span.end)]
        places = [(header, header), *((row[0].span.start, row[-1].span.end) for row in table.rows)]
        entries: list[Entry] = []
        texts = aligned(table.header, cells, numeric_columns(table))
        for text, before, comment, (first, last) in zip(texts, comments, behind, places):
            entries += [*before, ([text, comment], self._line(first), self._line(last))]
        return ["table {", opening, Nest([HARD, _lines(entries + below)]), HARD, "}"]


def _lines(entries: list[Entry]) -> Doc:
    """Entries one below the other; a blank line where the author left some."""
    doc: list[Doc] = []
    for position, (entry, first, _) in enumerate(entries):
        if position:
            doc.append(HARD)
            if first > entries[position - 1][2] + 1:
                doc.append(HARD)
        doc.append(entry)
    return doc
