"""Lists of branches: ``{ | a | b }``."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from archdsl.diagnostics import Refusal
from archdsl.interpret.code import Context, Step, condition
from archdsl.interpret.control import flow as flow_code
from archdsl.interpret.env import Env
from archdsl.interpret.loops import iterations
from archdsl.interpret.statements import let, missing
from archdsl.interpret.values import BlockValue
from archdsl.source import Span
from archdsl.syntax import spec
from archdsl.tape.poison import POISON, Flow
from archdsl.tape.tape import Place

Expansion = Callable[[Env], Iterator[BlockValue]]
"""The branches that a part of a list makes in a scope."""


class BranchBlock(BlockValue):
    """One ``| branch``."""

    name = "branch"

    def __init__(self, label: str | None, step: Step, env: Env) -> None:
        self.label = label
        self.step = step
        self.env = env

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        env = Env(self.env, place.inside(place.scope, place.frame), "body", flow)
        return self.step(env, flow, "spliced")


class MissingBlock(BlockValue):
    """Branches that could not be read, or are not known: nothing is known about their number and their results."""

    name = "missing"

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        return POISON


class Branches(BlockValue):
    """``{ | a | b }``: expanded when the flow that enters is known, since loops over it may make branches."""

    name = "branches"
    kind_name = "a list of branches"

    def __init__(self, expansion: Expansion, env: Env) -> None:
        self.expansion = expansion
        self.env = env

    def expand(self, place: Place, entered: Flow) -> tuple[BlockValue, ...]:
        """The branches at the place, with ``entered`` as ``in``."""
        return tuple(self.expansion(Env(self.env, place, "body", entered)))

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        raise Refusal(
            "E0217", "a list of branches cannot be used as a block", help="say how they join: `parallel(concat) { … }`"
        )


def expansion(body: spec.Body, context: Context) -> Expansion:
    """The branches of ``{ | a | b }``; loops and conditions may make some of them."""
    parts = [_part(statement, context) for statement in body.statements]

    def expand(env: Env) -> Iterator[BlockValue]:
        for part in parts:
            env.session.bounds.step()
            yield from part(env)

    return expand


def _part(statement: spec.Statement, context: Context) -> Expansion:
    if isinstance(statement, spec.Branch):
        step = flow_code(statement, context)
        label = statement.label.name if statement.label is not None else None
        return lambda env: iter([BranchBlock(label, step, env)])
    if isinstance(statement, spec.Repeat | spec.For):
        return _of_loop(statement, context)
    if isinstance(statement, spec.If):
        return _of_if(statement, context)
    if isinstance(statement, spec.Let):
        return _doing(let(statement, context), [])
    if isinstance(statement, spec.Missing):
        return _doing(missing(statement, context), [MissingBlock()])

    def misplaced(env: Env) -> Iterator[BlockValue]:
        message = "a list of branches can contain only branches, loops, `if` and `let`"
        raise Refusal("E0217", message, help="begin it with `|`").located(statement.span)

    return misplaced


def _doing(step: Step, made: list[BlockValue]) -> Expansion:
    def part(env: Env) -> Iterator[BlockValue]:
        step(env, POISON, "spliced")
        return iter(made)

    return part


def _of_loop(statement: spec.Repeat | spec.For, context: Context) -> Expansion:
    rows, inside = iterations(statement, context), expansion(statement.body, context)

    def part(env: Env) -> Iterator[BlockValue]:
        for bindings in rows(env):
            env.session.bounds.step()
            inner = Env(env, env.place, "loop")
            inner.names.update(bindings)
            yield from inside(inner)
            if any(value is POISON for value in bindings.values()):
                yield MissingBlock()

    return part


def _of_if(statement: spec.If, context: Context) -> Expansion:
    arms = [(condition(expr, context), expansion(body, context)) for expr, body in statement.arms]
    otherwise = None if statement.otherwise is None else expansion(statement.otherwise, context)

    def part(env: Env) -> Iterator[BlockValue]:
        for verdict, inside in arms:
            chosen = verdict(env)
            if chosen is POISON:
                yield MissingBlock()
                return
            if chosen:
                yield from inside(env)
                return
        if otherwise is not None:
            yield from otherwise(env)

    return part
