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
    """The lines of a table, at most ``limit`` wide where a figure beside the first column leaves room for that.

    ``cells`` are all rows of the table as a terminal shows them, heads first and totals last. Columns that do not fit
    beside one another follow below, behind the first column again.
    """
    right = table.to_the_right
    whole = [max(map(width, column)) for column in zip(*cells)]
    least = [size if to else min(size, NARROWEST) for size, to in zip(whole, right)]
    lines: list[str] = []
    for columns in _stretches(whole, least, right, limit):
        part = [[row[column] for column in columns] for row in cells]
        kept = [right[column] for column in columns], [least[column] for column in columns]
        lines += ([""] if lines else []) + _grid(table, part, *kept, limit, color, columns[-1] == len(right) - 1)
    return lines


def _stretches(whole: list[int], least: list[int], right: list[bool], limit: int) -> list[list[int]]:
    """The columns of each table below one another: as many as fit, the first column in each of them."""
    if sum(least) + 2 * (len(least) - 1) <= limit:
        return [list(range(len(least)))]
    room = limit - min(whole[0], max(limit // 3, NARROWEST))
    found: list[list[int]] = []
    used = room + 1
    for column in range(1, len(least)):
        size = (whole if right[column] else least)[column] + 2
        if used + size > room:
            found.append([0])
            used = 0
        found[-1].append(column)
        used += size
    return found


def _grid(
    table: Table, cells: list[list[str]], right: list[bool], least: list[int], limit: int, color: bool, last: bool
) -> list[str]:
    """The lines of some columns of a table; ``last``: its last one is among them, which has the tones."""
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
        tone = STYLES.get(table.tones.get(number, ""), "") if last else ""
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
