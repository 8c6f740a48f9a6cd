"""Statements that give the flow on: applications, loops and conditions, with their labels and shape annotations."""

from __future__ import annotations

import re
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.graph import Value
from archdsl.interpret.env import Env
from archdsl.interpret.evaluate import evaluate, truth
from archdsl.interpret.execute import run_body, run_flow, runs
from archdsl.interpret.flow import apply_stages
from archdsl.interpret.loops import iterations
from archdsl.interpret.shape_patterns import check_pattern
from archdsl.interpret.values import POISON, Flow, Indexed, Labelled, Poison, describe, shortened
from archdsl.modules.structure import is_single
from archdsl.syntax import spec
from archdsl.tape.paths import PathScope, join

Named = spec.Flow | spec.Branch | spec.Repeat | spec.For | spec.If
"""Statements that may have a label and a shape annotation."""
_FLOWS = (spec.Flow, spec.Branch)


@runs(spec.Flow, spec.Repeat, spec.For, spec.If)
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
    if type(statement) in _FLOWS:
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
    if isinstance(statement, _FLOWS):
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
