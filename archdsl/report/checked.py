"""The outcome of a check as a report: every claim with its measured value, and what changed against a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archdsl.diagnostics import Diagnostic
from archdsl.report.outcome import ClaimOutcome, Outcome, TargetOutcome
from archdsl.report.page import Page, Report, Table


class CheckReport(Report):
    """The report of ``archdsl check`` apart from the findings."""

    kind = "check"

    def __init__(self, outcome: Outcome, quiet: bool = False) -> None:
        self.outcome = outcome
        self.quiet = quiet

    def page(self) -> Page:
        """A table for each target: its networks and their claims, with bound and what is left of it."""
        targets = map(_broken, self.outcome.targets) if self.quiet else self.outcome.targets
        return Page("", (*(_claims(one) for one in targets if one.networks), *self.outcome.tables))

    def data(self) -> dict[str, Any]:
        """All of the outcome."""
        from archdsl.report.json import diagnostic_records

        files = [
            {
                "target": one.name,
                "variants": [
                    {"name": network.name, "claims": [_record(claim) for claim in network.claims]}
                    for network in one.networks
                ],
                "broken": list(one.broken),
            }
            for one in self.outcome.targets
        ]
        found = self.outcome.diagnostics
        errors = sum(d.severity == "error" for d in found)
        compared = {t.title: [dict(zip(t.head, row)) for row in t.rows] for t in self.outcome.tables}
        return {
            "targets": files, "diagnostics": diagnostic_records(found), "errors": errors,
            "warnings": len(found) - errors, "notes": list(self.outcome.notes),
            **({"compared": compared} if compared else {}),
        }  # fmt: skip


class FindingsReport(Report):
    """Findings alone, as ``archdsl lint`` has them; for people :mod:`archdsl.report.text` shows one by one."""

    def __init__(self, kind: str, diagnostics: Sequence[Diagnostic]) -> None:
        self.kind = kind
        self.diagnostics = diagnostics

    def data(self) -> dict[str, Any]:
        """The findings."""
        from archdsl.report.json import diagnostic_records

        return {"diagnostics": diagnostic_records(self.diagnostics)}


def _broken(target: TargetOutcome) -> TargetOutcome:
    """The networks with a claim that does not hold, and these claims."""
    networks = (n.replace(claims=tuple(c for c in n.claims if not c.ok)) for n in target.networks)
    return target.replace(networks=tuple(network for network in networks if network.claims))


def _claims(target: TargetOutcome) -> Table:
    rows: list[tuple[str, ...]] = []
    levels, tones = [], {}
    none = f"not held to its budgets: {target.unread} cannot be read" if target.unread else "no claims"
    for network in target.networks:
        levels.append(0)
        rows.append((network.name, "", "", "" if network.claims else none))
        for claim in network.claims:
            tones[len(rows)] = "good" if claim.ok else "error"
            levels.append(1)
            rows.append((claim.subject, claim.shown, f"{claim.op} {claim.limit}", claim.verdict))
    return Table((), tuple(rows), frozenset({1}), target.name, levels=tuple(levels), tones=tones, close=True)


def _record(claim: ClaimOutcome) -> dict[str, Any]:
    names = ("subject", "op", "ok", "measured", "partial", "bound", "headroom", "shown", "limit")
    return {name: getattr(claim, name) for name in names}
