"""Cost sheets as text: an aligned table for people, Markdown, CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import ceil
from typing import Any

from archdsl.report.cost_sheet import Column, Entry, Partial, Sheet, Total, outline, sums

INDENT = "  "


def table(sheet: Sheet, *, depth: int | None = None, flat: bool = False, wide: bool = False) -> str:
    """An aligned table: the heading, the operators grouped by scope with repeats folded, totals, notes.

    ``flat``: one line for each operator in the sheet's order, with whole paths (for sorted or selected lines).
    The text ends in a newline.
    """
    columns = _shown(sheet, wide)
    entries = _entries(sheet, depth, flat)
    header = ["path", *(c.title for c in columns)]
    rows = [[_label(e), *(_cell(c, e.cells.get(c.key)) for c in columns)] for e in entries]
    whole = sums(sheet.lines, columns)
    foot = ["total", *(_cell(c, whole.get(c.key)) if c.summed else "" for c in columns)]
    left = [True, *(c.kind in ("text", "shape") for c in columns)]
    body = aligned([header, *rows, foot], left)
    rule = "-" * max(map(len, body))
    lines = [sheet.heading, "", body[0], rule, *body[1:-1], rule, body[-1], ""]
    lines += _total_lines(sheet.totals)
    if any(e.repeats > 1 for e in entries):
        lines.append("a folded line (x2) has the figures of one of its repeats")
    lines += sheet.notes
    return "\n".join(line.rstrip() for line in lines) + "\n"


def markdown(sheet: Sheet, *, depth: int | None = None, flat: bool = False, wide: bool = False) -> str:
    """The same as GitHub-flavoured Markdown."""
    columns = _shown(sheet, wide)
    entries = _entries(sheet, depth, flat)
    marks = [":--", *(":--" if c.kind in ("text", "shape") else "--:" for c in columns)]
    rows = [["path", *(c.title for c in columns)], marks]
    for e in entries:
        label = "&nbsp;" * 2 * e.level + (f"**{_md(e.label)}**" if e.group else _md(e.label))
        rows.append([label, *(_md(_cell(c, e.cells.get(c.key))) for c in columns)])
    lines = [f"**{_md(sheet.heading)}**", "", *("| " + " | ".join(row) + " |" for row in rows), ""]
    lines += [f"- {_md(text)}" for text in [*_total_lines(sheet.totals), *sheet.notes]]
    return "\n".join(lines) + "\n"


def csv(sheet: Sheet) -> str:
    """Comma-separated values: every operator with all columns, exact numbers, unknown ones empty."""
    rows = ([line.path, *(_exact(line.cells.get(c.key)) for c in sheet.columns)] for line in sheet.lines)
    return comma_separated(["path", *(c.key for c in sheet.columns)], rows)


def comma_separated(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table as RFC 4180 has it, with plain newlines."""
    import csv as format
    from io import StringIO

    out = StringIO()
    writer = format.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue()


def _shown(sheet: Sheet, wide: bool) -> list[Column]:
    return [c for c in sheet.columns if wide or not c.wide]


def _entries(sheet: Sheet, depth: int | None, flat: bool) -> list[Entry]:
    return [Entry(line.path, 0, line.cells) for line in sheet.lines] if flat else outline(sheet, depth)


def _label(entry: Entry) -> str:
    return INDENT * entry.level + entry.label


def _total_lines(totals: Sequence[Total]) -> list[str]:
    size = max((len(t.name) for t in totals), default=0)
    return [f"{t.name.replace('_', ' '):<{size}}  {show_total(t)}" for t in totals]


def show_total(total: Total) -> str:
    """``300,774,272``; ``6,021,120 bytes (5.74 MiB)``; ``>= …`` where it is a lower bound."""
    if total.value is None:
        return "depends on the symbols"
    text = number(total.value) + (f" {total.unit}" if total.unit else "")
    if total.unit == "bytes" and isinstance(total.value, int) and total.value >= 1024:
        text += f" ({human_bytes(total.value)})"
    return f">= {text}" if total.partial else text


def number(value: Any) -> str:
    """``300,774,272``; ratios with four digits; tuples per axis; polynomials as they are."""
    if isinstance(value, tuple):
        return " x ".join("all" if v is None else number(v) for v in value)
    if isinstance(value, Fraction | float):
        return f"{float(value):,.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def positions(size: int | Fraction | float) -> int:
    """The size of a receptive field in whole positions: interpolation makes fields that end between two."""
    return ceil(size)


def human_bytes(size: int) -> str:
    """``5.74 MiB``."""
    if size < 1024:
        return f"{size} B"
    amount, units = float(size), ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
    step = 0
    while amount >= 1024 and step < len(units) - 1:
        amount, step = amount / 1024, step + 1
    return f"{amount:.2f} {units[step]}"


def _cell(column: Column, value: Any) -> str:
    if isinstance(value, Partial):
        return ">= " + _cell(column, value.known)
    if column.kind == "field":
        return _field(value)
    if value is None:
        return "?" if column.summed else ""
    if column.kind == "bytes" and isinstance(value, int):
        return human_bytes(value)
    return str(value) if column.kind in ("text", "shape") else number(value)


def _field(value: Any) -> str:
    if not isinstance(value, tuple):
        return ""
    whole = tuple(None if size is None else positions(size) for size in value)
    if len(set(whole)) == 1:
        return "all" if whole[0] is None else number(whole[0])
    return number(whole) if any(size is not None for size in whole) else "all"


def _exact(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return "x".join("all" if v is None else str(_exact(v)) for v in value)
    return float(value) if isinstance(value, Fraction) else value


def aligned(rows: Sequence[Sequence[str]], left: Sequence[bool]) -> list[str]:
    """Rows as lines of equally wide columns, two spaces apart; those in ``left`` begin together, the others end so."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(left))]
    return [
        "  ".join(f"{text:<{w}}" if ahead else f"{text:>{w}}" for text, w, ahead in zip(row, widths, left))
        for row in rows
    ]


def _md(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")
