"""Statements: what they do to the flow and to the names in scope."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from archdsl import dims, ops
from archdsl.diagnostics import Refusal, nearest
from archdsl.elaborate import claims, network
from archdsl.elaborate.blocks import (
    BranchBlock,
    FailedOp,
    MissingBlock,
    Parametric,
    SharedBlock,
    UserBlock,
    nested_bodies,
)
from archdsl.elaborate.combinators import Combinator
from archdsl.elaborate.env import Env
from archdsl.elaborate.evaluate import evaluate, head_span, truth
from archdsl.elaborate.expressions import assign
from archdsl.elaborate.flow import apply_block, apply_stages, as_flow
from archdsl.elaborate.functions import sequence
from archdsl.elaborate.paths import PathScope, join
from archdsl.elaborate.session import BoundExceeded
from archdsl.elaborate.values import (
    POISON,
    BlockValue,
    Flow,
    Indexed,
    Labelled,
    Poison,
    Table,
    describe,
    is_flow,
    shortened,
)
from archdsl.graph import Value
from archdsl.shapes import show_shape
from archdsl.syntax import spec

Named = spec.Flow | spec.Branch | spec.Repeat | spec.For | spec.If
"""Statements that may have a label and a shape annotation."""


def run_body(body: spec.Body, env: Env, flow: Flow) -> Flow:
    """Run the statements in order on the flow; a fault poisons the flow and the work goes on."""
    scope = env.place.scope
    if scope.solo and not is_single(body):
        scope.solo = ""
    scope.reserved |= _static_labels(body)
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


def check_pattern(pattern: spec.ShapePattern, value: Value, env: Env) -> None:
    """Refuse a value whose shape is not of the pattern."""
    wanted: list[Any] = []
    for dim in pattern.dims:
        if isinstance(dim, spec.Wildcard | spec.Ellipsis):
            wanted.append(dim)
            continue
        size = evaluate(dim, env)
        if size is POISON:
            return
        if isinstance(size, bool) or not isinstance(size, int | dims.Expr):
            raise Refusal("E0204", f"a dimension must be a whole number, not {describe(size)}").located(dim.span)
        wanted.append(size)
    if not _matches(wanted, list(value.type.shape)):
        shown = ", ".join(
            "_" if isinstance(w, spec.Wildcard) else "…" if isinstance(w, spec.Ellipsis) else str(w) for w in wanted
        )
        raise Refusal(
            "E0313", f"the shape is {show_shape(value.type.shape)}, not [{shown}]", notes=claims.derivation_notes(value)
        ).located(pattern.span)


def _matches(wanted: list[Any], shape: list[Any]) -> bool:
    rest = next((i for i, w in enumerate(wanted) if isinstance(w, spec.Ellipsis)), None)
    if rest is not None:
        tail = len(wanted) - rest - 1
        if len(shape) < rest + tail:
            return False
        shape = shape[:rest] + shape[len(shape) - tail :]
        wanted = wanted[:rest] + wanted[rest + 1 :]
    return len(wanted) == len(shape) and all(isinstance(w, spec.Wildcard) or w == s for w, s in zip(wanted, shape))


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


def iterations(statement: spec.Repeat | spec.For, env: Env) -> Iterator[dict[str, Any]]:
    """What each iteration binds."""
    if isinstance(statement, spec.Repeat):
        count = evaluate(statement.count, env)
        if count is POISON:
            yield {statement.index: POISON} if statement.index else {}
            return
        yield from ({statement.index: k} if statement.index else {} for k in range(_count(count, statement.count)))
        return
    iterable = evaluate(statement.iterable, env)
    if iterable is POISON:
        yield dict.fromkeys((*statement.targets, *([statement.index] if statement.index else [])), POISON)
        return
    if isinstance(iterable, Table):
        rows = _table_rows(statement, iterable)
    else:
        if not statement.targets:
            raise Refusal("E0204", f"`for` without names runs over a table, not {describe(iterable)}").located(
                statement.iterable.span
            )
        rows = _list_rows(statement, iterable, env)
    for k, row in enumerate(rows):
        if statement.index:
            row[statement.index] = k
        yield row


def _count(count: Any, expr: spec.Expr) -> int:
    from archdsl.ops.kinds import Integer

    try:
        if not isinstance(count, int | float | dims.Expr):
            raise Refusal("E0204", f"`repeat` needs a whole number, not {describe(count)}")
        return Integer(0).check(count, "the count of `repeat`")
    except Refusal as refusal:
        raise refusal.located(expr.span) from None


def _table_rows(statement: spec.For, table: Table) -> Iterator[dict[str, Any]]:
    names = statement.targets or table.header
    for name in names:
        if name not in table.header and name != "_":
            meant = nearest(name, table.header)
            raise Refusal(
                "E0211", f"the table has no column `{name}`",
                help=f"did you mean `{meant}`?" if meant else f"columns: {', '.join(table.header)}",
            ).located(statement.span.word(name))  # fmt: skip
    for row in table.rows:
        cells = dict(zip(table.header, row))
        yield {name: cells[name] for name in names if name != "_"}


def _list_rows(statement: spec.For, iterable: Any, env: Env) -> Iterator[dict[str, Any]]:
    try:
        for item in sequence(iterable, env.session, "what `for` runs over"):
            inner = Env(None, env.place, "loop")
            assign(statement.targets, item, inner)
            yield inner.names
    except Refusal as refusal:
        if isinstance(iterable, int):
            refusal.help = f"write `repeat {iterable}`, or run over `range({iterable})`"
        raise refusal.located(statement.iterable.span) from None


def expand_branches(body: spec.Body, env: Env) -> Iterator[BlockValue]:
    """The branches of ``{ | a | b }``; loops and conditions may make some of them."""
    for statement in body.statements:
        env.session.step()
        if isinstance(statement, spec.Branch):
            yield BranchBlock(statement, env)
        elif isinstance(statement, spec.Repeat | spec.For):
            for bindings in iterations(statement, env):
                env.session.step()
                inner = Env(env, env.place, "loop")
                inner.names.update(bindings)
                yield from expand_branches(statement.body, inner)
        elif isinstance(statement, spec.If):
            yield from _branches_of_if(statement, env)
        elif isinstance(statement, spec.Let):
            _let(statement, env, POISON)
        elif isinstance(statement, spec.Missing):
            _missing(statement, env, POISON)
            yield MissingBlock()
        else:
            raise Refusal(
                "E0217", "only branches, loops, `if` and `let` stand in a list of branches", help="begin it with `|`"
            ).located(statement.span)


def _branches_of_if(statement: spec.If, env: Env) -> Iterator[BlockValue]:
    for condition, body in statement.arms:
        verdict = truth(condition, env)
        if verdict is POISON:
            return
        if verdict:
            yield from expand_branches(body, env)
            return
    if statement.otherwise is not None:
        yield from expand_branches(statement.otherwise, env)


# Other statements


def _let(statement: spec.Let, env: Env, flow: Flow) -> Flow:
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


def _missing(statement: spec.Missing, env: Env, flow: Flow) -> Flow:
    """What could not be read may have given its names a meaning; the flow behind it is unknown."""
    for name in statement.names:
        if env.find(name) is Env.missing and env.find_label(name) is Env.missing:
            env.labels[name] = POISON
    return POISON


def _branch_misplaced(statement: spec.Branch, env: Env, flow: Flow) -> Flow:
    raise Refusal(
        "E0217", "a branch stands in a list of branches", help="say how they join: `parallel(concat) { | … }`"
    )


def is_single(body: spec.Body) -> bool:
    """Whether a body applies one thing, so that it may take the path of its label or iteration."""
    known = body.__dict__.get("_single")
    if known is None:
        known = body.__dict__["_single"] = _applies_one_thing(body)
    return bool(known)


def _applies_one_thing(body: spec.Body) -> bool:
    acting = [s for s in body.statements if not isinstance(s, spec.Let | spec.Assert | spec.Share)]
    if len(acting) != 1:
        return False
    only = acting[0]
    if isinstance(only, spec.If):
        return not only.then and only.label is None and all(is_single(b) for b in nested_bodies(only))
    return isinstance(only, spec.Flow) and only.label is None


def _static_labels(body: spec.Body) -> frozenset[str]:
    """Label names written in a body: unlabelled operators give way to them."""
    known = body.__dict__.get("_labels")
    if known is None:
        found: set[str] = set()
        for statement in body.statements:
            label = getattr(statement, "label", None)
            if label is not None and label.name is not None:
                found.add(label.name)
            for nested in nested_bodies(statement):
                found |= _static_labels(nested)
        known = body.__dict__["_labels"] = frozenset(found)
    return known


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
    spec.Let: _let,
    spec.Share: _share,
    spec.Assert: _assert,
    spec.With: _with,
    spec.Input: network.declare_input,
    spec.Output: network.declare_output,
    spec.Expect: claims.collect_expect,
    spec.Budget: claims.collect_budget,
    spec.Missing: _missing,
}
