"""What a text comes to: its diagnostics, and its graph if it has no errors."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from archdsl.diagnostics import Diagnostic, DiagnosticError
from archdsl.driver import open_program
from archdsl.graph import Graph


class Outcome(NamedTuple):
    """All diagnostics of the checked program in order of place; the graph of its first variant or network."""

    diagnostics: list[Diagnostic]
    graph: Graph | None

    @property
    def codes(self) -> list[str]:
        """The codes, in order."""
        return [d.code for d in self.diagnostics]


def outcome(text: str | Path) -> Outcome:
    """Load and check ``text`` (or the file at a path)."""
    try:
        program = open_program(text)
        diagnostics = program.check()
    except DiagnosticError as error:
        return Outcome(list(error.diagnostics), None)
    errors = [d for d in diagnostics if d.severity == "error"]
    return Outcome(diagnostics, None if errors else program.graph())


def show(diagnostics: list[Diagnostic]) -> str:
    """One line each, for the message of a failed test."""
    return "\n".join(f"{d.span or '-'}: [{d.code}] {d.message}" for d in diagnostics)
