"""Pages as GitHub-flavoured Markdown."""

from __future__ import annotations

import re

from archdsl.report.page import Facts, Page, Part, Table
from archdsl.report.terminal import visible

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


_CODE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_MARKS = re.compile(r"[\\*_\[\]<>|#`&]|~(?=~)|(?<=~)~")
_LEADS = re.compile(r"^(?=[-+](?:\s|$)|[-=]{2}|=$)|^\d{1,9}(?=[.)](?:\s|$))")


def escaped(text: str) -> str:
    """Text that Markdown shows as it is; text between backticks stays code.

    Nothing in it is HTML, a link, a list, a fence or a mention: it may be a stranger's, and is shown to others.
    """
    text = visible(text.replace("\n", " "))
    parts = _CODE.split(text)
    if text.count("`") != len(parts) - 1:  # a backtick that pairs with none: nothing is code
        parts = [text]
    plain = [_MARKS.sub(r"\\\g<0>", part).replace("@", "@\u2060") for part in parts[::2]]
    plain[0] = _LEADS.sub(r"\g<0>\\", plain[0])
    code = [f"`{part.replace('|', chr(92) + '|')}`" for part in parts[1::2]]
    return "".join(piece for pair in zip(plain, [*code, ""]) for piece in pair)


def code(text: str) -> str:
    """Text in code, whatever backticks it has."""
    text = visible(text.replace("\n", " "))
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}"
