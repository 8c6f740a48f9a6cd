"""``expect`` and ``budget``: their bounds are evaluated here, and compared with the measured values later."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from archdsl.diagnostics import Refusal
from archdsl.graph import Value
from archdsl.interpret.code import Context, Step, compiled, statement
from archdsl.interpret.env import Env
from archdsl.interpret.session import ClaimValue, Session
from archdsl.interpret.shape_patterns import check_pattern, pattern_code
from archdsl.interpret.values import describe
from archdsl.syntax import spec
from archdsl.tape.paths import Naming
from archdsl.tape.poison import POISON, Flow

Collect = Callable[[Env], None]


@statement(spec.Expect)
def _expect(statement: spec.Expect, context: Context) -> Step:
    """``expect claim`` in a network or variant."""
    collect = _collected("expect", statement.claim, context)

    def run(env: Env, flow: Flow, naming: Naming) -> Flow:
        collect(env)
        return flow

    return run


@statement(spec.Budget)
def _budget(statement: spec.Budget, context: Context) -> Step:
    """``budget { claims }`` in a network or variant."""
    collects = [(_collected("budget", claim, context), claim.span) for claim in statement.claims]

    def run(env: Env, flow: Flow, naming: Naming) -> Flow:
        for collect, span in collects:
            try:
                collect(env)
            except Refusal as refusal:
                env.session.faults.refuse(refusal.located(span), env.place.frame)
        return flow

    return run


def _collected(kind: str, claim: spec.Claim | spec.ShapeClaim, context: Context) -> Collect:
    collect = _shape_claim(claim, context) if isinstance(claim, spec.ShapeClaim) else _claim(kind, claim, context)

    def collected(env: Env) -> None:
        if env.run is None:
            raise Refusal("E0217", f"`{kind}` can be used only in networks and variants")
        if env.run.feed is None:
            collect(env)

    return collected


def _claim(kind: str, claim: spec.Claim, context: Context) -> Collect:
    code = compiled(claim.bound, context)

    def collect(env: Env) -> None:
        bound = code(env)
        if bound is POISON:
            return
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            raise Refusal("E0204", f"a bound must be a number, not {describe(bound)}").located(claim.bound.span)
        found = ClaimValue(kind, claim.quantity, claim.part, claim.tap, claim.op, bound, claim.span)
        env.session.draft.claims.append(found)

    return collect


def _shape_claim(claim: spec.ShapeClaim, context: Context) -> Collect:
    """``output name :: [ … ]``: held against the outputs once all of them are known."""
    pattern = pattern_code(claim.shape, context)
    called = None if claim.called is None else compiled(claim.called, context)

    def collect(env: Env) -> None:
        wanted = claim.output if called is None else called(env)
        if wanted is POISON:
            return

        def check(outputs: Mapping[str, Value]) -> None:
            value = outputs.get(wanted)
            try:
                if value is None:
                    known = ", ".join(f"`{name}`" for name in outputs) or "none"
                    raise Refusal("E0201", f"there is no output `{wanted}`", help=f"outputs: {known}")
                check_pattern(pattern, value, env)
            except Refusal as refusal:
                refusal.code = "E0401" if refusal.code == "E0313" else refusal.code
                env.session.faults.refuse(refusal.located(claim.span), None)

        env.session.draft.shape_claims.append(check)

    return collect


def check_shape_claims(session: Session, outputs: Mapping[str, Value]) -> None:
    """Hold the outputs, those for training included, against ``expect output name :: [ … ]``."""
    for check in session.draft.shape_claims:
        check(outputs)
