"""Calls, trailing bodies, compositions, ``frozen`` and ``own``."""

from __future__ import annotations

from typing import Any

from archdsl import ops
from archdsl.diagnostics import Refusal
from archdsl.graph import Value
from archdsl.interpret.argument_code import as_tensors
from archdsl.interpret.arguments import Call
from archdsl.interpret.blocks import FrozenBlock, OwnBlock, Pipe, weights_of_its_own
from archdsl.interpret.branches import Branches, expansion
from archdsl.interpret.code import (
    BodyBlock,
    BodyCode,
    Code,
    Context,
    compiled,
    expression,
    head_span,
    run_stages,
    stages,
)
from archdsl.interpret.env import Env
from archdsl.interpret.expressions import look_up
from archdsl.interpret.functions import FUNCTIONS, bounded
from archdsl.interpret.named_tensors import unnamed
from archdsl.interpret.stages import apply_block, as_stage, hiding
from archdsl.interpret.values import BlockValue, as_flow, describe, is_flow
from archdsl.modules.structure import is_branching
from archdsl.modules.words import INITIALIZERS
from archdsl.ops.base import Initializer
from archdsl.ops.kinds import Number
from archdsl.source import Span
from archdsl.syntax import spec
from archdsl.tape.paths import Labelled
from archdsl.tape.poison import POISON, REFUSED, Flow
from archdsl.tape.tape import Place


@expression(spec.Call)
def _call(expr: spec.Call, context: Context) -> Code:
    callee = expr.callee
    if isinstance(callee, spec.Name) and callee.id in (*FUNCTIONS, *INITIALIZERS):
        special = _function(callee.id, expr, context) if callee.id in FUNCTIONS else _initializer(expr, context)
        kind = context.meanings.of(callee).kind
        if kind in ("function", "operator"):  # max and round are both: which one is meant, the arguments tell
            return special
        general = _block_call(expr, context)
        return lambda env: special(env) if env.find(callee.id) is Env.missing else general(env)
    return _block_call(expr, context)


def _block_call(expr: spec.Call, context: Context) -> Code:
    callee, call = compiled(expr.callee, context.behind), Call(expr.arguments, expr.span, context)

    def called(env: Env) -> Any:
        block = callee(env)
        if isinstance(block, BlockValue):
            return call.bind(block, env)
        if block is not POISON:
            message = f"only blocks and functions can be called, not {describe(block)}"
            help = hiding(expr.callee.span)
            if isinstance(block, Value | Labelled) and not help:
                name = expr.callee.span.text
                help = f"a label names a tensor; a block with one set of weights is `share {name} = …`"
            raise Refusal("E0204", message, help=help).located(expr.callee.span)
        call.evaluate(unnamed(env))
        return POISON

    return called


def _initializer(expr: spec.Call, context: Context) -> Code:
    """``uniform(-1, 1)``: how a parameter begins."""
    assert isinstance(expr.callee, spec.Name)
    name, codes = expr.callee.id, [compiled(argument.value, context.plain) for argument in expr.arguments]

    def initial(env: Env) -> Any:
        values = [code(env) for code in codes]
        if any(value is POISON for value in values):
            return POISON
        if len(values) != 2 or not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
            wants = "a low and a high bound" if name == "uniform" else "a mean and a deviation"
            raise Refusal("E0204", f"`{name}` takes {wants}")
        return Initializer(name, tuple(Number().check(v, f"each argument of `{name}`") for v in values))

    return initial


def _function(name: str, expr: spec.Call, context: Context) -> Code:
    function, least, most = FUNCTIONS[name]
    codes = [compiled(argument.value, context.plain) for argument in expr.arguments]
    named = next((a for a in expr.arguments if a.name is not None), None)
    call = Call(expr.arguments, expr.span, context) if ops.is_operator(name) else None

    def computed(env: Env) -> Any:
        env.session.bounds.step()
        inside = unnamed(env)
        values = [as_tensors(code(inside), inside) for code in codes]
        if call is not None and any(is_flow(v) for v in values):
            return call.bind(look_up(name, env, applied=True), env, values=values)
        if named is not None:
            raise Refusal("E0202", f"`{name}` has no argument `{named.name}`").located(named.span)
        if any(v is POISON for v in values):
            return POISON
        if len(values) < least or (most is not None and len(values) > most):
            wanted = str(least) if least == most else f"{least} to {most}" if most else f"at least {least}"
            raise Refusal("E0216", f"`{name}` takes {wanted} arguments, not {len(values)}")
        try:
            return bounded(function(env.session, *values), env.session)
        except OverflowError:
            raise Refusal("E0205", f"`{name}` has an argument that is too large") from None

    return computed


@expression(spec.WithBody)
def _with_body(expr: spec.WithBody, context: Context) -> Code:
    head = expr.head
    callee, arguments = (head.callee, head.arguments) if isinstance(head, spec.Call) else (head, ())
    code, call = compiled(callee, context.behind), Call(arguments, head.span, context)
    inside = body_code(expr.body, context.plain)

    def called(env: Env) -> Any:
        block, body = code(env), inside(unnamed(env))
        if block is POISON:
            call.evaluate(env)
            return Unknown(body, head.span)
        if not isinstance(block, BlockValue):
            raise Refusal("E0204", f"{describe(block)} takes no body").located(head.span)
        return call.bind(block, env, body)

    return called


class Unknown(BlockValue):
    """What takes a body and was refused: the body is looked at for faults of its own."""

    name = "unknown"
    kind_name = REFUSED

    def __init__(self, body: BlockValue, span: Span) -> None:
        self.body = body
        self.span = span

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        inner = place.at(place.block(self.name))
        parts = self.body.expand(inner, POISON) if isinstance(self.body, Branches) else (self.body,)
        for part in parts:
            apply_block(part, POISON, inner, self.span)
        return POISON


@expression(spec.BlockExpr)
def _block(expr: spec.BlockExpr, context: Context) -> Code:
    return body_code(expr.body, context.plain)


def body_code(body: spec.Body, context: Context) -> Code:
    """``{ … }`` as a value: a block, or a list of branches."""
    if is_branching(body):
        branches = expansion(body, context)
        return lambda env: Branches(branches, env)
    code = BodyCode(body, context)
    return lambda env: BodyBlock(code, env)


@expression(spec.Frozen)
def _frozen(expr: spec.Frozen, context: Context) -> Code:
    code = compiled(expr.value, context)

    def frozen(env: Env) -> Any:
        value = code(env.at(env.place.as_frozen()))
        return FrozenBlock(value) if isinstance(value, BlockValue) else value

    return frozen


@expression(spec.Own)
def _own(expr: spec.Own, context: Context) -> Code:
    code = compiled(expr.value, context)

    def own(env: Env) -> Any:
        with weights_of_its_own(env.place.scope):
            value = code(env)
        if value is POISON or is_flow(value):
            return value
        if not isinstance(value, BlockValue):
            raise Refusal("E0204", f"`own` needs a block, not {describe(value)}")
        return OwnBlock(value)

    return own


@expression(spec.Pipeline)
def _pipeline(expr: spec.Pipeline, context: Context) -> Code:
    """``a -> b`` as a value: applied when ``a`` is a tensor, else the composition of blocks."""
    first, span = compiled(expr.stages[0], context), head_span(expr.stages[0])
    rest = stages(expr.stages[1:], context)

    def pipeline(env: Env) -> Any:
        head = as_flow(first(env), env.session.bounds)
        if head is POISON or is_flow(head):
            return run_stages(head, rest, env)
        blocks = [(as_stage(head, span), span), *((code(env), where) for code, where in rest)]
        return Pipe(blocks)

    return pipeline
