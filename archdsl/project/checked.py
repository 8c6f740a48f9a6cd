"""What a check came to: for a reader, as data, and as the model that the sinks of ``--report`` render."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import Diagnostic
from archdsl.driver import CheckedVariant
from archdsl.record import Record
from archdsl.report.page import Page, Table
from archdsl.report.render import Printed

if TYPE_CHECKING:
    from archdsl.analyses.claims import Checked
    from archdsl.compare.snapshot import Snapshot
    from archdsl.report.outcome import ClaimOutcome, Outcome


class CheckedTarget(Record):
    """One target: its findings, the variants that have a graph, and what those were in the baseline."""

    target: str
    diagnostics: tuple[Diagnostic, ...]
    variants: Mapping[str, CheckedVariant]
    before: Mapping[str, Snapshot] = {}


class Check(Printed):
    """What ``archdsl check`` found. ``tables``: what changed since a baseline. ``notes``: what could not be checked."""

    kind = "check"

    def __init__(
        self, targets: Sequence[CheckedTarget], tables: Sequence[Table] = (), notes: Sequence[str] = ()
    ) -> None:
        self.targets = tuple(targets)
        self.tables = tuple(tables)
        self.notes = tuple(notes)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All findings, in the order of the targets."""
        return tuple(d for one in self.targets for d in one.diagnostics)

    @property
    def ok(self) -> bool:
        """Whether there is no error: no fault, and no claim or budget that is broken."""
        return all(d.severity != "error" for d in self.diagnostics)

    def text(self, color: bool = False) -> str:
        """The findings with their lines, every claim with what was measured for it, and the tables."""
        from archdsl.report.layout import lines
        from archdsl.report.text import render

        found = [render(d, color=color) for d in self.diagnostics]
        found += [line for one in self.targets if one.variants for line in lines(claim_table(one))]
        found += [line for table in self.tables for line in ("", *lines(table))]
        return "".join(line + "\n" for line in found)

    def __str__(self) -> str:
        return self.text().rstrip("\n") or "no findings"

    def page(self) -> Page:
        """Findings, claims and tables."""
        from archdsl.report.page import Facts
        from archdsl.report.text import concise, summary

        told = Facts(tuple(map(concise, self.diagnostics)), summary(self.diagnostics))
        claims = tuple(claim_table(one) for one in self.targets if one.variants)
        return Page("", (told, *claims, *self.tables))

    def data(self) -> dict[str, Any]:
        """Every claim with exact figures, every finding."""
        from archdsl.report.json import diagnostic_records

        files = [
            {
                "target": one.target,
                "variants": [
                    {"name": name, "claims": [_record(claim) for claim in variant.claims]}
                    for name, variant in one.variants.items()
                ],
            }
            for one in self.targets
        ]
        found = self.diagnostics
        errors = sum(d.severity == "error" for d in found)
        compared = {t.title: [dict(zip(t.head, row)) for row in t.rows] for t in self.tables}
        return {
            "targets": files, "diagnostics": diagnostic_records(found), "errors": errors,
            "warnings": len(found) - errors, **({"compared": compared} if compared else {}),
        }  # fmt: skip

    def outcome(self) -> Outcome:
        """The run as the model that all sinks render."""
        from archdsl import __version__
        from archdsl.report.outcome import NetworkOutcome, Outcome, TargetOutcome
        from archdsl.report.pages import page

        targets = []
        for one in self.targets:
            networks = (
                NetworkOutcome(name, tuple(claim_outcome(c, one.before.get(name)) for c in variant.claims))
                for name, variant in one.variants.items()
            )
            targets.append(TargetOutcome(one.target, tuple(networks), one.diagnostics))
        return Outcome(__version__, tuple(targets), page, self.tables)


def claim_outcome(claim: Checked, before: Snapshot | None = None) -> ClaimOutcome:
    """One claim with its figures as people read them."""
    from archdsl.analyses.measure import show
    from archdsl.report.outcome import ClaimOutcome

    result = claim.result
    old = before.quantities.get(result.subject) if before is not None else None
    return ClaimOutcome(
        result.subject, result.shown, result.op, show(result.quantity, result.bound), result.ok,
        None if result.headroom is None else float(result.headroom),
        "" if old is None else show(result.quantity, tuple(old) if isinstance(old, list) else old),
    )  # fmt: skip


def claim_table(one: CheckedTarget) -> Table:
    """The claims of a target's variants: what was measured, the bound, and what is left of it."""
    rows: list[tuple[str, ...]] = []
    levels: list[int] = []
    for name, variant in one.variants.items():
        claims = [claim_outcome(claim) for claim in variant.claims]
        rows.append((name, "", "", "" if claims else "no claims"))
        rows += [(c.subject, c.shown, f"{c.op} {c.limit}", c.verdict) for c in claims]
        levels += [0, *(1 for _ in claims)]
    return Table((), tuple(rows), frozenset({1}), one.target, levels=tuple(levels))


def _record(claim: Checked) -> dict[str, Any]:
    """One claim as plain data."""
    from archdsl.analyses.measure import plain, show

    result = claim.result
    headroom = result.headroom
    return {
        "subject": result.subject, "op": result.op, "ok": result.ok, "measured": plain(result.measured),
        "partial": result.partial, "bound": plain(result.bound),
        "headroom": None if headroom is None else float(headroom),
        "shown": result.shown, "limit": show(result.quantity, result.bound),
    }  # fmt: skip
