"""The result of a check: for a reader, as data, and as the model that the sinks of ``--report`` render."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from archdsl.diagnostics import Diagnostic
from archdsl.driver import CheckedVariant
from archdsl.record import Record
from archdsl.report.page import Table
from archdsl.report.render import Printed
from archdsl.version import __version__

if TYPE_CHECKING:
    from archdsl.compare.snapshot import Snapshot
    from archdsl.report.checked import CheckReport
    from archdsl.report.outcome import Outcome


class CheckedTarget(Record):
    """One target: its findings, the variants that have a graph, and what those were in the baseline."""

    target: str
    diagnostics: tuple[Diagnostic, ...]
    variants: Mapping[str, CheckedVariant]
    before: Mapping[str, Snapshot] = {}
    broken: tuple[str, ...] = ()
    """Variants that could not be measured."""
    bind: Mapping[str, int] = {}
    """Sizes of symbols."""


class Check(Printed):
    """What ``archdsl check`` found. ``tables``: what changed since a baseline. ``notes``: what could not be checked."""

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
        """Whether there is no error: no fault, and no claim or budget that is not met."""
        return all(d.severity != "error" for d in self.diagnostics)

    def __str__(self) -> str:
        from archdsl.report.text import render, summary

        return "\n".join([*map(render, self.diagnostics), super().__str__(), summary(self.diagnostics)])

    def _repr_markdown_(self) -> str:
        """What a notebook shows."""
        from archdsl.report.sinks.markdown import render

        return render(self.outcome(), ".")

    def report(self) -> CheckReport:
        """Every claim with what was measured for it, and the tables."""
        from archdsl.report.checked import CheckReport

        return CheckReport(self.outcome())

    def outcome(self) -> Outcome:
        """The run as the model that all sinks render."""
        from archdsl.report.outcome import NetworkOutcome, Outcome, TargetOutcome, claim_outcome
        from archdsl.report.pages import page

        targets = []
        for one in self.targets:
            networks = (
                NetworkOutcome(name, tuple(claim_outcome(c.result) for c in variant.claims))
                for name, variant in one.variants.items()
            )
            targets.append(TargetOutcome(one.target, tuple(networks), one.diagnostics, one.broken))
        return Outcome(__version__, tuple(targets), page, self.tables)
