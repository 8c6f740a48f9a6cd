"""Calls, trailing bodies, compositions, ``frozen`` and ``own``."""

from __future__ import annotations

from typing import Any

from archdsl import ops
from archdsl.diagnostics import Refusal
from archdsl.graph import Value
from archdsl.interpret.arguments import bind
from archdsl.interpret.blocks import BodyBlock, FrozenBlock, OwnBlock, Pipe, frozen_place
from archdsl.interpret.branches import Branches
from archdsl.interpret.env import Env
from archdsl.interpret.evaluate import evaluate, head_span, rule
from archdsl.interpret.expressions import lookup_builtin
from archdsl.interpret.flow import apply_stages, as_flow, stage_block
from archdsl.interpret.functions import FUNCTIONS, bounded
from archdsl.interpret.session import initial
from archdsl.interpret.values import POISON, BlockValue, describe, is_flow
from archdsl.modules.structure import is_branching
from archdsl.syntax import spec


@rule(spec.Call)
def _call(expr: spec.Call, env: Env) -> Any:
    callee = expr.callee
    if isinstance(callee, spec.Name) and callee.id in FUNCTIONS and env.find(callee.id) is Env.missing:
        return _function(callee.id, expr, env)
    if isinstance(callee, spec.Name) and callee.id in ("uniform", "normal") and env.find(callee.id) is Env.missing:
        return _initializer(callee.id, expr, env)
    block = evaluate(callee, env)
    if block is POISON:
        for argument in expr.arguments:
            evaluate(argument.value, env)
        return POISON
    if not isinstance(block, BlockValue):
        raise Refusal("E0204", f"only blocks and functions can be called, not {describe(block)}").located(callee.span)
    return bind(block, expr.arguments, env, expr.span, made=expr.__dict__.setdefault("_made", {}))


def _initializer(name: str, expr: spec.Call, env: Env) -> Any:
    values = [evaluate(argument.value, env) for argument in expr.arguments]
    if any(value is POISON for value in values):
        return POISON
    if len(values) != 2 or not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        wants = "a low and a high bound" if name == "uniform" else "a mean and a deviation"
        raise Refusal("E0204", f"`{name}` takes {wants}")
    return initial(name, *values)


def _function(name: str, expr: spec.Call, env: Env) -> Any:
    env.session.step()
    named = next((a for a in expr.arguments if a.name is not None), None)
    values = [evaluate(argument.value, env) for argument in expr.arguments]
    if ops.is_operator(name) and any(isinstance(v, Value) for v in values):
        return bind(lookup_builtin(name, env), expr.arguments, env, expr.span, values=values)
    if named is not None:
        raise Refusal("E0202", f"`{name}` has no argument `{named.name}`").located(named.span)
    if any(v is POISON for v in values):
        return POISON
    function, least, most = FUNCTIONS[name]
    if len(values) < least or (most is not None and len(values) > most):
        wanted = str(least) if least == most else f"{least} to {most}" if most else f"at least {least}"
        raise Refusal("E0216", f"`{name}` takes {wanted} arguments, not {len(values)}")
    try:
        return bounded(function(env.session, *values), env.session)
    except OverflowError:
        raise Refusal("E0205", f"`{name}` is given a number that is too large") from None


@rule(spec.WithBody)
def _with_body(expr: spec.WithBody, env: Env) -> Any:
    head = expr.head
    callee, arguments = (head.callee, head.arguments) if isinstance(head, spec.Call) else (head, ())
    block = evaluate(callee, env)
    body = body_value(expr.body, env)
    if block is POISON:
        return POISON
    if not isinstance(block, BlockValue):
        raise Refusal("E0204", f"{describe(block)} takes no body").located(head.span)
    return bind(block, arguments, env, head.span, body)


@rule(spec.BlockExpr)
def _block(expr: spec.BlockExpr, env: Env) -> Any:
    return body_value(expr.body, env)


def body_value(body: spec.Body, env: Env) -> Any:
    """``{ … }`` as a value: a block, or a list of branches."""
    return Branches(body, env) if is_branching(body) else BodyBlock(body, env)


@rule(spec.Frozen)
def _frozen(expr: spec.Frozen, env: Env) -> Any:
    place = env.place
    frozen = frozen_place(place)
    value = evaluate(expr.value, env.at(frozen))
    return FrozenBlock(value) if isinstance(value, BlockValue) else value


@rule(spec.Own)
def _own(expr: spec.Own, env: Env) -> Any:
    value = evaluate(expr.value, env)
    if value is POISON:
        return POISON
    if not isinstance(value, BlockValue):
        raise Refusal("E0204", f"`own` is said of a block, not of {describe(value)}")
    return OwnBlock(value)


@rule(spec.Pipeline)
def _pipeline(expr: spec.Pipeline, env: Env) -> Any:
    """``a -> b`` as a value: applied when ``a`` is a tensor, else the composition of blocks."""
    head = as_flow(evaluate(expr.stages[0], env), env)
    if head is POISON or is_flow(head):
        return apply_stages(head, expr.stages[1:], env)
    stages = [stage_block(stage, env) for stage in expr.stages]
    if any(stage is POISON for stage in stages):
        return POISON
    return Pipe([(block, head_span(stage)) for block, stage in zip(stages, expr.stages)])
