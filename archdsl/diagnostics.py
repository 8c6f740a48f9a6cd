"""Diagnostics: findings as data, which ``archdsl.report`` renders."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Literal

from archdsl.record import Record
from archdsl.shown import Verbatim
from archdsl.source import Frame, Span

Severity = Literal["error", "warning"]
SEVERAL = 20
"""Messages at one place that are told in full; of further variants with such a fault, the names."""


class Label(Record):
    """A remark on a further place: ``note`` is printed under the marked ``span``."""

    span: Span
    note: str


class Edit(Record):
    """A change of the text: what ``span`` covers becomes ``text``."""

    span: Span
    text: str


class Diagnostic(Verbatim, Record):
    """One finding. ``message`` is a headline that can be read alone; ``note`` is printed next to the carets.

    ``edit``, where there is one, removes the finding and changes nothing that the network computes.
    """

    code: str
    message: str
    span: Span | None = None
    note: str = ""
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str = ""
    frame: Frame | None = None
    edit: Edit | None = None
    about: str = ""
    """What the finding is about where one place may have several: a network and the claim that it does not meet."""

    @property
    def of_use(self) -> bool:
        """Whether a tool or its use failed; the spec may be correct."""
        return self.code.startswith(("E00", "E07", "E0603", "E0605"))

    @property
    def severity(self) -> Severity:
        """``error`` for E codes, ``warning`` for W codes."""
        return "warning" if self.code.startswith("W") else "error"

    def __str__(self) -> str:
        """``specs/mine.arch:14:9: error[E0304]: …``, and the help in a line of its own."""
        place = f"{self.span}: " if self.span else ""
        help = f"\n  help: {self.help}" if self.help else ""
        return f"{place}{self.severity}[{self.code}]: {self.message}{help}"


def alone(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """The diagnostics, which then keep nothing of the network that they are of."""
    for d in diagnostics:
        frame = d.frame
        while frame is not None:
            frame.stand_alone()
            frame = frame.parent
    return diagnostics


def unique(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Each code and place once, in the order of the text; what has no place comes first."""
    kept: dict[tuple[object, ...], Diagnostic] = {}
    for d in diagnostics:
        kept.setdefault((*_place(d), d.about), d)
    return sorted(kept.values(), key=lambda d: (d.span.source.name, d.span.start) if d.span else ("", -1))


def _place(d: Diagnostic) -> tuple[object, ...]:
    return (d.code, d.span.source.name, d.span.start, d.span.end) if d.span else (d.code, d.message)


def by_variant(found: Iterable[tuple[str, Diagnostic]]) -> list[Diagnostic]:
    """The findings of all variants: what several have at one place is told once, and names all of them.

    A claim that does not hold is told of each variant: the measured values differ.
    """
    places: dict[tuple[object, ...], dict[str, Diagnostic]] = {}
    for name, d in found:
        places.setdefault((*_place(d), d.about), {}).setdefault(name, d)
    kept = []
    for of_it in places.values():
        first, *others = of_it.values()
        names: dict[str, list[str]] = {}
        for name, d in list(of_it.items())[1:]:
            names.setdefault("" if len(names) >= SEVERAL or d.message == first.message else d.message, []).append(name)
        told = [f"also in {', '.join(map('`{}`'.format, some))}{text and ': '}{text}" for text, some in names.items()]
        kept.append(first.replace(notes=(*first.notes, *told)) if others else first)
    return kept


def without_unread_results(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """Without the ``let``s that nothing reads (W0208) whose result is told to be unused itself (W0204); behind an error
    without all of them, since what is unused may follow from it.
    """
    if any(d.severity == "error" for d in diagnostics):
        return [d for d in diagnostics if d.code != "W0208"]
    unused = [d.span for d in diagnostics if d.code == "W0204" and d.span is not None]
    return [
        d
        for d in diagnostics
        if d.code != "W0208"
        or d.span is None
        or not any(d.span.source is s.source and d.span.start <= s.start < d.span.end for s in unused)
    ]


class DiagnosticError(Exception):
    """What was asked for cannot be done. Its text has code, place, message and help of everything that was found.

    The functions of ``archdsl`` raise no other exception for what is wrong with a text, a file or an argument.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self._diagnostics = tuple(diagnostics)
        super().__init__(self._diagnostics)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Every diagnostic, errors and warnings."""
        return self._diagnostics

    def __str__(self) -> str:
        return "\n".join(map(str, self.diagnostics))


class Refusal(DiagnosticError):
    """A refusal by a rule. Rules do not know places: the caller adds the span."""

    def __init__(self, code: str, message: str, *, help: str = "", note: str = "", notes: Iterable[str] = ()) -> None:
        Exception.__init__(self, code, message)
        self.span: Span | None = None
        self.labels: tuple[Label, ...] = ()
        self.code = code
        self.message = message
        self.help = help
        self.note = note
        self.notes = tuple(notes)
        self.argument = ""
        """The argument of an operator that is at fault, where it is one."""

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The refusal as the one diagnostic that it is."""
        return (self.diagnostic(),)

    def located(self, span: Span | None) -> Refusal:
        """The refusal with a place, unless an inner rule has given it a more exact one."""
        if self.span is None:
            self.span = span
        return self

    def diagnostic(self, frame: Frame | None = None) -> Diagnostic:
        """The refusal as a diagnostic."""
        return Diagnostic(self.code, self.message, self.span, self.note, self.labels, self.notes, self.help, frame)


def did_you_mean(name: str, candidates: Iterable[str], otherwise: str = "") -> str:
    """The help for a name that is not known: the candidate that was most likely meant, or ``otherwise``."""
    return suggest(nearest(name, candidates), otherwise)


def check_choice(value: str, option: str, allowed: Collection[str]) -> None:
    """Refuse (E0007) a value of an option that is not one of those allowed."""
    if value not in allowed:
        help = did_you_mean(value, allowed, f"choose from {', '.join(allowed)}")
        raise Refusal("E0007", f"`{option} {value}` is not available", help=help)


def suggest(meant: str | None, otherwise: str = "") -> str:
    """The help that asks whether a near name was meant, or ``otherwise`` if there is none."""
    return f"did you mean `{meant}`?" if meant else otherwise


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate a reader most likely meant, or ``None``."""
    near = frozenset(c for c in candidates if abs(len(c) - len(name)) <= 3 + len(name) // 3)
    return _nearest(name, near if len(near) <= _MANY else frozenset(c for c in near if c[:2] == name[:2]))


_MANY = 1000
"""Candidates among which those that begin otherwise are looked at as well."""


@lru_cache(maxsize=256)
def _nearest(name: str, candidates: frozenset[str]) -> str | None:
    from difflib import get_close_matches

    found = get_close_matches(name, sorted(candidates)[:_MANY], n=1, cutoff=0.6)
    return found[0] if found else None
