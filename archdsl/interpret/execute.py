"""Statements: the dispatch, and what they all run on. The rules are in the modules around this one, each registered by
class.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from archdsl import ops
from archdsl.diagnostics import Refusal
from archdsl.interpret.env import Env
from archdsl.interpret.evaluate import evaluate, head_span, truth
from archdsl.interpret.flow import apply_block, apply_stages, as_flow
from archdsl.interpret.session import BoundExceeded
from archdsl.interpret.values import POISON, BlockValue, Flow, Indexed, Poison, describe, is_flow
from archdsl.modules.structure import is_single, static_labels
from archdsl.syntax import spec

RULES: dict[type, Callable[[Any, Env, Flow], Flow]] = {}
"""Class of statement -> what it does to the names in scope and to the flow that it is given."""

Rule = TypeVar("Rule", bound=Callable[..., Flow])


def runs(*kinds: type[spec.Statement]) -> Callable[[Rule], Rule]:
    """Register the rule of some classes of statements."""

    def register(function: Rule) -> Rule:
        for kind in kinds:
            RULES[kind] = function
        return function

    return register


def run_body(body: spec.Body, env: Env, flow: Flow) -> Flow:
    """Run the statements in order on the flow; a fault poisons the flow and the work goes on."""
    scope = env.place.scope
    if scope.solo and not is_single(body):
        scope.solo = ""
    scope.reserved |= static_labels(body)
    for statement in body.statements:
        env.session.step()
        try:
            if type(statement) is spec.Flow and statement.label is None and statement.shape is None:
                flow = run_flow(statement.value, env, flow)
            else:
                flow = RULES[type(statement)](statement, env, flow)
        except BoundExceeded as exceeded:
            raise exceeded.located(statement.span) from None
        except Refusal as refusal:
            flow = env.session.refuse(refusal.located(statement.span), env.place.frame)
            _poison_names(statement, env)
    return flow


def guarded_flow(expr: spec.Expr, env: Env, flow: Flow) -> Flow:
    """Run an expression on the flow; a fault poisons it."""
    try:
        return run_flow(expr, env, flow)
    except BoundExceeded as exceeded:
        raise exceeded.located(head_span(expr)) from None
    except Refusal as refusal:
        return env.session.refuse(refusal.located(head_span(expr)), env.place.frame)


def run_flow(expr: spec.Expr, env: Env, flow: Flow) -> Flow:
    """Apply an expression statement: blocks to the flow, or a tensor to begin with."""
    while isinstance(expr, spec.Conditional):
        condition = truth(expr.condition, env)
        if isinstance(condition, Poison):
            return POISON
        expr = expr.value if condition else expr.otherwise
    stages = expr.stages if isinstance(expr, spec.Pipeline) else (expr,)
    scope = env.place.scope
    solo, scope.solo = scope.solo, ""
    if solo == "any" and len(stages) == 1 and _from_nothing(stages[0]):
        scope.mode = "direct"
    head = as_flow(evaluate(stages[0], env), env)
    if is_flow(head) or head is POISON:
        if solo == "any" and len(stages) == 2:
            scope.mode = "direct"
        return apply_stages(head, stages[1:], env)
    if not isinstance(head, BlockValue):
        help = "give it a name with `let`"
        if isinstance(head, tuple) and any(isinstance(item, BlockValue) for item in head):
            help = "blocks are chained with `->`, or stand on lines of their own"
        message = f"a statement is a block or a tensor, not {describe(head)}"
        raise Refusal("E0204", message, help=help).located(head_span(stages[0]))
    if len(stages) == 1 and (solo == "any" or (solo == "block" and head.is_scope)):
        scope.mode = "direct"
    flow = apply_block(head, flow, env, head_span(stages[0]))
    return apply_stages(flow, stages[1:], env)


def _from_nothing(expr: spec.Expr) -> bool:
    """Whether this is a call of an operator without inputs, which makes its tensor when it is evaluated."""
    if not isinstance(expr, spec.Call) or not isinstance(expr.callee, spec.Name):
        return False
    return ops.is_operator(expr.callee.id) and ops.load(expr.callee.id).arity[1] == 0


def _poison_names(statement: spec.Statement, env: Env) -> None:
    """What a refused statement would have named is poison, so that its users stay silent."""
    label: spec.Target | None = getattr(statement, "label", None)
    if isinstance(statement, spec.Let):
        names: tuple[str, ...] = statement.targets
    elif isinstance(statement, spec.Share):
        names = (statement.name,)
    else:
        names = (label.name,) if label is not None and label.name else ()
    if label is not None and label.name is not None and label.index is not None:
        found = env.find_label(label.name)
        if not isinstance(found, Indexed):
            found = env.outside_loops().labels[label.name] = Indexed()
        found.incomplete = True
        return
    scope = env.names if isinstance(statement, spec.Let | spec.Share) else env.labels
    for name in names:
        if name != "_":
            scope.setdefault(name, POISON)
