"""The one model of reports for people: a page of tables, facts and drawings, and the report that makes it.

A report says the same thing in up to three forms: a :class:`Page` for people (text, Markdown), plain data for programs
(JSON), and one table of exact values (CSV). :func:`archdsl.report.render.render` turns each into text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from archdsl.record import Record


class Table(Record):
    """Rows of texts, one cell for each column."""

    head: tuple[str, ...]
    """Empty for a table without heads."""
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int] | None = None
    """The columns that end together; ``None``: those that hold figures and nothing else."""
    title: str = ""
    note: str = ""
    """A line below: what was left out, what the figures do not mean."""
    foot: tuple[str, ...] = ()
    """A last row of totals, set apart by rules."""
    levels: tuple[int, ...] = ()
    """How far the first cell of each row is indented; empty: not at all."""
    groups: frozenset[int] = frozenset()
    """Rows that sum up those below them."""
    tones: Mapping[int, str] = {}
    """Row -> the style of its last cell on a terminal: ``good``, ``error``, ``dim``."""
    inset: bool = False
    """Whether text indents the table; one with a title is indented anyway."""
    close: bool = False
    """Whether text leaves no line free between this table and one like it."""

    @property
    def to_the_right(self) -> list[bool]:
        """For each column, whether its cells end together instead of beginning together."""
        every = [self.head, *self.rows] if self.head else list(self.rows)
        size = len(every[0]) if every else 0
        if self.right is not None:
            return [i in self.right for i in range(size)]
        return [_figures([row[i] for row in self.rows]) for i in range(size)]


_FIGURE = re.compile(r"(>= )?[-+]?[\d,]")


def _figures(cells: list[str]) -> bool:
    return any(cells) and all(_FIGURE.match(cell) for cell in cells if cell)


class Facts(Record):
    """Lines that each say one thing, under a title where there is one."""

    lines: tuple[str, ...]
    title: str = ""


class Drawing(Record):
    """Lines in a fixed pitch."""

    lines: tuple[str, ...]


Part = Table | Facts | Drawing


class Page(Record):
    """Parts below one another, under a heading where there is one."""

    heading: str
    parts: tuple[Part, ...]


class Report:
    """The report of a command. A subclass declares which of the three forms it has."""

    kind: str = ""
    """What its JSON document is called: ``cost``, ``diff``."""

    def page(self) -> Page:
        """For people."""
        raise NotImplementedError

    def data(self) -> dict[str, Any]:
        """For programs: the content of the JSON document."""
        raise NotImplementedError

    def grid(self) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """For spreadsheets: the heads, and rows of exact values (empty where not known)."""
        raise NotImplementedError

    def chart(self) -> str:
        """A picture of its figures (SVG); empty where it has none."""
        return ""
