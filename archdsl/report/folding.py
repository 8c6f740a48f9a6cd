"""Tables wider than the terminal: texts are folded inside of their columns, figures stay whole.

This is the one place that uses rich; it is imported when a table on a terminal does not fit.
"""

from __future__ import annotations

from io import StringIO

from rich.box import Box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from archdsl.report.page import Table
from archdsl.report.terminal import width

STYLES = {"good": "green", "error": "bold red", "dim": "dim"}
RULES = Box("    \n    \n----\n    \n    \n----\n    \n    \n")
"""No lines but below the heads and above the totals."""
NARROWEST = 8
"""Columns of text are not folded to fewer characters."""


def folded(table: Table, cells: list[list[str]], limit: int, color: bool) -> list[str]:
    """The lines of a table, at most ``limit`` wide where the figures leave room for that.

    ``cells`` are all rows of the table as a terminal shows them, heads first and totals last.
    """
    right = table.to_the_right
    whole = [max(map(width, column)) for column in zip(*cells)]
    least = [size if to else min(size, NARROWEST) for size, to in zip(whole, right)]
    grid = Grid(
        box=RULES, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), show_header=bool(table.head),
        show_footer=bool(table.foot), header_style="bold", footer_style="",
    )  # fmt: skip
    heads = cells[0] if table.head else [""] * len(right)
    feet = cells[-1] if table.foot else [""] * len(right)
    for head, foot, to, size in zip(heads, feet, right, least):
        grid.add_column(
            Text(head), Text(foot), justify="right" if to else "left", no_wrap=to, overflow="fold", min_width=size
        )
    body = cells[bool(table.head) : len(cells) - bool(table.foot)]
    for number, row in enumerate(body):
        tone = STYLES.get(table.tones.get(number, ""), "")
        shown = [Text(cell) for cell in row[:-1]] + [Text(row[-1], tone)]
        grid.add_row(*shown, style="bold" if number in table.groups else None)
    out = StringIO()
    room = max(limit, sum(least) + 2 * (len(least) - 1))
    console = Console(
        file=out, width=room, force_terminal=color, color_system="standard" if color else None, no_color=not color,
        legacy_windows=False, markup=False, emoji=False, highlight=False,
    )  # fmt: skip
    console.print(grid)
    return [line.rstrip() for line in out.getvalue().splitlines()]
