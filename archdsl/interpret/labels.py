"""Statements that give the flow on: applications, loops and conditions, with their labels and shape annotations."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.graph import Value
from archdsl.interpret.code import BodyCode, Code, Context, Step, compiled, condition, statement
from archdsl.interpret.env import Env
from archdsl.interpret.flow import flow_code, run_stages, stages
from archdsl.interpret.loops import iterations
from archdsl.interpret.shape_patterns import Pattern, check_pattern, pattern_code
from archdsl.interpret.values import Indexed, describe
from archdsl.source import shortened
from archdsl.syntax import spec
from archdsl.tape.paths import Labelled, Naming, PathScope, join
from archdsl.tape.poison import POISON, Flow, Poison

Named = spec.Flow | spec.Branch | spec.Repeat | spec.For | spec.If
"""Statements that may have a label and a shape annotation."""


@statement(spec.Flow, spec.Repeat, spec.For, spec.If)
def labelled(statement: Named, context: Context) -> Step:
    """Run a statement under its label, if it has one; check its annotation; bind the label."""
    core = _core(statement, context)
    if statement.shape is not None:
        core = _annotated(core, statement.shape, context)
    return core if statement.label is None else _under_label(core, statement, statement.label, context)


def _under_label(core: Step, statement: Named, label: spec.Target, context: Context) -> Step:
    """The only stage of a flow takes the path of the label; a loop's iterations are numbered below it."""
    part = label.template if label.template is not None else label.index
    computed = None if part is None else compiled(part, context)
    naming: Naming = "direct" if isinstance(statement, spec.Flow | spec.Branch | spec.Repeat | spec.For) else "spliced"

    def run(env: Env, flow: Flow, outside: Naming) -> Flow:
        name, index = _label_name(label, computed, env)
        if name is POISON:
            return core(env, flow, "spliced")
        outer = env.place.scope
        scope = outer.child(_label_path(outer, name, index, label))
        result = core(env.at(env.place.at(scope)), flow, naming)
        _bind_label(label, name, index, Labelled(result, scope), env, outer)
        return result

    return run


_LABEL = re.compile(r"(?=.{1,200}$)[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_][A-Za-z0-9_-]*)*")


def _label_name(label: spec.Target, computed: Code | None, env: Env) -> tuple[Any, int | None]:
    """The name and index of a label; ``computed`` gives the template's text, or the index."""
    if computed is None:
        return label.name, None
    if label.template is not None:
        text = computed(env)
        if text is not POISON and not _LABEL.fullmatch(text):
            what = f'"{shortened(text, 40)}" cannot be a label'
            help = "labels consist of letters, digits, `_`, `-` and `.`, at most 200 of them"
            raise Refusal("E0205", what, help=help).located(label.span)
        return text, None
    index = computed(env)
    if index is POISON:
        return POISON, None
    if isinstance(index, bool) or not isinstance(index, int) or index < 0:
        raise Refusal("E0204", f"the index of a label must be a whole number, not {describe(index)}").located(
            label.span
        )
    return label.name, index


def _label_path(scope: PathScope, name: str, index: int | None, label: spec.Target) -> str:
    """The path name under the label: repeated by a loop it is counted, repeated by hand it is refused."""
    if index is not None:
        return f"{name}.{index}"
    if label.template is not None and name in scope.taken:
        raise Refusal("E0207", f"the label `{join(scope.path, name)}` is given twice").located(label.span)
    return scope.label(name)


def _bind_label(label: spec.Target, name: str, index: int | None, value: Labelled, env: Env, outer: PathScope) -> None:
    if isinstance(value.result, Value):
        env.session.tape.taps[value.scope.path] = value.result
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


def _core(statement: Named, context: Context) -> Step:
    if isinstance(statement, spec.Flow | spec.Branch):
        return flow_code(statement.value, context)
    core = _if(statement, context) if isinstance(statement, spec.If) else _loop(statement, context)
    then = stages(statement.then, context)
    if not then:
        return core
    return lambda env, flow, naming: run_stages(core(env, flow, naming), then, env)


def _annotated(core: Step, pattern: spec.ShapePattern, context: Context) -> Step:
    """Hold the flow against the ``:: [N, _, …]`` of a statement."""
    wanted: Pattern = pattern_code(pattern, context)

    def run(env: Env, flow: Flow, naming: Naming) -> Flow:
        flow = core(env, flow, naming)
        if flow is POISON:
            return flow
        if not isinstance(flow, Value):
            raise Refusal("E0313", f"{describe(flow)} has no single shape to compare").located(pattern.span)
        check_pattern(wanted, flow, env)
        return flow

    return run


def _if(statement: spec.If, context: Context) -> Step:
    arms: list[tuple[Callable[[Env], Any], BodyCode]] = [
        (condition(expr, context), BodyCode(body, context)) for expr, body in statement.arms
    ]
    otherwise = None if statement.otherwise is None else BodyCode(statement.otherwise, context)

    def run(env: Env, flow: Flow, naming: Naming) -> Flow:
        for verdict, body in arms:
            chosen = verdict(env)
            if isinstance(chosen, Poison):
                return POISON
            if chosen:
                return body.run(env, flow, naming)
        return flow if otherwise is None else otherwise.run(env, flow, naming)

    return run


def _loop(statement: spec.Repeat | spec.For, context: Context) -> Step:
    """Under a label (``naming`` is ``direct``) iteration k stands at ``label.k``; a body that applies one thing gives
    it that path.
    """
    rows, body = iterations(statement, context), BodyCode(statement.body, context)
    numbered = statement.label is not None

    def run(env: Env, flow: Flow, naming: Naming) -> Flow:
        place, under_label = env.place, numbered and naming == "direct"
        for k, bindings in enumerate(rows(env)):
            env.session.bounds.step()
            at = place.at(place.scope.child(str(k))) if under_label else place
            inner = Env(env, at, "loop", flow)
            inner.names.update(bindings)
            flow = body.run(inner, flow, "direct" if under_label else "spliced")
        return flow

    return run
