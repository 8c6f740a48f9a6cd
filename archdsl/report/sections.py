"""A report of several small tables, under a heading and beside a drawing: as text, and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from archdsl.record import Record
from archdsl.report.cost_table import aligned
from archdsl.report.markdown import escaped, rows_of


class Section(Record):
    """One table: its title, column heads, rows of texts, and a line under it (what was left out)."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


class Report(Record):
    """A heading, lines of plain facts, a drawing in a fixed pitch, and tables."""

    heading: str
    drawing: tuple[str, ...]
    facts: tuple[str, ...]
    sections: tuple[Section, ...]


def text(report: Report) -> str:
    """For a terminal; ends in a newline."""
    lines = [report.heading, ""]
    if report.drawing:
        lines += [*report.drawing, ""]
    lines += report.facts
    for section in report.sections:
        rows = aligned([section.head, *section.rows], [not right for right in _numeric(section.rows)])
        lines += ["", section.title, *(f"  {row}" for row in rows)]
        lines += [f"  {section.note}"] if section.note else []
    return "\n".join(line.rstrip() for line in lines) + "\n"


def markdown(report: Report) -> str:
    """As GitHub-flavoured Markdown; ends in a newline."""
    lines = [f"**{escaped(report.heading)}**\n"]
    if report.drawing:
        lines.append("```\n" + "\n".join(report.drawing) + "\n```\n")
    lines.append("".join(f"- {escaped(fact)}\n" for fact in report.facts))
    for section in report.sections:
        note = f"\n{escaped(section.note)}\n" if section.note else ""
        lines.append(f"{escaped(section.title)}\n\n{rows_of(section.head, section.rows)}{note}")
    return "\n".join(lines)


def _numeric(rows: Sequence[Sequence[str]]) -> list[bool]:
    """Which columns stand to the right: those that hold nothing but figures."""
    return [all(re.match(r"-?[\d,]", cell) for cell in column) for column in zip(*rows)]
