"""The flow: what is applied to it, and what counts as one."""

from __future__ import annotations

from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.elaborate import blocks
from archdsl.elaborate.env import Env
from archdsl.elaborate.evaluate import evaluate, head_span, rule
from archdsl.elaborate.session import BoundExceeded
from archdsl.elaborate.values import POISON, BlockValue, Flow, Indexed, describe, is_flow
from archdsl.graph import Value
from archdsl.source import Span
from archdsl.syntax import spec


@rule(spec.Pipeline)
def pipeline_value(expr: spec.Pipeline, env: Env) -> Any:
    """``a -> b`` as a value: applied when ``a`` is a tensor, else the composition of blocks."""
    head = as_flow(evaluate(expr.stages[0], env), env)
    if head is POISON or is_flow(head):
        return apply_stages(head, expr.stages[1:], env)
    stages = [_stage(stage, env) for stage in expr.stages]
    if any(stage is POISON for stage in stages):
        return POISON
    return blocks.Pipe([(block, head_span(stage)) for block, stage in zip(stages, expr.stages)])


def apply_stages(flow: Flow, stages: tuple[spec.Expr, ...], env: Env) -> Flow:
    """The flow after further stages, each evaluated when its turn comes."""
    for stage in stages:
        block = _stage(stage, env)
        flow = POISON if block is POISON else apply_block(block, flow, env, head_span(stage))
    return flow


def apply_block(block: BlockValue, flow: Flow, env: Env, span: Span) -> Flow:
    """Apply at the environment's place; refusals without a place of their own get ``span``.

    An operator that refuses is told here, and the flow goes on with what is certain of its result.
    """
    try:
        return block.apply(flow, env.place, span)
    except BoundExceeded as exceeded:
        raise exceeded.located(span) from None
    except Refusal as refusal:
        if not isinstance(block, blocks.OpBlock):
            raise refusal.located(span) from None
        env.session.refuse(refusal.located(span), env.place.frame)
        return block.guess(flow, env.session)


def _stage(expr: spec.Expr, env: Env) -> Any:
    value = evaluate(expr, env)
    if value is POISON or isinstance(value, BlockValue):
        return value
    if is_flow(value):
        raise Refusal(
            "E0204", f"{describe(value)} cannot follow `->`: only blocks are applied",
            help="a tensor begins a statement: `x -> f`; join tensors with `concat(x)` or `add(x)`",
        ).located(head_span(expr))  # fmt: skip
    raise Refusal("E0204", f"only blocks are applied with `->`, not {describe(value)}").located(head_span(expr))


def as_flow(value: Any, env: Env) -> Any:
    """Collected labels and nested tuples of tensors as one flat tuple; other values as they are."""
    if type(value) is Value or isinstance(value, BlockValue):
        return value
    if isinstance(value, Indexed):
        env.session.step(len(value.items) // 8)
        value = value.as_tuple()
    if isinstance(value, tuple) and value and not isinstance(value[0], int | float | str):
        env.session.step(len(value) // 8)
        flat: list[Any] = []
        for item in value:
            flat.extend(item if isinstance(item, tuple) else (item,))
        if any(item is POISON for item in flat):
            return POISON
        if all(isinstance(item, Value) for item in flat):
            return tuple(flat)
    return value
