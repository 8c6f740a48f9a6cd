"""The other statements: ``let``, ``share``, ``assert``, ``with``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.interpret.blocks import SharedBlock
from archdsl.interpret.code import BodyCode, Context, Step, compiled, condition, head_span, statement
from archdsl.interpret.env import Env
from archdsl.interpret.loops import assign
from archdsl.interpret.operators import FailedOp
from archdsl.interpret.parametric import Parametric
from archdsl.interpret.stages import apply_block
from archdsl.interpret.values import BlockValue, as_flow, describe
from archdsl.source import shortened
from archdsl.syntax import spec
from archdsl.tape.paths import Naming, join
from archdsl.tape.poison import POISON, Flow, Poison


@statement(spec.Let)
def let(statement: spec.Let, context: Context) -> Step:
    """``let a, b = value``: names for a value, or for its parts; the flow stays as it is."""
    code, span = compiled(statement.value, context), head_span(statement.value)

    def run(env: Env, flow: Flow, naming: Naming) -> Flow:
        value = as_flow(code(env), env.session.bounds)
        if len(statement.targets) > 1 and isinstance(value, BlockValue):
            value = apply_block(value, flow, env.place, span)
        assign(statement.targets, value, env.names, env.session)
        return flow

    return run


@statement(spec.Share)
def _share(statement: spec.Share, context: Context) -> Step:
    code = compiled(statement.value, context)

    def run(env: Env, flow: Flow, naming: Naming) -> Flow:
        value = code(env)
        if not isinstance(value, Poison | BlockValue):
            raise Refusal("E0204", f"`share` needs a block, not {describe(value)}").located(statement.value.span)
        scope = env.place.scope
        if isinstance(value, BlockValue):
            value = SharedBlock(statement.name, value, join(scope.path, scope.unique(statement.name)))
        env.names[statement.name] = value
        return flow

    return run


@statement(spec.Assert)
def _assert(statement: spec.Assert, context: Context) -> Step:
    verdict = condition(statement.condition, context, "an assertion")
    explained = None if statement.message is None else compiled(statement.message, context)

    def run(env: Env, flow: Flow, naming: Naming) -> Flow:
        if verdict(env) is False:
            message = "" if explained is None else explained(env)
            told = message if isinstance(message, str) and message else " ".join(statement.condition.span.text.split())
            refusal = Refusal("E0403", f"assertion failed: {shortened(told, 300)}")
            raise refusal.located(statement.condition.span)
        return flow

    return run


@statement(spec.With)
def _with(statement: spec.With, context: Context) -> Step:
    defaults, body = defaults_code(statement.calls, context), BodyCode(statement.body, context)
    return lambda env, flow, naming: body.run(env.at(env.place, defaults(env)), flow)


def defaults_code(calls: tuple[spec.Call, ...], context: Context) -> Callable[[Env], dict[str, dict[str, Any]]]:
    """The defaults that ``with conv(bias = false), …`` gives, by operator or block name."""
    codes = [(compiled(call, context), call.span) for call in calls]

    def defaults(env: Env) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        env.session.has_defaults = True
        for code, span in codes:
            block = code(env)
            if block is POISON or isinstance(block, FailedOp):
                continue
            if not isinstance(block, Parametric):
                message = f"`with` gives defaults to operators and blocks, not to {describe(block)}"
                raise Refusal("E0204", message).located(span)
            found[block.name] = {**found.get(block.name, {}), **block.bound}
        return found

    return defaults


@statement(spec.Weights)
def _weights(statement: spec.Weights, context: Context) -> Step:
    def run(env: Env, flow: Flow, naming: Naming) -> Flow:
        from archdsl.interpret.checkpoint_names import collect_weights  # few files have one

        return collect_weights(statement, env, flow)

    return run


@statement(spec.Missing)
def missing(statement: spec.Missing, context: Context) -> Step:
    """An unreadable statement may have bound its names; the flow after it is unknown."""

    def run(env: Env, flow: Flow, naming: Naming) -> Flow:
        for name in statement.names:
            if env.find(name) is Env.missing and env.find_label(name) is Env.missing:
                env.labels[name] = POISON
        return POISON

    return run


@statement(spec.Branch)
def _branch_misplaced(statement: spec.Branch, context: Context) -> Step:
    def run(env: Env, flow: Flow, naming: Naming) -> Flow:
        help = "say how they join: `parallel(concat) { | … }`"
        raise Refusal("E0217", "a branch can be used only in a list of branches", help=help)

    return run
