"""Names, literals, lists, and expressions that are built from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from archdsl import ops
from archdsl.diagnostics import Refusal
from archdsl.interpret.blocks import TUPLE
from archdsl.interpret.code import Code, Context, compiled, condition, expression, located, raw
from archdsl.interpret.combinators import COMBINATORS
from archdsl.interpret.env import ANY, Env
from archdsl.interpret.functions import bounded, sequence
from archdsl.interpret.loops import assign
from archdsl.interpret.operators import operator_block
from archdsl.interpret.parametric import Parametric
from archdsl.interpret.session import Session
from archdsl.interpret.stages import what_enters
from archdsl.interpret.values import Table, as_flow, show
from archdsl.modules.suggestions import unknown_name
from archdsl.modules.words import CONSTANTS, late_word, word, words
from archdsl.source import Span, shortened
from archdsl.syntax import spec
from archdsl.tape.faults import following
from archdsl.tape.paths import Labelled
from archdsl.tape.poison import POISON

_SMALL = 64
"""Bits of a whole number that no bound refuses."""


@expression(spec.Number)
def _number(expr: spec.Number, context: Context) -> Code:
    value = expr.value
    if isinstance(value, float) or value.bit_length() > _SMALL:
        return lambda env: bounded(value, env.session)
    return lambda env: value


@expression(spec.Boolean)
def _boolean(expr: spec.Boolean, context: Context) -> Code:
    value = expr.value
    return lambda env: value


@expression(spec.Name)
def _name(expr: spec.Name, context: Context) -> Code:
    """Dispatches on what the name means; what cannot be known before running is looked for (:func:`look_up`)."""
    name = expr.id
    meaning = context.meanings.of(expr)
    kind = meaning.kind
    if kind == "unknown":
        return located(lambda env: _unknown(name), expr.span)
    made, applied = meaning.bound is not None, context.applied
    missing = located(lambda env: look_up(name, env, made, applied=applied), expr.span)
    if kind == "operator":
        return located(lambda env: with_defaults(operator_block(name), env), expr.span)
    if kind in ("local", "parameter", "definition", "import"):
        found = _bound(name, missing, of_file=kind in ("definition", "import"))
        return found if applied or kind not in ("definition", "import") else located(_as_value(found), expr.span)
    if kind == "label":
        return _label(name, missing)
    if kind == "choice" and late_word(name) is None:  # the letter of an axis, where no argument has it for a choice
        return missing
    if kind in ("combinator", "keyword", "end", "choice", "number", "function"):
        return located(lambda env: word_value(name, kind, env), expr.span)
    return missing


def _unknown(name: str) -> Any:
    """A name that means nothing was told, with what was probably meant, before anything ran."""
    raise Refusal("E0201", f"`{name}` is not defined here")


def _bound(name: str, missing: Code, *, of_file: bool) -> Code:
    """What a name is bound to: by the file, or by the nearest scope."""

    def bound(env: Env) -> Any:
        value = (env.root if of_file else env).find(name)
        if value is Env.missing:
            found = missing(env)
            return found.result if type(found) is Labelled else found
        if env.session.has_defaults and isinstance(value, Parametric) and not value.bound:
            return with_defaults(value, env)
        return value

    return bound


def _as_value(found: Code) -> Code:
    def value(env: Env) -> Any:
        value = found(env)
        return value.as_value() if isinstance(value, Parametric) else value

    return value


def _label(name: str, missing: Code) -> Code:
    def label(env: Env) -> Any:
        value = env.find_label(name)
        return missing(env) if value is Env.missing else value

    return label


def with_defaults(block: Parametric, env: Env) -> Parametric:
    """The block with what enclosing ``with`` statements give it."""
    return block.with_defaults(env.operator_defaults(block.name)) if env.session.has_defaults else block


def look_up(name: str, env: Env, made: bool = False, *, applied: bool = False) -> Any:
    """What a name means that could not be settled before running, in the order of :mod:`archdsl.modules.meanings`.

    ``made``: a statement above binds it. Where it is not bound, that was refused, or followed from what was.
    ``applied``: a block is wanted.
    """
    value = env.find(name, labels=not applied)
    if value is not Env.missing:
        if isinstance(value, Parametric) and not applied:
            value.as_value()
        return with_defaults(value, env) if isinstance(value, Parametric) and not value.bound else value
    kind = word(name)
    if kind is not None:
        return word_value(name, kind, env)
    if ops.is_operator(name):
        return with_defaults(operator_block(name), env)
    label = env.find_label(name)
    if label is not Env.missing:
        return label
    symbols = env.session.draft.symbols
    if name in symbols:
        return symbols[name]
    kind = late_word(name)
    if kind is not None:
        return word_value(name, kind, env)
    if name in ops.offered():
        return with_defaults(operator_block(name), env)
    if env.session.faults.failed and (made or env.find(ANY) is POISON):
        return POISON
    raise unknown_name(name, [*env.visible(), *ops.names(), *ops.offered(), *words(), *symbols])


def word_value(name: str, kind: str, env: Env) -> Any:
    """The value of a word of the language."""
    if kind == "combinator":
        return with_defaults(COMBINATORS[name], env)
    if kind == "keyword":
        return TUPLE if name == "tuple" else None
    if kind == "end":
        from archdsl.interpret.preprocess_and_labels import end

        return with_defaults(end(name), env)
    if kind == "number":
        return CONSTANTS[name]
    if kind == "function":
        raise Refusal("E0204", f"`{name}` is a function on numbers: call it, `{name}(…)`")
    return name


@expression(spec.String)
def _string(expr: spec.String, context: Context) -> Code:
    if all(isinstance(part, str) for part in expr.parts):
        text = "".join(map(str, expr.parts))
        return lambda env: bounded(text, env.session)
    parts = [part if isinstance(part, str) else compiled(part, context) for part in expr.parts]

    def string(env: Env) -> Any:
        values = [part if isinstance(part, str) else part(env) for part in parts]
        if any(v is POISON for v in values):
            return POISON
        shown = [*map(show, values)]
        env.session.bounds.check_text(sum(map(len, shown)))
        return "".join(shown)

    return string


@expression(spec.In)
def _in(expr: spec.In, context: Context) -> Code:
    def entered(env: Env) -> Any:
        value = env.input()
        if value is Env.missing:
            raise Refusal(
                "E0217", "`in` is what enters a block, a branch or a turn of a loop, and here is none of them",
                help="write the name of the network's input, or label the stage that is meant: `stem: …`, then `stem`",
            )  # fmt: skip
        return what_enters(value, "in")

    return entered


@expression(spec.ListExpr)
def _list(expr: spec.ListExpr, context: Context) -> Code:
    items = _items(expr.items, context)

    def made(env: Env) -> Any:
        env.session.bounds.check_items(len(expr.items))
        return env.session.lists.made(items(env))

    return made


@expression(spec.TupleExpr)
def _tuple(expr: spec.TupleExpr, context: Context) -> Code:
    items = _items(expr.items, context)
    return lambda env: as_flow(env.session.lists.made(items(env)), env.session.bounds)


def _items(exprs: tuple[spec.Expr, ...], context: Context) -> Callable[[Env], tuple[Any, ...]]:
    codes = [compiled(expr, context) for expr in exprs]
    return lambda env: tuple([code(env) for code in codes])


@expression(spec.Comprehension)
def _comprehension(expr: spec.Comprehension, context: Context) -> Code:
    element, clauses = compiled(expr.element, context), [_clause(clause, context) for clause in expr.clauses]

    def collected(env: Env) -> Any:
        bounds, scopes, found = env.session.bounds, iter((env,)), list[Any]()
        for clause in clauses:
            scopes = clause(scopes)
        for inner in scopes:
            if len(found) >= bounds.limits.items:
                bounds.check_items(len(found) + 1)
            found.append(element(inner))
        return env.session.lists.made(tuple(found))

    return collected


def _clause(clause: spec.Clause, context: Context) -> Callable[[Iterator[Env]], Iterator[Env]]:
    """What one clause makes of the scopes that those in front of it give; each scope that it makes is a step."""
    iterable, span = compiled(clause.iterable, context), clause.iterable.span
    wanted = None if clause.condition is None else condition(clause.condition, context)

    def scopes(outer: Iterator[Env]) -> Iterator[Env]:
        for env in outer:
            for item in _iterated(iterable(env), env.session, span):
                env.session.bounds.step()
                inner = Env(env, env.place, "loop")
                _assigned(clause.targets, item, inner, span)
                keep = True if wanted is None else wanted(inner)
                if keep is POISON:
                    raise following()
                if keep:
                    yield inner

    return scopes


def _iterated(items: Any, session: Session, span: Span) -> tuple[Any, ...]:
    if items is POISON:
        raise following()
    try:
        return sequence(items, session, "the value that a comprehension iterates over")
    except Refusal as refusal:
        if type(items) is int:
            refusal.help = f"iterate over `range({shortened(span.text, 40)})`"
        raise refusal.located(span) from None


def _assigned(targets: tuple[str, ...], item: Any, inner: Env, span: Span) -> None:
    try:
        assign(targets, item, inner.names, inner.session)
    except Refusal as refusal:
        raise refusal.located(span) from None


@expression(spec.TableExpr)
def _table(expr: spec.TableExpr, context: Context) -> Code:
    width = len(expr.header)  # the parser has told of rows that are too short or too long
    rows = [[compiled(cell, context) for cell in row[:width]] for row in expr.rows]

    def table(env: Env) -> Table:
        env.session.bounds.step(len(rows))
        made = ([*(cell(env) for cell in row), *[POISON] * (width - len(row))] for row in rows)
        return Table(expr.header, tuple(map(tuple, made)))

    return table


@expression(spec.Conditional)
def _conditional(expr: spec.Conditional, context: Context) -> Code:
    verdict = condition(expr.condition, context.plain)
    then, otherwise = raw(expr.value, context), raw(expr.otherwise, context)

    def chosen(env: Env) -> Any:
        first = verdict(env)
        if first is POISON:
            return POISON
        return then(env) if first else otherwise(env)

    return chosen


@expression(spec.Wildcard, spec.Ellipsis, spec.Slice, spec.SizedDim)
def _misplaced(expr: spec.Expr, context: Context) -> Code:
    def misplaced(env: Env) -> Any:
        raise Refusal("E0217", "`_` and `…` can be used only in shape annotations")

    return misplaced
