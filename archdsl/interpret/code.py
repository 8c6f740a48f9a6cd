"""Expressions and statements as Python functions: compiled once, run many times.

The rule of each class of syntax is in a module around this one, registered by class; it gets the syntax and a
:class:`Context`, and gives a function of the scope. So what can be known before running is known before running, and
the modules recurse through two tables without importing one another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from archdsl.diagnostics import Refusal
from archdsl.interpret.env import Env
from archdsl.interpret.values import Indexed, describe
from archdsl.modules.meanings import Meanings
from archdsl.modules.structure import is_single, label_of, static_labels
from archdsl.source import Span
from archdsl.syntax import spec
from archdsl.tape.limits import BoundExceeded
from archdsl.tape.paths import Labelled, Naming
from archdsl.tape.poison import POISON, Flow

Code = Callable[[Env], Any]
"""An expression: its value in a scope."""
Step = Callable[[Env, Flow, Naming], Flow]
"""A statement: what it does to the names in scope and to the flow, and how the block that it applies is named."""


class Context:
    """What a rule is given besides the syntax: what names mean."""

    __slots__ = ("meanings",)

    def __init__(self, meanings: Meanings) -> None:
        self.meanings = meanings


EXPRESSIONS: dict[type, Callable[[Any, Context], Code]] = {}
STATEMENTS: dict[type, Callable[[Any, Context], Step]] = {}
_ExpressionRule = TypeVar("_ExpressionRule", bound=Callable[..., Code])
_StatementRule = TypeVar("_StatementRule", bound=Callable[..., Step])


def expression(*kinds: type[spec.Expr]) -> Callable[[_ExpressionRule], _ExpressionRule]:
    """Register the rule of some classes of expressions. Its code may give a :class:`Labelled`."""

    def register(rule: _ExpressionRule) -> _ExpressionRule:
        EXPRESSIONS.update(dict.fromkeys(kinds, rule))
        return rule

    return register


def statement(*kinds: type[spec.Statement]) -> Callable[[_StatementRule], _StatementRule]:
    """Register the rule of some classes of statements."""

    def register(rule: _StatementRule) -> _StatementRule:
        STATEMENTS.update(dict.fromkeys(kinds, rule))
        return rule

    return register


_WITH_LABELS = (spec.Name, spec.Attribute, spec.Index, spec.Conditional)
"""Expressions whose value may be a label."""


def compiled(expr: spec.Expr, context: Context) -> Code:
    """The code of an expression; a label's value is its result."""
    code = raw(expr, context)
    if type(expr) not in _WITH_LABELS:
        return code

    def result(env: Env) -> Any:
        value = code(env)
        return value.result if type(value) is Labelled else value

    return result


def raw(expr: spec.Expr, context: Context) -> Code:
    """The code of an expression, labels still with what they hold. Refusals have at least its place."""
    code = EXPRESSIONS[type(expr)](expr, context)
    if isinstance(expr, spec.Number | spec.Boolean):
        return code
    span = head_span(expr)

    def located(env: Env) -> Any:
        try:
            return code(env)
        except (Refusal, BoundExceeded) as refusal:
            raise refusal.located(span) from None

    return located


def evaluate(expr: spec.Expr, env: Env) -> Any:
    """The value of an expression that is evaluated only once."""
    return compiled(expr, Context(env.meanings))(env)


def head_span(expr: spec.Expr) -> Span:
    """Where to point for an expression: a body is left out, so that the marks stay on one line."""
    return head_span(expr.head) if isinstance(expr, spec.WithBody) else expr.span


def condition(expr: spec.Expr, context: Context, what: str = "a condition") -> Code:
    """The code of a condition: it gives a bool, or poison."""
    code = compiled(expr, context)

    def verdict(env: Env) -> Any:
        value = code(env)
        if value is POISON or value is True or value is False:
            return value
        hint = "compare it: `x > 0`" if isinstance(value, int | float) else ""
        raise Refusal("E0204", f"{what} must be true or false, not {describe(value)}", help=hint).located(expr.span)

    return verdict


class BodyCode:
    """The statements of a body."""

    __slots__ = ("labels", "single", "statements", "steps", "syntax")

    def __init__(self, body: spec.Body, context: Context) -> None:
        self.syntax = body
        self.single = is_single(body)
        """Whether it applies one thing, which may take the path of the whole body."""
        self.labels = static_labels(body)
        self.statements = body.statements
        self.steps = [STATEMENTS[type(statement)](statement, context) for statement in body.statements]

    def run(self, env: Env, flow: Flow, naming: Naming = "spliced") -> Flow:
        """Run the statements in order on the flow; a fault poisons the flow and the work goes on."""
        if self.labels:
            env.place.scope.reserved |= self.labels
        if not self.single:
            naming = "spliced"
        session = env.session
        for index, step in enumerate(self.steps):
            session.bounds.step()
            try:
                flow = step(env, flow, naming)
            except BoundExceeded as exceeded:
                raise exceeded.located(self.statements[index].span) from None
            except Refusal as refusal:
                statement = self.statements[index]
                flow = session.faults.refuse(refusal.located(statement.span), env.place.frame)
                poison_names(statement, env)
        return flow


def poison_names(statement: spec.Statement, env: Env) -> None:
    """What a refused statement would have named is poison, so that its users stay silent."""
    label = label_of(statement)
    if isinstance(statement, spec.Let):
        env.poison(statement.targets, labels=False)
    elif isinstance(statement, spec.Share):
        env.poison((statement.name,), labels=False)
    elif label is not None and label.name is not None and label.index is not None:
        found = env.find_label(label.name)
        if not isinstance(found, Indexed):
            found = env.outside_loops().labels[label.name] = Indexed()
        found.incomplete = True
    elif label is not None and label.name:
        env.poison((label.name,), labels=True)
