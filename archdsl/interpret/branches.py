"""The branches of ``{ | a | b }``, some of which loops and conditions make."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.diagnostics import Refusal
from archdsl.interpret.env import Env, Place
from archdsl.interpret.evaluate import truth
from archdsl.interpret.labels import labelled
from archdsl.interpret.loops import iterations
from archdsl.interpret.statements import bind_let, missing
from archdsl.interpret.values import POISON, BlockValue, Flow
from archdsl.source import Span
from archdsl.syntax import spec


class BranchBlock(BlockValue):
    """One ``| branch``."""

    name = "branch"

    def __init__(self, statement: spec.Branch, env: Env) -> None:
        self.statement = statement
        self.env = env

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        env = Env(self.env, place.inside(place.scope, place.frame), "body", flow)
        return labelled(self.statement, env, flow)


class MissingBlock(BlockValue):
    """What could not be read: nothing is known of its result."""

    name = "missing"

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        return POISON


class Branches(BlockValue):
    """``{ | a | b }``: expanded when the flow that enters is known, since loops over it may make branches."""

    name = "branches"
    kind_name = "a list of branches"

    def __init__(self, body: spec.Body, env: Env) -> None:
        self.body = body
        self.env = env

    def expand(self, env: Env) -> tuple[BlockValue, ...]:
        """The branches, with ``in`` as in ``env``."""
        inner = Env(self.env, env.place, "body", env.input())
        return tuple(expand_branches(self.body, inner))

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        raise Refusal("E0217", "a list of branches is no block", help="say how they join: `parallel(concat) { … }`")


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
            bind_let(statement, env, POISON)
        elif isinstance(statement, spec.Missing):
            missing(statement, env, POISON)
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
