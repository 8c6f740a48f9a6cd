"""Statements that pass on the flow: applications, loops and conditions, with their labels and shape annotations."""

from __future__ import annotations

from archdsl.diagnostics import Refusal
from archdsl.graph import Value
from archdsl.interpret.code import (
    BodyCode,
    Check,
    Context,
    FlowCode,
    Step,
    condition,
    label_code,
    run_stages,
    stages,
    statement,
)
from archdsl.interpret.env import Env
from archdsl.interpret.labels import Label, poison_names
from archdsl.interpret.loops import iterations
from archdsl.interpret.shape_patterns import check_pattern, pattern_code
from archdsl.interpret.values import describe
from archdsl.syntax import spec
from archdsl.tape.paths import Naming
from archdsl.tape.poison import POISON, Flow, Poison


@statement(spec.Flow)
def flow(statement: spec.Flow | spec.Branch, context: Context) -> Step:
    """``label: a -> b :: [N, 64, _, _]``."""
    label, check = label_code(statement.label, context), _check(statement.shape, context)
    if isinstance(statement.value, spec.Conditional):
        return _labelled(choice(statement.value, context), label, check, "direct")
    return FlowCode(statement.value, context, label, check)


def choice(expr: spec.Expr, context: Context) -> Step:
    """An expression as a statement without a label; a conditional runs one of its sides."""
    if not isinstance(expr, spec.Conditional):
        return FlowCode(expr, context)
    verdict = condition(expr.condition, context)
    then, otherwise = choice(expr.value, context), choice(expr.otherwise, context)

    def run(env: Env, flow: Flow, naming: Naming) -> Flow:
        chosen = verdict(env)
        if isinstance(chosen, Poison):
            return POISON
        return then(env, flow, naming) if chosen else otherwise(env, flow, naming)

    return run


@statement(spec.Repeat, spec.For, spec.If)
def _control(statement: spec.Repeat | spec.For | spec.If, context: Context) -> Step:
    """A loop or a condition; the iterations of a labelled loop are numbered below its label."""
    label, check = label_code(statement.label, context), _check(statement.shape, context)
    core = _if(statement, context) if isinstance(statement, spec.If) else _loop(statement, context)
    then = stages(statement.then, context)

    def run(env: Env, flow: Flow, naming: Naming) -> Flow:
        return run_stages(core(env, flow, naming), then, env)

    naming: Naming = "spliced" if isinstance(statement, spec.If) else "direct"
    return _labelled(run if then else core, label, check, naming)


def _labelled(core: Step, label: Label | None, check: Check | None, below: Naming) -> Step:
    """The same under a label, held against an annotation; ``below`` is how it names below the label."""
    if label is None and check is None:
        return core

    def run(env: Env, flow: Flow, naming: Naming) -> Flow:
        entered = None if label is None else label.enter(env)
        inner = entered[0] if entered else env
        flow = core(inner, flow, naming if label is None else below if entered else "spliced")
        if check is not None:
            check(flow, inner)
        if entered and label is not None:
            label.bind(entered[1], entered[2], flow, inner, env)
        return flow

    return run


def _check(pattern: spec.ShapePattern | None, context: Context) -> Check | None:
    """Holds the flow against the ``:: [N, _, …]`` of a statement."""
    if pattern is None:
        return None
    wanted, span = pattern_code(pattern, context), pattern.span

    def check(flow: Flow, env: Env) -> None:
        if isinstance(flow, Poison):
            return
        if not isinstance(flow, Value):
            raise Refusal("E0313", f"{describe(flow)} has no single shape to compare").located(span)
        check_pattern(wanted, flow, env)

    return check


def _if(statement: spec.If, context: Context) -> Step:
    arms = [(condition(expr, context), BodyCode(body, context)) for expr, body in statement.arms]
    otherwise = None if statement.otherwise is None else BodyCode(statement.otherwise, context)

    def run(env: Env, flow: Flow, naming: Naming) -> Flow:
        for verdict, body in arms:
            chosen = verdict(env)
            if isinstance(chosen, Poison):
                poison_names(statement, env)
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

    def run(env: Env, flow: Flow, naming: Naming) -> Flow:
        place = env.place
        for k, bindings in enumerate(rows(env)):
            env.session.bounds.step()
            inner = Env(env, place.at(place.scope.child(str(k))) if naming == "direct" else place, "loop", flow)
            inner.names.update(bindings)
            flow = body.run(inner, flow, naming)
        return flow

    return run
