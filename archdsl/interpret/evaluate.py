"""Expressions to values: the dispatch. The rules are in the modules around this one, each registered by class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from archdsl.diagnostics import Refusal
from archdsl.interpret.env import Env
from archdsl.interpret.session import BoundExceeded
from archdsl.interpret.values import POISON, Labelled, describe
from archdsl.source import Span
from archdsl.syntax import spec

RULES: dict[type, Callable[[Any, Env], Any]] = {}
"""Class of expression -> rule. A rule may return a :class:`Labelled`."""

Rule = TypeVar("Rule", bound=Callable[..., Any])


def rule(*kinds: type[spec.Expr]) -> Callable[[Rule], Rule]:
    """Register the rule of some classes of expressions."""

    def register(function: Rule) -> Rule:
        for kind in kinds:
            RULES[kind] = function
        return function

    return register


def evaluate(expr: spec.Expr, env: Env) -> Any:
    """The value of an expression; a label's value is its result."""
    if type(expr) is spec.Boolean:
        return expr.value
    value = raw(expr, env)
    return value.result if type(value) is Labelled else value


def raw(expr: spec.Expr, env: Env) -> Any:
    """The value of an expression, labels still with what they hold."""
    session = env.session
    session.level = level = session.level + 1
    try:
        if level > session.limits.levels:
            raise session.too_deep()
        return RULES[type(expr)](expr, env)
    except (Refusal, BoundExceeded) as refusal:
        raise refusal.located(head_span(expr)) from None
    finally:
        session.level = level - 1


def head_span(expr: spec.Expr) -> Span:
    """Where to point for an expression: a body is left out, so that the marks stay on one line."""
    return head_span(expr.head) if isinstance(expr, spec.WithBody) else expr.span


def truth(expr: spec.Expr, env: Env, what: str = "a condition") -> Any:
    """The value of a condition: a bool, or poison."""
    value = evaluate(expr, env)
    if value is POISON or isinstance(value, bool):
        return value
    hint = "compare it: `x > 0`" if isinstance(value, int | float) else ""
    raise Refusal("E0204", f"{what} must be true or false, not {describe(value)}", help=hint).located(expr.span)
