"""Statements: what they do to the flow and to the names in scope."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from archdsl import ops
from archdsl.diagnostics import Refusal
from archdsl.elaborate import claims, network
from archdsl.elaborate.blocks import (
    FailedOp,
    Parametric,
    SharedBlock,
    UserBlock,
)
from archdsl.elaborate.bodies import is_single, static_labels
from archdsl.elaborate.combinators import Combinator
from archdsl.elaborate.env import Env
from archdsl.elaborate.evaluate import evaluate, head_span, truth
from archdsl.elaborate.expressions import assign
from archdsl.elaborate.flow import apply_block, apply_stages, as_flow
from archdsl.elaborate.loops import iterations
from archdsl.elaborate.paths import PathScope, join
from archdsl.elaborate.patterns import check_pattern
from archdsl.elaborate.session import BoundExceeded
from archdsl.elaborate.values import (
    POISON,
    BlockValue,
    Flow,
    Indexed,
    Labelled,
    Poison,
    describe,
    is_flow,
    shortened,
)
from archdsl.graph import Value
from archdsl.syntax import spec

Named = spec.Flow | spec.Branch | spec.Repeat | spec.For | spec.If
"""Statements that may have a label and a shape annotation."""


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
                flow = _RULES[type(statement)](statement, env, flow)
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
    whole = isinstance(head, UserBlock) or (isinstance(head, Combinator) and head.name == "seq")
    if len(stages) == 1 and (solo == "any" or (solo == "block" and whole)):
        scope.mode = "direct"
    flow = apply_block(head, flow, env, head_span(stages[0]))
    return apply_stages(flow, stages[1:], env)


def _from_nothing(expr: spec.Expr) -> bool:
    """Whether this is a call of an operator without inputs, which makes its tensor when it is evaluated."""
    if not isinstance(expr, spec.Call) or not isinstance(expr.callee, spec.Name):
        return False
    return ops.is_operator(expr.callee.id) and ops.load(expr.callee.id).arity[1] == 0


# Labels


def labelled(statement: Named, env: Env, flow: Flow) -> Flow:
    """Run a statement under its label, if it has one; check its annotation; bind the label."""
    label = statement.label
    if label is None:
        return _checked(statement, env, _core(statement, env, flow, None))
    name, index = _label_name(label, env)
    if name is POISON:
        return _core(statement, env, flow, None)
    outer = env.place.scope
    scope = outer.child(_label_path(outer, name, index, label, env))
    if isinstance(statement, spec.Flow | spec.Branch):
        scope.solo = "any"
    inner = env.at(env.place.at(scope))
    result = _checked(statement, inner, _core(statement, inner, flow, scope))
    _bind_label(label, name, index, Labelled(result, scope), env, outer)
    return result


_LABEL = re.compile(r"(?=.{1,200}$)[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_][A-Za-z0-9_-]*)*")


def _label_name(label: spec.Target, env: Env) -> tuple[Any, int | None]:
    if label.template is not None:
        text = evaluate(label.template, env)
        if text is not POISON and not _LABEL.fullmatch(text):
            what = f'"{shortened(text, 40)}" cannot be a label'
            help = "labels consist of letters, digits, `_`, `-` and `.`, at most 200 of them"
            raise Refusal("E0205", what, help=help).located(label.span)
        return text, None
    if label.index is None:
        return label.name, None
    index = evaluate(label.index, env)
    if index is POISON:
        return POISON, None
    if isinstance(index, bool) or not isinstance(index, int) or index < 0:
        raise Refusal("E0204", f"the index of a label must be a whole number, not {describe(index)}").located(
            label.span
        )
    return label.name, index


def _label_path(scope: PathScope, name: str, index: int | None, label: spec.Target, env: Env) -> str:
    """The path name under the label: repeated by a loop it is counted, repeated by hand it is refused."""
    if index is not None:
        return f"{name}.{index}"
    if label.template is not None and name in scope.taken:
        raise Refusal("E0207", f"the label `{join(scope.path, name)}` is given twice").located(label.span)
    return scope.label(name)


def _bind_label(label: spec.Target, name: str, index: int | None, value: Labelled, env: Env, outer: PathScope) -> None:
    if isinstance(value.result, Value):
        env.session.taps[value.scope.path] = value.result
    if label.template is not None:
        outer.labels[name] = value
        return
    if index is None:
        outer.labels.setdefault(name, value)
        env.labels[name] = value
        return
    found = env.find_label(name)
    if not isinstance(found, Indexed):
        found = env.outside_loops().labels[name] = Indexed()
    if index in found.items:
        raise Refusal("E0207", f"`{name}[{index}]` is labelled twice").located(label.span)
    found.items[index] = value
    collected = outer.labels.setdefault(name, {})
    if isinstance(collected, dict):
        collected[index] = value


def _core(statement: Named, env: Env, flow: Flow, scope: PathScope | None) -> Flow:
    if isinstance(statement, spec.Flow | spec.Branch):
        return run_flow(statement.value, env, flow)
    if isinstance(statement, spec.If):
        result = _if(statement, env, flow)
    else:
        result = _loop(statement, env, flow, scope)
    return apply_stages(result, statement.then, env)


def _checked(statement: Named, env: Env, flow: Flow) -> Flow:
    """Hold the flow against the ``:: [N, _, …]`` of a statement."""
    pattern = statement.shape
    if pattern is None or flow is POISON:
        return flow
    if not isinstance(flow, Value):
        raise Refusal("E0313", f"{describe(flow)} has no single shape to compare").located(pattern.span)
    check_pattern(pattern, flow, env)
    return flow


# Loops and conditions


def _if(statement: spec.If, env: Env, flow: Flow) -> Flow:
    for condition, body in statement.arms:
        verdict = truth(condition, env)
        if isinstance(verdict, Poison):
            return POISON
        if verdict:
            return run_body(body, env, flow)
    return flow if statement.otherwise is None else run_body(statement.otherwise, env, flow)


def _loop(statement: spec.Repeat | spec.For, env: Env, flow: Flow, scope: PathScope | None) -> Flow:
    single = is_single(statement.body)
    for k, bindings in enumerate(iterations(statement, env)):
        env.session.step()
        place = env.place
        if scope is not None:
            inner_scope = scope.child(str(k))
            inner_scope.solo = "any" if single else ""
            place = place.at(inner_scope)
        inner = Env(env, place, "loop", flow)
        inner.names.update(bindings)
        flow = run_body(statement.body, inner, flow)
    return flow


# Other statements


def bind_let(statement: spec.Let, env: Env, flow: Flow) -> Flow:
    """``let a, b = value``: names for a value, or for its parts; the flow stays as it is."""
    value = as_flow(evaluate(statement.value, env), env)
    if len(statement.targets) > 1 and isinstance(value, BlockValue):
        value = apply_block(value, flow, env, head_span(statement.value))
    assign(statement.targets, value, env)
    return flow


def _share(statement: spec.Share, env: Env, flow: Flow) -> Flow:
    value = evaluate(statement.value, env)
    if not isinstance(value, Poison | BlockValue):
        raise Refusal("E0204", f"`share` needs a block, not {describe(value)}").located(statement.value.span)
    scope = env.place.scope
    if isinstance(value, BlockValue):
        value = SharedBlock(statement.name, value, join(scope.path, scope.unique(statement.name)))
    env.names[statement.name] = value
    return flow


def _assert(statement: spec.Assert, env: Env, flow: Flow) -> Flow:
    if truth(statement.condition, env, "an assertion") is False:
        message = "" if statement.message is None else evaluate(statement.message, env)
        told = message if isinstance(message, str) and message else " ".join(statement.condition.span.text.split())
        raise Refusal("E0403", f"assertion failed: {shortened(told, 300)}").located(statement.condition.span)
    return flow


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


def _weights(statement: spec.Weights, env: Env, flow: Flow) -> Flow:
    from archdsl.elaborate.name_maps import collect_weights

    return collect_weights(statement, env, flow)


def missing(statement: spec.Missing, env: Env, flow: Flow) -> Flow:
    """What could not be read may have given its names a meaning; the flow behind it is unknown."""
    for name in statement.names:
        if env.find(name) is Env.missing and env.find_label(name) is Env.missing:
            env.labels[name] = POISON
    return POISON


def _branch_misplaced(statement: spec.Branch, env: Env, flow: Flow) -> Flow:
    raise Refusal(
        "E0217", "a branch stands in a list of branches", help="say how they join: `parallel(concat) { | … }`"
    )


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


_RULES: dict[type, Callable[[Any, Env, Flow], Flow]] = {
    spec.Flow: labelled,
    spec.Repeat: labelled,
    spec.For: labelled,
    spec.If: labelled,
    spec.Branch: _branch_misplaced,
    spec.Let: bind_let,
    spec.Share: _share,
    spec.Assert: _assert,
    spec.With: _with,
    spec.Input: network.declare_input,
    spec.Output: network.declare_output,
    spec.Expect: claims.collect_expect,
    spec.Budget: claims.collect_budget,
    spec.Weights: _weights,
    spec.Missing: missing,
}
