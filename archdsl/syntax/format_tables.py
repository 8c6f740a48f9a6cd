"""Tables in columns: numbers are aligned to the right, everything else to the left."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.syntax import spec


def numeric_columns(table: spec.TableExpr) -> list[bool]:
    """For each column, whether all its cells are numbers."""
    columns = range(len(table.header))
    return [
        bool(table.rows) and all(isinstance(row[i], spec.Number) for row in table.rows if i < len(row)) for i in columns
    ]


def aligned(header: Sequence[str], rows: list[list[str]], numeric: list[bool]) -> list[str]:
    """The lines of a table, the header first, with two spaces between the columns."""
    lines = [list(header), *rows]
    widths = [max(len(line[i]) for line in lines if i < len(line)) for i in range(len(header))]
    return ["  ".join(map(_padded, line, widths, numeric)).rstrip() for line in lines]


def _padded(cell: str, width: int, right: bool) -> str:
    return cell.rjust(width) if right else cell.ljust(width)
