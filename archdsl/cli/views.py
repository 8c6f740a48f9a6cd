"""What ``archdsl cost`` shows besides its table, and which of the table's lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.cli.options import bindings, pairs, settings
from archdsl.cli.output import progress, show
from archdsl.diagnostics import Refusal, check_choice

if TYPE_CHECKING:
    from archdsl.report.cost_sheet import Sheet
    from archdsl.report.page import Report


def sweep(target: str, texts: Sequence[str], sizes: Sequence[str], format: str, output: str | None) -> None:
    """The totals of the members of a family: parameters and sizes with values or ranges (``width=0.5..1.5:0.1``)."""
    from archdsl.project.family import is_range
    from archdsl.project.sweep import sweep

    file = checked(output, True)
    varied, fixed = _split(texts, "--set", is_range)
    spread, bound = _split(sizes, "--bind", is_range)
    found = sweep(target, varied, settings=settings(fixed), bind={**bindings(bound), **spread}, step=progress)
    drawn(found.report(), format, file)


def _split(texts: Sequence[str], option: str, is_range: Callable[[str], bool]) -> tuple[dict[str, str], list[str]]:
    """The names with ranges, and the texts without; refuses (E0007) repeats."""
    ranges = {name: value for name, value in pairs(texts, option).items() if is_range(value)}
    return ranges, [text for text in texts if text.partition("=")[0].strip() not in ranges]


def checked(output: str | None, drawable: bool) -> Path | None:
    """The file of a picture; refuses what has none, cannot be written or replaced, before any work is done for it."""
    if output is None:
        return None
    if not drawable:
        raise Refusal(
            "E0007", "`-o` draws `--memory`, or a sweep as `--set width=0.5..1.5:0.1`: a table has no picture"
        )
    from archdsl.outputs import CHART, check_output

    check_output(output, CHART)
    return Path(output)


def drawn(report: Report, format: str, file: Path | None) -> None:
    """Write a report to stdout, and its picture to a file where one was named."""
    if file is not None:
        from archdsl.writing import write_file

        picture = report.chart()
        if not picture:
            help = "give symbols sizes with `--bind`; without `-o` the reasons are listed"
            raise Refusal("E0007", f"there is nothing to draw in `{file}`: no member has figures", help=help)
        write_file(file, picture)
    show(report, format)


def chosen(sheet: Sheet, sort: str | None, select: list[str] | None) -> Sheet:
    """The lines that were asked for, in the order that was asked for."""
    from archdsl.report import cost_sheet

    if sort is not None:
        check_choice(sort, "--sort", tuple(column.key for column in sheet.columns))
        sheet = cost_sheet.ordered(sheet, sort)
    if select:
        sheet = cost_sheet.select(sheet, select)
        if not sheet.lines:
            help = "`archdsl cost` without `--select` shows both; a pattern may contain `*` and `?`"
            raise Refusal("E0007", f"`--select {','.join(select)}` matches no operator and no path", help=help)
    return sheet
