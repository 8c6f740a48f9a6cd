"""Pages as text: columns are aligned here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.process import collector_paused
from archdsl.report.page import Drawing, Facts, Page, Part, Table
from archdsl.report.terminal import Paint, inert, visible, width

INDENT = "  "
PLAIN = Paint(False)


@collector_paused()
def text(page: Page, paint: Paint = PLAIN, limit: int | None = None) -> str:
    """A page with a blank line between its parts; ends in a newline.

    ``limit``: the columns of a terminal, inside of which tables are folded; without one, lines are as long as they are.
    """
    blocks = [[paint("bold", visible(page.heading))]] if page.heading else []
    close = False
    for part in page.parts:
        block = lines(part, paint, limit)
        if close and isinstance(part, Table) and part.close:
            blocks[-1] += block
        elif block:
            blocks.append(block)
        close = isinstance(part, Table) and part.close
    return inert("\n\n".join("\n".join(block) for block in blocks) + ("\n" if blocks else ""))


def lines(part: Part, paint: Paint = PLAIN, limit: int | None = None) -> list[str]:
    """One part as lines without final spaces. Nothing in a cell steers the terminal."""
    if isinstance(part, Table):
        indented = bool(part.title) or part.inset
        rows = _rows(part, paint, None if limit is None else limit - len(INDENT) * indented)
        return _titled(part.title, rows, part.inset, paint, part.note)
    if isinstance(part, Facts):
        return _titled(part.title, [visible(line).rstrip() for line in part.lines], False, paint)
    assert isinstance(part, Drawing)
    return [visible(line).rstrip() for line in part.lines]


def aligned(table: Table) -> list[str]:
    """The rows of a table as lines of equally wide columns, two spaces apart."""
    return _rows(table, PLAIN)


def _titled(title: str, body: Sequence[str], inset: bool, paint: Paint, note: str = "") -> list[str]:
    indent = INDENT if title or inset else ""
    found = [paint("bold", visible(title))] if title else []
    found += [indent + line for line in body]
    return found + ([indent + visible(note)] if note else [])


def _rows(table: Table, paint: Paint, limit: int | None = None) -> list[str]:
    cells = shown(table)
    if not cells:
        return []
    columns = list(zip(*cells))
    sizes = [max(map(len if "".join(column).isascii() else width, column)) for column in columns]
    if limit is not None and sum(sizes) + 2 * (len(sizes) - 1) > limit:
        from archdsl.report.folding import folded

        return folded(table, cells, limit, paint.color)
    padded = [_padded(column, size, to) for column, size, to in zip(columns, sizes, table.to_the_right)]
    found = []
    for number, (row, parts) in enumerate(zip(cells, zip(*padded)), -1 if table.head else 0):
        line = "  ".join(parts).rstrip()
        if number < 0 or number in table.groups:
            line = paint("bold", line)
        elif number in table.tones and row[-1]:
            line = line[: -len(row[-1])] + paint(table.tones[number], row[-1])
        found.append(line)
    if table.foot:
        rule = "-" * (sum(sizes) + 2 * (len(sizes) - 1))
        found[-1:] = [rule, found[-1]]
        found[1:1] = [rule] if table.head else []
    return found


def _padded(column: Sequence[str], size: int, right: bool) -> list[str]:
    if "".join(column).isascii():
        return [cell.rjust(size) if right else cell.ljust(size) for cell in column]
    spaces = [" " * (size - width(cell)) for cell in column]
    return [space + cell if right else cell + space for cell, space in zip(column, spaces)]


def shown(table: Table) -> list[list[str]]:
    """All rows, heads first and totals last, as a terminal shows them: with the first cells indented."""
    levels = table.levels or (0,) * len(table.rows)
    found = [_seen(table.head)] if table.head else []
    for level, row in zip(levels, table.rows):
        cells = _seen(row)
        cells[0] = INDENT * level + cells[0]
        found.append(cells)
    return found + ([_seen(table.foot)] if table.foot else [])


def _seen(row: Sequence[str]) -> list[str]:
    text = "".join(row)
    return [*row] if text.isascii() and text.isprintable() else [*map(visible, row)]
