"""The flow: the stages that a statement applies to it, and what counts as one."""

from __future__ import annotations

from typing import Any

from archdsl import ops
from archdsl.diagnostics import Refusal
from archdsl.graph import Value
from archdsl.interpret.code import Code, Context, Step, compiled, condition, head_span
from archdsl.interpret.env import Env
from archdsl.interpret.values import BlockValue, Indexed, describe, is_flow
from archdsl.source import Span
from archdsl.syntax import spec
from archdsl.tape.limits import BoundExceeded
from archdsl.tape.paths import Naming
from archdsl.tape.poison import POISON, Flow, Poison
from archdsl.tape.tape import Place

Stage = tuple[Code, Span]
"""What stands behind an arrow, and where."""


def flow_code(expr: spec.Expr, context: Context) -> Step:
    """An expression as a statement: it applies blocks to the flow, or begins with a tensor."""
    if isinstance(expr, spec.Conditional):
        return _choice(expr, context)
    exprs = expr.stages if isinstance(expr, spec.Pipeline) else (expr,)
    first, span = compiled(exprs[0], context), head_span(exprs[0])
    rest = stages(exprs[1:], context)
    alone = len(exprs) == 1
    makes = alone and _from_nothing(exprs[0])

    def run(env: Env, flow: Flow, naming: Naming) -> Flow:
        place = env.place
        if makes and naming == "direct":
            env = env.at(place.at(place.scope, "direct"))
        head = first(env)
        if type(head) is not Value and not isinstance(head, BlockValue):
            head = as_flow(head, env)
        if is_flow(head) or head is POISON:
            if rest and len(rest) == 1 and naming == "direct":
                place = place.at(place.scope, "direct")
            return run_stages(head, rest, env, place)
        if not isinstance(head, BlockValue):
            raise _no_stage(head).located(span)
        if alone and (naming == "direct" or (naming == "scope" and head.is_scope)):
            place = place.at(place.scope, "direct")
        flow = apply_block(head, flow, place, span)
        return run_stages(flow, rest, env, env.place) if rest else flow

    return run


def _choice(expr: spec.Conditional, context: Context) -> Step:
    verdict = condition(expr.condition, context)
    then, otherwise = flow_code(expr.value, context), flow_code(expr.otherwise, context)

    def run(env: Env, flow: Flow, naming: Naming) -> Flow:
        chosen = verdict(env)
        if isinstance(chosen, Poison):
            return POISON
        return then(env, flow, naming) if chosen else otherwise(env, flow, naming)

    return run


def _no_stage(value: Any) -> Refusal:
    help = "give it a name with `let`"
    if isinstance(value, tuple) and any(isinstance(item, BlockValue) for item in value):
        help = "blocks are chained with `->`, or stand on lines of their own"
    return Refusal("E0204", f"a statement is a block or a tensor, not {describe(value)}", help=help)


def _from_nothing(expr: spec.Expr) -> bool:
    """Whether this is a call of an operator without inputs, which makes its tensor when it is evaluated."""
    if not isinstance(expr, spec.Call) or not isinstance(expr.callee, spec.Name):
        return False
    return ops.is_operator(expr.callee.id) and ops.load(expr.callee.id).arity[1] == 0


def guarded(step: Step, span: Span) -> Step:
    """The same, but a fault is reported here and poisons the flow."""

    def run(env: Env, flow: Flow, naming: Naming) -> Flow:
        try:
            return step(env, flow, naming)
        except BoundExceeded as exceeded:
            raise exceeded.located(span) from None
        except Refusal as refusal:
            return env.session.faults.refuse(refusal.located(span), env.place.frame)

    return run


def stages(exprs: tuple[spec.Expr, ...], context: Context) -> tuple[Stage, ...]:
    """The code of stages behind arrows."""
    return tuple([(_stage_code(expr, context), head_span(expr)) for expr in exprs])


def run_stages(flow: Flow, stages: tuple[Stage, ...], env: Env, place: Place | None = None) -> Flow:
    """The flow after further stages, each evaluated when its turn comes and applied at the place."""
    place = place or env.place
    for code, span in stages:
        block = code(env)
        flow = POISON if block is POISON else apply_block(block, flow, place, span)
    return flow


def apply_block(block: BlockValue, flow: Flow, place: Place, span: Span) -> Flow:
    """Apply at the place; refusals without a place of their own get ``span``.

    An operator that refuses is reported here, and the flow goes on with what is certain of its result.
    """
    try:
        return block.apply(flow, place, span)
    except BoundExceeded as exceeded:
        raise exceeded.located(span) from None
    except Refusal as refusal:
        if not block.guesses:
            raise refusal.located(span) from None
        place.tape.faults.refuse(refusal.located(span), place.frame)
        return block.guess(flow, place.tape)


def _stage_code(expr: spec.Expr, context: Context) -> Code:
    code, span = compiled(expr, context), head_span(expr)
    return lambda env: as_stage(code(env), span)


def as_stage(value: Any, span: Span) -> Any:
    """What stands behind an arrow: a block, or poison."""
    if value is POISON or isinstance(value, BlockValue):
        return value
    if is_flow(value):
        raise Refusal(
            "E0204", f"{describe(value)} cannot follow `->`: only blocks are applied",
            help="a tensor begins a statement: `x -> f`; join tensors with `concat(x)` or `add(x)`",
        ).located(span)  # fmt: skip
    raise Refusal("E0204", f"only blocks are applied with `->`, not {describe(value)}").located(span)


def as_flow(value: Any, env: Env) -> Any:
    """Collected labels and nested tuples of tensors as one flat tuple; other values as they are."""
    if type(value) is Value or isinstance(value, BlockValue):
        return value
    if isinstance(value, Indexed):
        env.session.bounds.step(len(value.items) // 8)
        value = value.as_tuple()
    if isinstance(value, tuple) and value and not isinstance(value[0], int | float | str):
        env.session.bounds.step(len(value) // 8)
        flat: list[Any] = []
        for item in value:
            flat.extend(item if isinstance(item, tuple) else (item,))
        if any(item is POISON for item in flat):
            return POISON
        if all(isinstance(item, Value) for item in flat):
            return tuple(flat)
    return value
