"""The other statements: ``let``, ``share``, ``assert``, ``with``."""

from __future__ import annotations

from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.interpret.blocks import SharedBlock
from archdsl.interpret.env import Env
from archdsl.interpret.evaluate import evaluate, head_span, truth
from archdsl.interpret.execute import run_body, runs
from archdsl.interpret.flow import apply_block, as_flow
from archdsl.interpret.loops import assign
from archdsl.interpret.operators import FailedOp
from archdsl.interpret.parametric import Parametric
from archdsl.interpret.values import POISON, BlockValue, Flow, Poison, describe, shortened
from archdsl.syntax import spec
from archdsl.tape.paths import join


@runs(spec.Let)
def bind_let(statement: spec.Let, env: Env, flow: Flow) -> Flow:
    """``let a, b = value``: names for a value, or for its parts; the flow stays as it is."""
    value = as_flow(evaluate(statement.value, env), env)
    if len(statement.targets) > 1 and isinstance(value, BlockValue):
        value = apply_block(value, flow, env, head_span(statement.value))
    assign(statement.targets, value, env)
    return flow


@runs(spec.Share)
def _share(statement: spec.Share, env: Env, flow: Flow) -> Flow:
    value = evaluate(statement.value, env)
    if not isinstance(value, Poison | BlockValue):
        raise Refusal("E0204", f"`share` needs a block, not {describe(value)}").located(statement.value.span)
    scope = env.place.scope
    if isinstance(value, BlockValue):
        value = SharedBlock(statement.name, value, join(scope.path, scope.unique(statement.name)))
    env.names[statement.name] = value
    return flow


@runs(spec.Assert)
def _assert(statement: spec.Assert, env: Env, flow: Flow) -> Flow:
    if truth(statement.condition, env, "an assertion") is False:
        message = "" if statement.message is None else evaluate(statement.message, env)
        told = message if isinstance(message, str) and message else " ".join(statement.condition.span.text.split())
        raise Refusal("E0403", f"assertion failed: {shortened(told, 300)}").located(statement.condition.span)
    return flow


@runs(spec.With)
def _with(statement: spec.With, env: Env, flow: Flow) -> Flow:
    return run_body(statement.body, env.at(env.place, with_defaults(statement.calls, env)), flow)


def with_defaults(calls: tuple[spec.Call, ...], env: Env) -> dict[str, dict[str, Any]]:
    """The defaults that ``with conv(bias = false), …`` gives, by operator or block name."""
    found: dict[str, dict[str, Any]] = {}
    env.session.has_defaults = True
    for call in calls:
        block = evaluate(call, env)
        if block is POISON or isinstance(block, FailedOp):
            continue
        if not isinstance(block, Parametric) or block.tensors:
            raise Refusal("E0204", f"`with` gives defaults to operators and blocks, not to {describe(block)}").located(
                call.span
            )
        found[block.name] = {**found.get(block.name, {}), **block.bound}
    return found


@runs(spec.Weights)
def _weights(statement: spec.Weights, env: Env, flow: Flow) -> Flow:
    from archdsl.interpret.checkpoint_names import collect_weights  # few files have one

    return collect_weights(statement, env, flow)


@runs(spec.Missing)
def missing(statement: spec.Missing, env: Env, flow: Flow) -> Flow:
    """What could not be read may have given its names a meaning; the flow behind it is unknown."""
    for name in statement.names:
        if env.find(name) is Env.missing and env.find_label(name) is Env.missing:
            env.labels[name] = POISON
    return POISON


@runs(spec.Branch)
def _branch_misplaced(statement: spec.Branch, env: Env, flow: Flow) -> Flow:
    raise Refusal(
        "E0217", "a branch stands in a list of branches", help="say how they join: `parallel(concat) { | … }`"
    )
