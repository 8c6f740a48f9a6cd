"""Arguments as code: a bare name may be a value, or one of the choices of the parameter that it is given for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archdsl.interpret.code import Code, Context, compiled, condition
from archdsl.interpret.env import Env
from archdsl.interpret.parametric import ANYTHING, Formal
from archdsl.interpret.values import Indexed, as_flow, is_flow
from archdsl.modules.resolve_expressions import hidden_by_choice
from archdsl.syntax import spec
from archdsl.tape.paths import Labelled
from archdsl.tape.poison import POISON

Given = Callable[[Formal | None, Env], Any]
"""An argument: its value for the parameter that it is given for, in a scope."""


def argument_code(expr: spec.Expr, context: Context, named: bool = False) -> Given:
    """The code of an argument; a bare name that is one of the parameter's choices is that choice.

    Unless it is a tensor and the argument is not ``named``: in ``softmax(w)`` and ``transpose(h)`` the letters name no
    axes where tensors have them. In ``softmax(axis = w)`` no tensor can be meant.
    """
    if isinstance(expr, spec.Number | spec.Boolean):
        value = expr.value
        return lambda formal, env: value
    code = compiled(expr, context)
    if isinstance(expr, spec.Name):
        return _name(expr, code, named)
    if isinstance(expr, spec.ListExpr):
        return _list([argument_code(item, context, named) for item in expr.items], code)
    if isinstance(expr, spec.Conditional):
        return _conditional(expr, code, context, named)
    return lambda formal, env: as_tensors(code(env), env)


def _name(expr: spec.Name, code: Code, named: bool) -> Given:
    name = expr.id

    def given(formal: Formal | None, env: Env) -> Any:
        if formal is not None and name in formal.choices:
            value = env.find(name, labels=not named)
            value = as_tensors(value.result if type(value) is Labelled else value, env)
            if value is Env.missing or (named and is_flow(value)):
                return name
            if not is_flow(value) and value is not POISON and formal is not ANYTHING:
                raise hidden_by_choice(name, formal.name).located(expr.span)
        return as_tensors(code(env), env)

    return given


def _list(items: list[Given], code: Code) -> Given:
    def given(formal: Formal | None, env: Env) -> Any:
        if formal is not None and formal.choices:
            return tuple([item(formal, env) for item in items])
        return as_tensors(code(env), env)

    return given


def _conditional(expr: spec.Conditional, code: Code, context: Context, named: bool) -> Given:
    verdict = condition(expr.condition, context)
    then, otherwise = (argument_code(side, context, named) for side in (expr.value, expr.otherwise))

    def given(formal: Formal | None, env: Env) -> Any:
        if formal is None or not formal.choices:
            return as_tensors(code(env), env)
        chosen = verdict(env)
        if chosen is POISON:
            return POISON
        return then(formal, env) if chosen else otherwise(formal, env)

    return given


def as_tensors(value: Any, env: Env) -> Any:
    """A value, as a tuple of tensors where it is one."""
    if type(value) is tuple or type(value) is Indexed:
        flow = as_flow(value, env.session.bounds)
        return flow if is_flow(flow) else value
    return value
