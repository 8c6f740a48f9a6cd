"""The outcome of a check as plain data: the one model that every sink renders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import Diagnostic
from archdsl.record import Record
from archdsl.report.page import Table
from archdsl.source import Span

if TYPE_CHECKING:
    from archdsl.analyses.claims import Result


class ClaimOutcome(Record):
    """One bound and what was measured for it: as people read them (``shown``, ``limit``), and as plain data."""

    subject: str
    shown: str
    op: str
    limit: str
    ok: bool
    headroom: float | None = None
    measured: Any = None
    partial: bool = False
    bound: Any = None

    @property
    def verdict(self) -> str:
        """``holds, 3.1% left``, ``BROKEN, 12.0% beyond``."""
        word = "holds" if self.ok else "BROKEN"
        if self.headroom is None:
            return word
        if not self.ok and self.headroom > 0:
            return f"{word}: only a lower bound is known"
        if not self.headroom:
            return f"{word} exactly" if self.ok else f"{word}: it is the bound"
        size = f"{abs(self.headroom):.1%}" if abs(self.headroom) >= 0.0005 else "under 0.1%"
        return f"{word}, {size} {'left' if self.headroom > 0 else 'beyond'}"


def claim_outcome(result: Result) -> ClaimOutcome:
    """A checked claim with its figures as people read them."""
    from archdsl.analyses.measure import plain, show

    room = result.headroom
    headroom = float(room) if room is not None and abs(room) < 10**300 else None  # beside a bound that is almost zero
    return ClaimOutcome(
        result.subject, result.shown, result.op, show(result.quantity, result.bound), result.ok, headroom,
        plain(result.measured), result.partial, plain(result.bound),
    )  # fmt: skip


class NetworkOutcome(Record):
    """One variant (or network) that could be measured."""

    name: str
    claims: tuple[ClaimOutcome, ...] = ()


class TargetOutcome(Record):
    """One file, as it was named: its networks and its findings."""

    name: str
    networks: tuple[NetworkOutcome, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    broken: tuple[str, ...] = ()
    """Variants that have errors, so that nothing could be measured."""
    unread: str = ""
    """The file with budgets that could not be read, so that nobody knows what the networks are held to."""


class Outcome(Record):
    """All of a run."""

    version: str
    targets: tuple[TargetOutcome, ...]
    page: Callable[[str], str]
    """Code -> its Markdown page (empty where there is none)."""
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    """What could not be checked or compared, and why; what was compared with."""
    pictures: tuple[tuple[str, str], ...] = ()
    """What changed, as titles and Mermaid flowcharts."""

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """All findings, in the order of the targets."""
        return [d for target in self.targets for d in target.diagnostics]

    def headline(self, code: str) -> str:
        """The title of a code's page without the code."""
        return self.page(code).partition("\n")[0].partition(": ")[2] or code


def details(d: Diagnostic) -> str:
    """Message, note, notes and help as lines of plain text: for sinks that show one text."""
    lines = [d.message + (f": {d.note}" if d.note else ""), *d.notes]
    return "\n".join([*lines, *([f"help: {d.help}"] if d.help else [])])


def in_file(span: Span | None) -> bool:
    """Whether a span lies in a file (not in the standard library or on standard input)."""
    return span is not None and span.source.name.endswith((".arch", ".toml"))


def file_span(d: Diagnostic) -> Span | None:
    """The place in a file that is shown for a finding: its own, else that of the innermost application that has one."""
    if in_file(d.span):
        return d.span
    frame = d.frame
    while frame is not None:
        if in_file(frame.span):
            return frame.span
        frame = frame.parent
    return next((label.span for label in d.labels if in_file(label.span)), None)


def file_name(span: Span, root: str) -> str:
    """The path of a span's file with forward slashes, relative to ``root`` where it lies inside."""
    from pathlib import Path

    full, base = Path(span.source.name).resolve(), Path(root).resolve()
    return (full.relative_to(base) if full.is_relative_to(base) else full).as_posix()


def fingerprints(diagnostics: Sequence[Diagnostic], root: str) -> list[str]:
    """An identity for each finding that survives edits elsewhere in the file: of code, file and the text marked, or of
    the network and the claim that it does not meet.

    Line numbers and measured figures take no part; equal findings are numbered.
    """
    from hashlib import sha256

    seen: dict[tuple[str, str, str], int] = {}
    found = []
    for d in diagnostics:
        span = file_span(d)
        text = d.about or (" ".join(span.source.line(span.line).split()) if span else d.message)
        key = (d.code, file_name(span, root) if span else "", text)
        seen[key] = seen.get(key, 0) + 1
        found.append(sha256("\0".join([*key, str(seen[key])]).encode(errors="replace")).hexdigest())
    return found
