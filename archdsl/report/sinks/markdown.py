"""Findings as Markdown: for a step summary or a comment on a pull request."""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic
from archdsl.report.markdown import escaped, table
from archdsl.report.outcome import Outcome, TargetOutcome, file_name, file_span
from archdsl.report.page import Table
from archdsl.report.text import counted, summary

MOST = 900_000
"""Bytes of a summary: GitHub takes 1 MiB for a step."""


def render(outcome: Outcome, root: str) -> str:
    """The verdict, the findings, what changed, and every claim with its measured value."""
    found = outcome.diagnostics
    parts = [f"## archdsl: {summary(found)}\n"]
    parts += ["\n".join(_finding(d, root) for d in found) + "\n"] if found else []
    parts += [_table(one) for one in outcome.tables]
    parts += [text for target in outcome.targets for text in _claims(target)]
    text, size = "", 0
    for part in parts:
        size += len(part.encode()) + 1
        if size > MOST:
            return text + "\n… and more: the report is cut at GitHub's size limit.\n"
        text += ("\n" if text else "") + part
    return text


def _finding(d: Diagnostic, root: str) -> str:
    span = file_span(d)
    place = f"`{file_name(span, root)}:{span.line}` " if span else ""
    lines = [f"- **{d.severity}[{d.code}]** {place}{escaped(d.message)}" + (f": {escaped(d.note)}" if d.note else "")]
    lines += [f"  - {escaped(line)}" for note in d.notes for line in note.split("\n")]
    return "\n".join([*lines, *([f"  - help: {escaped(d.help)}"] if d.help else [])])


def _claims(target: TargetOutcome) -> list[str]:
    rows = [
        (network.name, c.subject, c.shown, f"{c.op} {c.limit}", c.verdict)
        for network in target.networks
        for c in network.claims
    ]
    if not rows:
        return []
    head = ("network", "quantity", "measured", "bound", "")
    title = f"<details><summary>{escaped(target.name)}: {counted(len(rows), 'claim')}</summary>\n\n"
    return [title + table(Table(head, tuple(rows))) + "\n</details>\n"]


def _table(found: Table) -> str:
    return f"### {escaped(found.title)}\n\n{table(found.replace(title=''))}"
