"""The flow: what is applied to it, and what counts as one."""

from __future__ import annotations

from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.graph import Value
from archdsl.interpret.env import Env
from archdsl.interpret.evaluate import evaluate, head_span
from archdsl.interpret.session import BoundExceeded
from archdsl.interpret.values import POISON, BlockValue, Flow, Indexed, describe, is_flow
from archdsl.source import Span
from archdsl.syntax import spec


def apply_stages(flow: Flow, stages: tuple[spec.Expr, ...], env: Env) -> Flow:
    """The flow after further stages, each evaluated when its turn comes."""
    for stage in stages:
        block = stage_block(stage, env)
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
        if not block.guesses:
            raise refusal.located(span) from None
        env.session.refuse(refusal.located(span), env.place.frame)
        return block.guess(flow, env.session)


def stage_block(expr: spec.Expr, env: Env) -> Any:
    """What stands behind an arrow: a block, or poison."""
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
