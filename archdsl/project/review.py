"""The review of a target: the project's budgets, and a comparison with a baseline."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.analyses.claims import Checked, about, check_claims
from archdsl.analyses.contributions import contributions, line_of
from archdsl.analyses.measure import show
from archdsl.compare.growth import grown, layer_figure
from archdsl.compare.snapshot import Snapshot
from archdsl.diagnostics import Diagnostic, Label
from archdsl.driver import measures
from archdsl.interpret.session import ClaimValue
from archdsl.project.baseline import Baseline, figures
from archdsl.project.budgets import Budget
from archdsl.project.changes import Changes
from archdsl.project.demands import demands_of
from archdsl.project.holding import Budgets
from archdsl.project.increases import as_claim, held
from archdsl.project.measured import Measured, Titled, titled
from archdsl.record import Record
from archdsl.report.outcome import NetworkOutcome, claim_outcome, in_file
from archdsl.source import Span

MOST = 3


class Reviewed(Record):
    """What came of a target: its findings, and every title with its claims."""

    networks: tuple[NetworkOutcome, ...]
    diagnostics: tuple[Diagnostic, ...]


def review(
    one: Measured, budgets: Budgets, baseline: Baseline | None, changes: Changes | None, was: str | None = None
) -> Reviewed:
    """Hold a target to the budgets of its project, and to what it was; name what grew where a bound is broken.

    ``was``: file and name that its one variant had in the baseline, if these were others; then only what has to do with
    the baseline is looked at.
    """
    of_it = budgets.of(one.target)
    subjects = tuple(dict.fromkeys(i.subject for b in of_it for i in b.increases))
    found = list(one.diagnostics) if was is None else []
    networks: dict[str, tuple[NetworkOutcome, ...]] = {}
    for this in titled(one, of_it):
        for budget in this.held:
            budgets.used(budget)
        if this.graph is None:
            found += this.faults
            continue
        own = one.variants[this.name] if this.title == this.name else None
        old = new = None
        if baseline is not None and changes is not None:
            old = changes.before(baseline, one.target, this, subjects, was)
            new = figures(this.graph, subjects, demands_of(c.claim for c in own.claims) if own is not None else ())
        spot = one.variants[this.name].span
        looked = _Look(this, spot, old, new, baseline.name if baseline is not None else "")
        checked = list(own.claims) if own is not None else []
        if own is not None:
            found = [looked.blamed(d, [c.claim for c in own.claims]) for d in found]
        more, broken = looked.held(growth_only=was is not None)
        found += broken
        networks[this.title] = (
            NetworkOutcome(this.title, tuple(claim_outcome(c.result) for c in (*checked, *more))),
        )  # fmt: skip
        if changes is not None and new is not None:
            changes.network(one.target, this, old, new, spot, was)
    if changes is not None and was is None:
        changes.target(one, budgets)
    return Reviewed(tuple(n for several in networks.values() for n in several), tuple(found))


class _Look:
    """One network with its figures, now and before."""

    def __init__(
        self, this: Titled, spot: Span | None, old: Snapshot | None, new: Snapshot | None, baseline: str
    ) -> None:
        assert this.graph is not None
        self.this = this
        self.spot = spot
        self.old = old
        self.new = new
        self.baseline = baseline
        self.measures = measures(this.graph)

    def held(self, growth_only: bool) -> tuple[list[Checked], list[Diagnostic]]:
        """The network against the bounds of its budgets, and against what it was."""
        checked: list[Checked] = []
        found: list[Diagnostic] = []
        for budget in self.this.held:
            claims = [bound.claim(span) for bound, span in budget.bounds] if not growth_only else []
            more, broken = check_claims(self.measures, claims, self.this.title)
            broken = [self._placed(self.blamed(d, claims), claims) for d in broken]
            grown, wrong = self._increases(budget)
            checked += [*more, *grown]
            broken += wrong
            if budget.warn:
                broken = [d.replace(code="W0450") if d.code in ("E0402", "E0404", "E0307") else d for d in broken]
            found += broken
        return checked, found

    def _increases(self, budget: Budget) -> tuple[list[Checked], list[Diagnostic]]:
        checked: list[Checked] = []
        found: list[Diagnostic] = []
        for increase in budget.increases if self.old is not None else ():
            assert self.old is not None
            subject, title = str(increase.subject), self.this.title
            absent, before = subject in self.old.absent, self.old.quantities.get(subject)
            result, broken = held(increase, self.measures, before, absent, title, self.baseline)
            if result is not None:
                claim = as_claim(increase, result)
                checked.append(Checked(claim, result))
                found += [self._placed(self._grown(broken, claim), [claim])] if broken is not None else []
            elif broken is not None:
                found.append(self._placed(broken, []))
        return checked, found

    def blamed(self, d: Diagnostic, claims: Sequence[ClaimValue]) -> Diagnostic:
        """A broken bound of this network with the lines that grew most since the baseline."""
        claim = self._claim(d, claims)
        return d if claim is None or self.old is None else self._grown(d, claim)

    def _claim(self, d: Diagnostic, claims: Sequence[ClaimValue]) -> ClaimValue | None:
        if d.code not in ("E0401", "E0402", "E0404", "W0450"):
            return None
        return next((c for c in claims if c.span == d.span and d.about in ("", about(self.this.title, c))), None)

    def _grown(self, d: Diagnostic, claim: ClaimValue) -> Diagnostic:
        if self.old is None or self.new is None:
            return d
        inside = {node.path for node in self.measures.nodes(claim.part, claim.tap)}
        most = [g for g in grown(self.old, self.new, claim.quantity) if g.path in inside][:MOST]
        if not most:
            return d
        figure = {"bytes": "activations"}.get(layer_figure(claim.quantity), layer_figure(claim.quantity))
        told = [f"+{show(figure, g.amount)} {'(new) ' if g.fresh else ''}{g.path}" for g in most]
        note = f"grew most in {figure} since {self.baseline}:\n" + "\n".join(told)
        labels: dict[Span, Label] = {}
        for g, text in zip(most, told):
            if g.span is not None:
                labels.setdefault(g.span, Label(g.span, f"since {self.baseline}: {text}"))
        return d.replace(notes=(*d.notes, note), labels=(*d.labels, *labels.values()))

    def _placed(self, d: Diagnostic, claims: Sequence[ClaimValue]) -> Diagnostic:
        """The finding at the line of the spec that did it; the budget's own line is told beside it."""
        lines = [label.span for label in d.labels if in_file(label.span)]
        claim = next((c for c in claims if c.span == d.span), None)
        if not lines and claim is not None and claim.op in ("<", "<="):
            most = contributions(self.measures, claim.quantity, claim.part, claim.tap)[:1]
            line = line_of(most[0].node, self.spot.source if self.spot is not None else None) if most else None
            lines = [line] if line is not None and in_file(line) else []
        place = next(iter(lines), self.spot)
        if place is None or d.span is None:
            return d
        note = next((label.note for label in d.labels if label.span == place), d.note)
        others = tuple(label for label in d.labels if label.span != place)
        return d.replace(span=place, note=note, labels=(*others, Label(d.span, "the budget")))
