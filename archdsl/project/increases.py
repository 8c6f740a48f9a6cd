"""``max_increase``: whether a figure is within what it may grow by, also where it is a polynomial."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from archdsl import dim_order, dims
from archdsl.analyses.claims import Result, unknown_notes
from archdsl.analyses.measure import Measures, plain, show
from archdsl.diagnostics import Diagnostic, Refusal
from archdsl.dim_text import parse_dimension
from archdsl.dims import Expr
from archdsl.interpret.session import ClaimValue
from archdsl.project.budgets import Increase


def held(
    increase: Increase, measures: Measures, before: Any, absent: bool, name: str, baseline: str
) -> tuple[Result | None, Diagnostic | None]:
    """The figure with its limit, and the finding where it is beyond, or where that cannot be said.

    ``before``: the earlier figure as plain data, ``None`` where it was not known; ``absent``: there was nothing to
    measure. What is new may grow as it likes, but must be there now.
    """
    subject = increase.subject
    about = f"{name}: {subject} max_increase"
    try:
        found = measures.of(subject.quantity, subject.part, subject.tap)
        if absent:
            return None, None
        if before is None:
            why = f"it could not be measured in {baseline}"
            raise Refusal("E0307", f"whether `{subject}` of `{name}` grew is not known: {why}", help=HELP)
        old = _read(before, f"{subject}` of `{name}", baseline)
        ok = _within(found.value, old, increase, name)
    except Refusal as refusal:
        return None, refusal.located(increase.span).diagnostic().replace(about=about)
    ok = ok and not found.partial
    limit = _limit(old, increase)
    room = None
    if isinstance(limit, Fraction | int) and limit and isinstance(found.value, int | float | Fraction):
        room = (Fraction(limit) - Fraction(plain(found.value))) / abs(Fraction(limit))
    bound = f"{show(subject.quantity, old)} + {increase.text}" if room is None else _number(limit)
    result = Result(
        subject.quantity, subject.part, subject.tap, "<=", bound, found.value, found.partial, ok, room
    )  # fmt: skip
    if ok:
        return result, None
    message = f"{subject} of `{name}` grew from {show(subject.quantity, old)} to {result.shown}"
    notes: tuple[str, ...] = ()
    if found.partial:
        message = (
            f"whether {subject} of `{name}` grew from {show(subject.quantity, old)} is not known: it is {result.shown}"
        )
        notes = unknown_notes(measures)
    message += f"; the allowed increase is {increase.text}"
    return result, Diagnostic("E0404", message, increase.span, notes=notes, about=about)


HELP = "give free sizes a value, in the input declaration of a spec or with a budget's `with`"


def as_claim(increase: Increase, result: Result) -> ClaimValue:
    """The limit as a claim, for the report."""
    of = increase.subject
    return ClaimValue("budget", of.quantity, of.part, of.tap, result.op, result.bound, increase.span)


def _read(before: Any, what: str, baseline: str) -> Any:
    """A figure of a baseline: polynomials are kept as text. Refuses (E0011) what is no figure."""
    if isinstance(before, list):
        return tuple(_read(one, what, baseline) for one in before)
    if not isinstance(before, str):
        return before
    try:
        return parse_dimension(before)
    except Refusal as refusal:
        raise Refusal("E0011", f"`{baseline}`: what it has for `{what}` is no figure: {refusal.message}") from None


def _within(new: Any, old: Any, increase: Increase, name: str) -> bool:
    if isinstance(new, tuple) or isinstance(old, tuple):
        size = len(new) if isinstance(new, tuple) else len(old)
        news, olds = (one if isinstance(one, tuple) else (one,) * size for one in (new, old))
        return len(news) == len(olds) and all(_within(a, b, increase, name) for a, b in zip(news, olds))
    if new is None or old is None:  # the whole axis: no finite figure is beyond it
        return old is None
    if not isinstance(new, Expr) and not isinstance(old, Expr):
        return Fraction(plain(new)) <= Fraction(_limit(old, increase))
    step = Fraction(increase.amount)
    share = 1 + (increase.share or 0)
    scale = step.denominator * share.denominator
    limit = old * int(share * scale) + int(step * scale)
    found = dim_order.at_least(limit, new * scale)
    if found is None:
        free = sorted(dims.symbols(new) | dims.symbols(old))
        message = f"whether `{increase.subject}` of `{name}` grew from {old} by more than {increase.text} depends on"
        raise Refusal("E0307", f"{message} `{free[0]}`: it is {new} now", help=HELP)
    return found


def _limit(old: Any, increase: Increase) -> Any:
    """The largest value allowed, of a number."""
    if not isinstance(old, int | float):
        return None
    exact = (
        Fraction(old) + Fraction(increase.amount) if increase.share is None else Fraction(old) * (1 + increase.share)
    )
    return exact.numerator // exact.denominator if isinstance(old, int) and increase.share is not None else exact


def _number(limit: Fraction | int) -> int | float:
    exact = Fraction(limit)
    return exact.numerator if exact.denominator == 1 else float(exact)
