"""Fitting: the best member of a family within a budget. All members are tried, so the answer is exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.diagnostics import Refusal
from archdsl.driver import Settings
from archdsl.project.bounds import Bound, read_bound
from archdsl.project.family import Member, Varied, members
from archdsl.project.targets import Step
from archdsl.record import Record
from archdsl.report.render import Printed

if TYPE_CHECKING:
    from archdsl.analyses.claims import Result
    from archdsl.report.listing import Listing


class Best(Record):
    """The best member, its figure, and what was measured for the bounds."""

    value: int | Fraction
    member: Member
    held: tuple[Result, ...]


class Fit(Printed):
    """What ``archdsl fit`` found; ``best`` is ``None`` where no member holds the budget."""

    def __init__(self, target: str, goal: str, best: Best | None, tried: int, refused: int) -> None:
        self.target = target
        self.goal = goal
        self.best = best
        self.tried = tried
        self.refused = refused

    @property
    def settings(self) -> Settings | None:
        """The parameters of the best member."""
        return self.best.member.settings if self.best else None

    def report(self) -> Listing:
        """The best member as a variant, and how the bounds hold."""
        from archdsl.analyses.measure import plain, show
        from archdsl.report.listing import fitted

        if self.best is None:
            return fitted(self.target, self.goal, self.tried, "", (), None)
        member, held = self.best.member, self.best.held
        rows = [(r.subject, r.shown, f"{r.op} {show(r.quantity, r.bound)}") for r in held]
        if self.goal not in {r.subject for r in held}:
            rows.insert(0, (self.goal, show(self.goal, self.best.value), ""))
        best = {
            "settings": dict(member.settings), "variant": member.application, self.goal: plain(self.best.value),
            "measured": {result.subject: plain(result.measured) for result in held},
        }  # fmt: skip
        return fitted(self.target, self.goal, self.tried, member.application, rows, best)


def fit(
    target: str | Path,
    vary: Varied,
    budget: str | Sequence[str],
    *,
    maximize: str | None = None,
    minimize: str | None = None,
    settings: Settings | None = None,
    bind: Mapping[str, int] | None = None,
    step: Step = nullcontext,
) -> Fit:
    """The best member of a family inside a budget: ``fit("mobilenet_v2", {"width": "0.5..1.5:0.05"}, "macs <= 200M")``.

    ``maximize`` (``params``, unless given) or ``minimize`` is the quantity that decides; among equals the first member
    is taken. ``step`` is entered for each member with what is done. Raises ``DiagnosticError``.
    """
    if maximize and minimize:
        raise Refusal("E0007", "`maximize` and `minimize` cannot be used together")
    goal, sign = (minimize, -1) if minimize else (maximize or "params", 1)
    bounds = [read_bound(text) for text in ([budget] if isinstance(budget, str) else budget)]
    best: Best | None = None
    tried = refused = 0
    for member in members(target, vary, settings or {}, bind or {}, step):
        tried += 1
        refused += member.measures is None
        held = _judged(member, bounds)
        if held is None:
            continue
        value = _objective(member, goal)
        if best is None or sign * value > sign * best.value:
            best = Best(value, member, held)
    return Fit(str(target), goal, best, tried, refused)


def _judged(member: Member, bounds: Sequence[Bound]) -> tuple[Result, ...] | None:
    """What was measured for the bounds if all hold; ``None`` otherwise."""
    from archdsl.analyses.claims import check_claim

    if member.measures is None:
        return None
    found = []
    for bound in bounds:
        of = bound.subject
        found.append(check_claim(member.measures, of.quantity, bound.op, bound.value, of.part, of.tap))
    return tuple(found) if all(result.ok for result in found) else None


def _objective(member: Member, goal: str) -> int | Fraction:
    """The figure that decides; refuses (E0007) what has no order."""
    assert member.measures is not None
    value = member.measures.of(goal).value
    if not isinstance(value, int | Fraction):
        raise Refusal("E0007", f"`{goal}` is {value}, which is not a single number", help="bind symbols with `--bind`")
    return value
