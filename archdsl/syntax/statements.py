"""Reductions to syntax, second half: statements, claims and definitions."""

from __future__ import annotations

from bisect import bisect_left

from archdsl.diagnostics import Diagnostic, Label
from archdsl.source import Source, Span
from archdsl.syntax import spec
from archdsl.syntax.build import Children
from archdsl.syntax.name_rules import NameRuleBuilder
from archdsl.syntax.tokens import Token

EDITION = "1"


class Builder(NameRuleBuilder):
    """All reductions; ``docs`` are the ``##`` comments, each the first on its line."""

    def __init__(self, source: Source, comments: list[Token]) -> None:
        super().__init__(source)
        self.comments = tuple(spec.Comment(Span(source, c.start, c.end), c.text) for c in comments)
        self.docs = [c for c in comments if c.first and c.text.startswith("##")]
        self.documented = 0
        """The end of the last definition: comments before it document nothing that follows."""

    # The file

    def file(self, start: int, end: int, children: Children) -> spec.File:
        edition: Token = children[0]
        if edition.text != EDITION:
            message = f"edition `{edition.text}` is not known"
            help = f"this version of archdsl reads edition {EDITION}"
            self.report("E0105", message, self.span(edition.start, edition.end), help)
        whole = self.span(0, len(self.source.text))
        return spec.File(whole, int(EDITION), tuple(children[1:]), self.comments)

    def doc(self, start: int, end: int) -> str:
        """The text of the last run of ``##`` lines between the definition before and this one, without the marks."""
        lines: list[str] = []
        below = 0
        above = bisect_left(self.docs, start, key=lambda comment: comment.start)
        for comment in reversed(self.docs[max(0, above - 1000) : above]):
            line = self.source.position(comment.start)[0]
            if comment.start < self.documented or (lines and line != below - 1):
                break
            below = line
            lines.append(comment.text.lstrip("#").removeprefix(" "))
        self.documented = end
        return "\n".join(reversed(lines))

    def use(self, start: int, end: int, children: Children) -> spec.Use:
        (path, from_file), *names = children
        imported = tuple(spec.ImportedName(self.span(name.start, name.end), name.text) for name in names)
        return spec.Use(self.span(start, end), path, from_file, imported, self.doc(start, end))

    def use_path(self, start: int, end: int, children: Children) -> tuple[str, bool]:
        if children[0].type != "STRING":
            return ".".join(word.text for word in children), False
        string = self.string(start, end, children)
        parts = [part for part in string.parts if isinstance(part, str)]
        if len(parts) != len(string.parts):
            self.report("E0103", "the path of an import must be plain text", string.span)
        return "".join(parts), True

    def let_definition(self, start: int, end: int, children: Children) -> spec.Definition:
        name, parameters, value = children
        if parameters == ():
            message = f"the function `{name.text}` has no parameters"
            self.report("E0109", message, self.span(name.start, name.end), f"a value is `let {name.text} = …`")
        return spec.LetDefinition(self.span(start, end), name.text, parameters or (), value, self.doc(start, end))

    def block(self, start: int, end: int, children: Children) -> spec.Definition:
        defaults, name, parameters, body, then = children
        return spec.Block(
            self.span(start, end),
            name.text,
            parameters or (),
            body=body,
            then=then,
            defaults=defaults or (),
            doc=self.doc(start, end),
        )

    def block_value(self, start: int, end: int, children: Children) -> spec.Definition:
        defaults, name, parameters, value = children
        return spec.Block(
            self.span(start, end),
            name.text,
            parameters or (),
            value=value,
            defaults=defaults or (),
            doc=self.doc(start, end),
        )

    def network(self, start: int, end: int, children: Children) -> spec.Definition:
        defaults, name, parameters, body = children
        return spec.Network(
            self.span(start, end), name.text, parameters or (), body, defaults or (), self.doc(start, end)
        )

    def variant(self, start: int, end: int, children: Children) -> spec.Definition:
        name, network, claims = children
        if not isinstance(network, spec.Call):
            message = "a variant must apply a network"
            self.report("E0109", message, network.span, f"write `{network.span.text}()`", lost=False)
            network = spec.Call(network.span, network, ())
        return spec.Variant(self.span(start, end), name.text, network, claims or (), self.doc(start, end))

    def defaults(self, start: int, end: int, children: Children) -> tuple[spec.Call, ...]:
        for call in children:
            if not isinstance(call, spec.Call):
                help = "write `with conv(bias = false)`"
                self.report("E0109", "`with` takes calls, whose arguments become defaults", call.span, help)
        return tuple(call for call in children if isinstance(call, spec.Call))

    def parameters(self, start: int, end: int, children: Children) -> tuple[spec.Parameter, ...]:
        return tuple(children)

    def parameter(self, start: int, end: int, children: Children) -> spec.Parameter:
        name, kind, default = children
        return spec.Parameter(self.span(start, end), name.text, kind, default)

    def kind(self, start: int, end: int, children: Children) -> str:
        inner: Token | str = children[0]
        return inner.text if isinstance(inner, Token) else f"[{inner}]"

    # Bodies

    def body(self, start: int, end: int, children: Children) -> spec.Body:
        statements: list[spec.Statement] = children
        if any(isinstance(s, spec.Branch) or (isinstance(s, spec.Missing) and s.branch) for s in children):
            self._all_branches([s for s in children if isinstance(s, spec.Flow)])
            statements = [_as_branch(s) if isinstance(s, spec.Flow) else s for s in children]
        elif any(_is_bare_block(s) for s in children):
            statements = [self._no_bare_block(s) if _is_bare_block(s) else s for s in children]
        return spec.Body(self.span(start, end), tuple(statements))

    def _all_branches(self, flows: list[spec.Flow]) -> None:
        """A body with a branch holds branches alone."""
        if flows:
            first, *more = flows
            labels = tuple(Label(flow.span, "and here") for flow in more)
            message = "a `|` is missing before this branch"
            help = "every branch begins with `|`"
            self.diagnostics.append(Diagnostic("E0108", message, first.span, labels=labels, help=help))

    def _no_bare_block(self, statement: spec.Statement) -> spec.Statement:
        start = statement.span.start
        help = "`{` must be on the same line as its block; a group with its own name is `name: { … }`"
        self.report("E0109", "a body cannot be a statement by itself", self.span(start, start + 1), help, lost=False)
        return spec.Missing(statement.span, frozenset())

    def flow(self, start: int, end: int, children: Children) -> spec.Statement:
        label, value, shape = children
        return spec.Flow(self.span(start, end), value, label, shape)

    def branch(self, start: int, end: int, children: Children) -> spec.Statement:
        label, value, shape = children
        return spec.Branch(self.span(start, end), value, label, shape)

    def repeat(self, start: int, end: int, children: Children) -> spec.Statement:
        label, count, index, body, then, shape = children
        return spec.Repeat(self.span(start, end), count, index.text if index else None, body, label, then, shape)

    def for_(self, start: int, end: int, children: Children) -> spec.Statement:
        label, names, iterable, index, body, then, shape = children
        as_name = index.text if index else None
        return spec.For(self.span(start, end), names or (), iterable, as_name, body, label, then, shape)

    def if_(self, start: int, end: int, children: Children) -> spec.Statement:
        label, *tests, otherwise, then, shape = children
        arms = tuple(zip(tests[::2], tests[1::2]))
        return spec.If(self.span(start, end), arms, otherwise, label, then, shape)

    def then(self, start: int, end: int, children: Children) -> tuple[spec.Expr, ...]:
        return tuple(children)

    def target(self, start: int, end: int, children: Children) -> spec.Target:
        value = children[0]
        span = self.span(start, end - 1)
        if isinstance(value, Token):
            return spec.Target(self.span(start, value.end), value.text)
        span = value.span
        if isinstance(value, spec.Name):
            return spec.Target(span, value.id)
        if isinstance(value, spec.In | spec.Boolean):
            return spec.Target(span, span.text)
        if isinstance(value, spec.String):
            return spec.Target(span, template=value)
        if (
            isinstance(value, spec.Index)
            and isinstance(value.value, spec.Name)
            and not isinstance(value.index, spec.Slice)
        ):
            return spec.Target(span, value.value.id, value.index)
        help = 'a label is `name`, `name[index]` or a string such as `"layer{i + 1}"`'
        self.report("E0110", "this is not a label", span, help)
        return spec.Target(span, "_")

    def let(self, start: int, end: int, children: Children) -> spec.Statement:
        targets, value = children
        return spec.Let(self.span(start, end), targets, value)

    def share(self, start: int, end: int, children: Children) -> spec.Statement:
        name, value = children
        return spec.Share(self.span(start, end), name.text, value)

    def assert_(self, start: int, end: int, children: Children) -> spec.Statement:
        return spec.Assert(self.span(start, end), *children)

    def input(self, start: int, end: int, children: Children) -> spec.Statement:
        called, name, kind, preprocess = children
        return spec.Input(self.span(start, end), name.text, kind, preprocess, called)

    def output(self, start: int, end: int, children: Children) -> spec.Statement:
        train, *items = children
        return spec.Output(self.span(start, end), tuple(items), train is not None)

    def output_item(self, start: int, end: int, children: Children) -> spec.OutputItem:
        name, index, value, labels = children
        return spec.OutputItem(self.span(start, end), name.text, index, value, labels)

    def quoted_output(self, start: int, end: int, children: Children) -> spec.OutputItem:
        called, value, labels = children
        return spec.OutputItem(self.span(start, end), _literal(called), None, value, labels, called)

    def with_(self, start: int, end: int, children: Children) -> spec.Statement:
        *calls, body = children
        return spec.With(self.span(start, end), self.defaults(start, end, calls), body)

    def names(self, start: int, end: int, children: Children) -> tuple[str, ...]:
        return tuple(name.text for name in children)

    def state(self, start: int, end: int, children: Children) -> spec.Statement:
        name, value = children
        return spec.State(self.span(start, end), name.text, value)

    def model_state(self, start: int, end: int, children: Children) -> spec.Statement:
        name, type = children
        return spec.ModelState(self.span(start, end), name.text, type)

    def next(self, start: int, end: int, children: Children) -> spec.Statement:
        pairs = zip(children[::2], children[1::2])
        items = [spec.NextItem(self.span(name.start, value.span.end), name.text, value) for name, value in pairs]
        return spec.Next(self.span(start, end), tuple(items))

    # Claims

    def claims(self, start: int, end: int, children: Children) -> tuple[spec.Statement, ...]:
        return tuple(children)

    def expect(self, start: int, end: int, children: Children) -> spec.Statement | None:
        return spec.Expect(self.span(start, end), children[0]) if children else None

    def budget(self, start: int, end: int, children: Children) -> spec.Statement:
        return spec.Budget(self.span(start, end), tuple(children))

    def claim(self, start: int, end: int, children: Children) -> spec.Claim:
        quantity, *middle, comparison, bound = children
        where: dict[str, str] = {}
        for word, path in zip(middle[::2], middle[1::2]):
            if word.text not in ("of", "at") or word.text in where:
                help = "a claim has the form `params of part at tap <= 1M`"
                self.report("E0112", f"`{word.text}` cannot be used here", self.span(word.start, word.end), help)
            where[word.text] = path
        return spec.Claim(
            self.span(start, end), quantity.text, where.get("of"), where.get("at"), comparison.text, bound
        )

    def label_path(self, start: int, end: int, children: Children) -> str:
        return ".".join(part.text for part in children)

    def shape_claim(self, start: int, end: int, children: Children) -> spec.ShapeClaim:
        output, shape = children
        if isinstance(output, Token):
            return spec.ShapeClaim(self.span(start, end), output.text, shape)
        return spec.ShapeClaim(self.span(start, end), _literal(output), shape, output)

    # Words

    def word(self, start: int, end: int, children: Children) -> Token:
        token: Token = children[0]
        return token

    reserved = value_word = word


def _is_bare_block(statement: spec.Statement) -> bool:
    if not isinstance(statement, spec.Flow) or statement.label is not None:
        return False
    first = statement.value.stages[0] if isinstance(statement.value, spec.Pipeline) else statement.value
    return isinstance(first, spec.BlockExpr)


def _literal(string: spec.String) -> str:
    """The text of a string without expressions."""
    return "".join(part for part in string.parts if isinstance(part, str))


def _as_branch(flow: spec.Flow) -> spec.Statement:
    return spec.Branch(flow.span, flow.value, flow.label, flow.shape)
