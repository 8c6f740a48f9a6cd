"""The result of a check: for a reader, as data, and as the model that the sinks of ``--report`` render."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archdsl.diagnostics import Diagnostic
from archdsl.record import Record
from archdsl.report.page import Table
from archdsl.report.render import Printed
from archdsl.version import __version__

if TYPE_CHECKING:
    from archdsl.report.checked import CheckReport
    from archdsl.report.outcome import NetworkOutcome, Outcome


class CheckedTarget(Record):
    """One target: its findings, and its networks with their claims. ``broken``: variants that could not be measured."""

    target: str
    diagnostics: tuple[Diagnostic, ...]
    networks: tuple[NetworkOutcome, ...]
    broken: tuple[str, ...] = ()
    unread: str = ""
    """The file with budgets that could not be read."""


class Check(Printed):
    """What ``archdsl check`` found. ``tables``: what changed since a baseline. ``notes``: what could not be checked.

    ``pictures``: what changed, as titles and Mermaid flowcharts.
    """

    def __init__(
        self,
        targets: Sequence[CheckedTarget],
        tables: Sequence[Table] = (),
        notes: Sequence[str] = (),
        pictures: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.targets = tuple(targets)
        self.tables = tuple(tables)
        self.notes = tuple(notes)
        self.pictures = tuple(pictures)

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

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """The findings as Markdown; else the text."""
        from archdsl.report.sinks.markdown import render

        return {"text/plain": str(self), "text/markdown": render(self.outcome(), ".")}

    def report(self, quiet: bool = False) -> CheckReport:
        """Every claim with what was measured for it (``quiet``: those that are broken), and the tables."""
        from archdsl.report.checked import CheckReport

        return CheckReport(self.outcome(), quiet)

    def outcome(self) -> Outcome:
        """The run as the model that all sinks render."""
        from archdsl.report.outcome import Outcome, TargetOutcome
        from archdsl.report.pages import page

        targets = tuple(
            TargetOutcome(one.target, one.networks, one.diagnostics, one.broken, one.unread) for one in self.targets
        )
        return Outcome(__version__, targets, page, self.tables, self.notes, self.pictures)
