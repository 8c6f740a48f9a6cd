"""Findings as Markdown: for a step summary or a comment on a pull request.

What matters most comes first, and every part gets its share of the room: of 4,000 broken networks the summary says how
many and why, and lists as many as fit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from archdsl.diagnostics import Diagnostic
from archdsl.report.html import escaped as html
from archdsl.report.markdown import code, escaped, table
from archdsl.report.outcome import Outcome, TargetOutcome, file_name, file_span
from archdsl.report.page import Table
from archdsl.report.text import counted, summary

STEP = 1_000_000
"""Bytes of a summary: GitHub takes 1 MiB for a step."""
COMMENT = 60_000
"""Bytes of a comment on a pull request: GitHub takes 65,536 characters."""
FEW = 10
"""Findings that need no table of their codes."""
NAMED = 5
"""Targets that are named where several have one finding."""
ROOM = 200
"""Bytes kept for what says that something was left out."""


def render(outcome: Outcome, root: str, most: int = COMMENT) -> str:
    """The verdict, the findings, what changed, and every claim with its measured value, in at most ``most`` bytes."""
    found = outcome.diagnostics
    text = f"## archdsl: {summary(found)}\n"
    text += "".join(f"\n{escaped(note)}\n" for note in outcome.notes[:FEW])
    if len(found) > FEW:
        counts = Counter(d.code for d in found)
        rows = tuple((c, outcome.headline(c), f"{n:,}") for c, n in counts.most_common())
        text += "\n" + table(Table(("code", "what", "findings"), rows, frozenset({2})))
    room = most - len(text.encode()) - ROOM
    text += _filled(["", *_findings(outcome, root)], room // 2, "findings") if found else ""
    for one in outcome.tables:
        text += _table(one, (most - len(text.encode()) - ROOM) // 2)
    for title, picture in outcome.pictures:
        text += _picture(title, picture, (most - len(text.encode()) - ROOM) // 2)
    targets = sorted(outcome.targets, key=_holds)
    claims = (text for target in targets for text in _claims(target, (most - ROOM) // 4))
    return text + _filled(claims, most - len(text.encode()) - ROOM, "files with claims")


def _filled(parts: Iterable[str], room: int, what: str) -> str:
    """As many parts as there is room for, and how many are left out."""
    kept, left = "", 0
    for part in parts:
        left += bool(left or len(kept.encode()) + len(part.encode()) + 1 > room)
        kept += "" if left else part + "\n"
    return kept + (f"\n… and {left:,} more {what}: there is no room for them.\n" if left else "")


def _findings(outcome: Outcome, root: str) -> list[str]:
    """Each finding once: a fault in a shared file is one of all targets that use it."""
    places: dict[tuple[object, ...], tuple[Diagnostic, list[str]]] = {}
    for target in outcome.targets:
        for d in target.diagnostics:
            span = file_span(d)
            place = (file_name(span, root), span.start, span.end) if span else ()
            places.setdefault((d.severity, d.code, *place, d.message), (d, []))[1].append(target.name)
    shown = sorted(places.values(), key=lambda found: (found[0].severity, -len(found[1])))  # errors first
    return [_finding(d, targets, root) for d, targets in shown]


def _finding(d: Diagnostic, targets: Sequence[str], root: str) -> str:
    span = file_span(d)
    place = code(f"{file_name(span, root)}:{span.line}") + " " if span else ""
    lines = [f"- **{d.severity}[{d.code}]** {place}{escaped(d.message)}" + (f": {escaped(d.note)}" if d.note else "")]
    lines += [f"  - {escaped(line)}" for note in d.notes for line in note.split("\n")]
    lines += [f"  - help: {escaped(d.help)}"] if d.help else []
    if len(targets) > 1:
        named = ", ".join(map(code, targets[:NAMED])) + (", …" if len(targets) > NAMED else "")
        lines.insert(1, f"  - in {counted(len(targets), 'target')}: {named}")
    return "\n".join(lines)


def _holds(target: TargetOutcome) -> bool:
    return all(claim.ok for network in target.networks for claim in network.claims)


def _claims(target: TargetOutcome, room: int) -> list[str]:
    claims = [(network.name, c) for network in target.networks for c in network.claims]
    if not claims:
        return []
    claims.sort(key=lambda pair: pair[1].ok)
    rows = tuple((name, c.subject, c.shown, f"{c.op} {c.limit}", c.verdict) for name, c in claims)
    head = ("network", "quantity", "measured", "bound", "")
    title = f"\n<details><summary>{html(target.name)}: {counted(len(rows), 'claim')}</summary>\n\n"
    return [title + _cut(Table(head, rows), room) + "\n</details>"]


def _table(found: Table, room: int) -> str:
    return f"\n### {escaped(found.title)}\n\n{_cut(found.replace(title=''), room)}"


def _picture(title: str, mermaid: str, room: int) -> str:
    """A flowchart that the reader can open, whole or not at all."""
    text = f"\n<details><summary>{html(title)}</summary>\n\n```mermaid\n{mermaid}```\n\n</details>\n"
    return text if len(text.encode()) <= room else ""


def _cut(found: Table, room: int) -> str:
    """The first rows of a table that fit."""
    text = table(found)
    if len(text.encode()) <= room:
        return text
    lines = text.splitlines(keepends=True)
    kept, size = 2, sum(len(line.encode()) for line in lines[:2])
    while kept < len(lines) and size + len(lines[kept].encode()) <= room:
        size += len(lines[kept].encode())
        kept += 1
    return "".join(lines[:kept]) + f"\n… and {len(lines) - kept:,} more rows.\n"
