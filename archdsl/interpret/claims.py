"""``expect`` and ``budget``: their bounds are evaluated here; what was measured is compared further up."""

from __future__ import annotations

from archdsl.diagnostics import Refusal
from archdsl.interpret.env import Env
from archdsl.interpret.evaluate import evaluate
from archdsl.interpret.execute import runs
from archdsl.interpret.session import ClaimValue, Session
from archdsl.interpret.shape_patterns import check_pattern
from archdsl.interpret.values import POISON, Flow, describe
from archdsl.syntax import spec


@runs(spec.Expect)
def collect_expect(statement: spec.Expect, env: Env, flow: Flow) -> Flow:
    """``expect claim`` in a network or variant."""
    _collect("expect", statement.claim, env, flow)
    return flow


@runs(spec.Budget)
def collect_budget(statement: spec.Budget, env: Env, flow: Flow) -> Flow:
    """``budget { claims }`` in a network or variant."""
    for claim in statement.claims:
        try:
            _collect("budget", claim, env, flow)
        except Refusal as refusal:
            env.session.refuse(refusal.located(claim.span), env.place.frame)
    return flow


def _collect(kind: str, claim: spec.Claim | spec.ShapeClaim, env: Env, flow: Flow) -> None:
    run = env.run
    if run is None:
        raise Refusal("E0217", f"`{kind}` is said of networks and variants")
    if run.feed is not None:
        return
    session = env.session
    if isinstance(claim, spec.ShapeClaim):
        session.shape_claims.append((claim, env))
        return
    bound = evaluate(claim.bound, env)
    if bound is POISON:
        return
    if isinstance(bound, bool) or not isinstance(bound, int | float):
        raise Refusal("E0204", f"a bound must be a number, not {describe(bound)}").located(claim.bound.span)
    session.claims.append(ClaimValue(kind, claim.quantity, claim.part, claim.tap, claim.op, bound, claim.span))


def check_shape_claims(session: Session) -> None:
    """Hold the outputs against ``expect output name :: [ … ]``, once all outputs are known."""
    for claim, env in session.shape_claims:
        value = session.outputs.get(claim.output)
        try:
            if value is None:
                known = ", ".join(f"`{name}`" for name in session.outputs) or "none"
                raise Refusal("E0201", f"no output is called `{claim.output}`", help=f"outputs: {known}")
            check_pattern(claim.shape, value, env)
        except Refusal as refusal:
            refusal.code = "E0401" if refusal.code == "E0313" else refusal.code
            session.refuse(refusal.located(claim.span), None)
