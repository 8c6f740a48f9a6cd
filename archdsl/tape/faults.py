"""The faults found in one elaboration, each code and place once.

After a fault the work goes on with what is certain of the refused result. Dimensions that are not certain are fresh
symbols whose names begin with :data:`~archdsl.tape.poison.UNKNOWN`, and a refused value is described by
:data:`~archdsl.tape.poison.REFUSED`; a later refusal whose text contains one of them merely follows from the fault and
stays silent.
"""

from __future__ import annotations

import re
from collections import Counter

from archdsl import dims
from archdsl.diagnostics import Diagnostic, Refusal
from archdsl.source import Frame, Span
from archdsl.syntax.limits import LIMITS
from archdsl.tape.limits import FAULT_STEPS, Bounds
from archdsl.tape.poison import POISON, REFUSED, UNKNOWN, Poison

_OF_RANK = ("E0301", "E0308", "E0309", "E0310")
"""What these codes speak of does not depend on sizes."""


class Faults:
    """The diagnostics of one elaboration."""

    __slots__ = ("_kept", "_reported", "bounds", "diagnostics", "reports", "unknowns")

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.diagnostics: list[Diagnostic] = []
        self.reports = 0
        """How often something was refused, repetitions and what merely follows included."""
        self.unknowns = 0
        """How many unknown dimensions were made."""
        self._reported: set[tuple[object, ...]] = set()
        self._kept: Counter[str] = Counter()

    def report(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic, once for each code and place: so many errors, and so many warnings. Warnings take no room
        from errors, which decide whether there is a network.
        """
        span = diagnostic.span
        key = _key(diagnostic.code, span) if span else (diagnostic.code, diagnostic.message)
        if key not in self._reported and self._kept[diagnostic.severity] < LIMITS.faults:
            if diagnostic.severity == "error" and not self.failed:
                self.bounds.shorten()
            self._kept[diagnostic.severity] += 1
            self._reported.add(key)
            self.diagnostics.append(diagnostic)

    def refuse(self, refusal: Refusal, frame: Frame | None) -> Poison:
        """Report a refusal; the value in its stead is poison. Explaining takes time, so that it counts as work."""
        self.reports += 1
        if not follows(refusal):
            refusal.message = without_unknowns(refusal.message)
            self.report(refusal.diagnostic(frame))
        self.bounds.explained += FAULT_STEPS
        self.bounds.step(FAULT_STEPS)
        return POISON

    def told(self, code: str, span: Span | None) -> bool:
        """Whether a fault was reported before at this place."""
        return span is not None and _key(code, span) in self._reported

    @property
    def failed(self) -> bool:
        """Whether any error was reported."""
        return self._kept["error"] > 0

    def unknown(self) -> dims.Dim:
        """A dimension about which nothing is known."""
        self.bounds.step(5)
        self.unknowns += 1
        return dims.symbol(f"{UNKNOWN}{self.unknowns}")


def follows(refusal: Refusal) -> bool:
    """Whether a refusal speaks of what only an earlier fault left unknown: a refused value, or a dimension."""
    told = f"{refusal.message} {refusal.note}"
    if UNKNOWN not in told:
        return False
    return refusal.code not in _OF_RANK or re.search(rf"{REFUSED}(?!\d)", told) is not None


def following() -> Refusal:
    """A refusal of what follows from an earlier fault: nothing is told of it."""
    return Refusal("E0204", REFUSED)


def without_unknowns(text: str) -> str:
    """The text with every unknown dimension shown as ``?``."""
    return re.sub(UNKNOWN + r"\d+", "?", text)


def _key(code: str, span: Span) -> tuple[object, ...]:
    return (code, span.source.name, span.start, span.end)
