"""Pages as GitHub-flavoured Markdown."""

from __future__ import annotations

import re

from archdsl.report.page import Facts, Page, Part, Table

LEVEL = "\u2003"
"""What indents a cell: Markdown drops ordinary spaces."""


def markdown(page: Page) -> str:
    """A page under a heading of the third level; ends in a newline."""
    blocks = [f"### {escaped(page.heading)}\n"] if page.heading else []
    return "\n".join([*blocks, *filter(None, map(_part, page.parts))])


def _part(part: Part) -> str:
    if isinstance(part, Table):
        title = f"{escaped(part.title)}\n\n" if part.title else ""
        note = f"\n{escaped(part.note)}\n" if part.note else ""
        return title + table(part) + note
    if isinstance(part, Facts):
        title = f"**{escaped(part.title)}**\n" if part.title else ""
        facts = "".join(f"- {escaped(line)}\n" for line in part.lines)
        return "\n".join(filter(None, (title, facts)))
    return "```\n" + "\n".join(part.lines) + "\n```\n" if part.lines else ""


def table(shown: Table) -> str:
    """A table; cells are escaped, and figures are aligned to the right."""
    rule = ["---:" if right else "---" for right in shown.to_the_right]
    levels = shown.levels or (0,) * len(shown.rows)
    rows = [list(map(escaped, shown.head)) if shown.head else [""] * len(rule), rule]
    for index, (level, row) in enumerate(zip(levels, shown.rows)):
        first = f"**{escaped(row[0])}**" if index in shown.groups else escaped(row[0])
        rows.append([LEVEL * level + first, *map(escaped, row[1:])])
    if shown.foot:
        rows.append([f"**{escaped(cell)}**" if cell else "" for cell in shown.foot])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def escaped(text: str) -> str:
    """Text that Markdown shows as it is; text between backticks stays code."""
    parts = text.replace("\n", " ").split("`")
    if len(parts) % 2 == 0:  # an odd backtick: nothing is code
        return re.sub(r"([\\*_\[\]<>|#`])", r"\\\1", text.replace("\n", " "))
    plain = (re.sub(r"([\\*_\[\]<>|#])", r"\\\1", part) for part in parts[::2])
    code = (part.replace("|", "\\|") for part in parts[1::2])
    return "`".join(piece for pair in zip(plain, [*code, ""]) for piece in pair)[:-1]
