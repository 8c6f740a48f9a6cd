"""``archdsl cost``: what a network takes, layer by layer and in total."""

from __future__ import annotations

from typing import Annotated

import typer

from archdsl.cli.guard import FINDINGS
from archdsl.cli.options import Bind, Set, Target, Train, bindings, choose, settings
from archdsl.cli.output import out
from archdsl.diagnostics import Refusal

FORMATS = ("table", "json", "csv", "markdown")


def command(
    target: Target,
    format: Annotated[str, typer.Option("--format", help=", ".join(FORMATS))] = "table",
    depth: Annotated[int | None, typer.Option("--depth", min=1, help="one line for each scope at this depth")] = None,
    sort: Annotated[str | None, typer.Option("--sort", help="order by a column (params, macs, …), largest first")] = None,
    select: Annotated[
        list[str] | None, typer.Option("--select", help="only operators or paths that match a pattern: conv, layer1.*")
    ] = None,
    as_: Annotated[str | None, typer.Option("--as", metavar="TOOL", help="count as another tool does")] = None,
    symbolic: Annotated[bool, typer.Option("--symbolic", help="polynomials instead of numbers")] = False,
    wide: Annotated[bool, typer.Option("--wide", help="all columns")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="exit 1 where some operator's cost is not known")] = False,
    set_: Set = None,
    bind: Bind = None,
    train: Train = False,
) -> int:
    """Print the costs of a network: parameters, MACs, receptive field and memory of every operator."""
    choose(format, "--format", FORMATS)
    from archdsl.cli.programs import graph_of
    from archdsl.passes.cost import cost
    from archdsl.report import cost_sheet, cost_table

    sizes = bindings(bind)
    if symbolic and sizes:
        raise Refusal("E0007", "`--symbolic` and `--bind` exclude each other")
    table = cost(graph_of(target, settings(set_), {}, train), sizes, symbolic=symbolic)
    sheet = table.sheet(as_)
    if sort is not None:
        choose(sort, "--sort", tuple(column.key for column in sheet.columns))
        sheet = cost_sheet.ordered(sheet, sort)
    if select:
        sheet = cost_sheet.select(sheet, select)
    if format == "json":
        out(table.to_json())
    elif format == "csv":
        out(cost_table.csv(sheet))
    else:
        render = cost_table.table if format == "table" else cost_table.markdown
        out(render(sheet, depth=depth, flat=sort is not None, wide=wide))
    return FINDINGS if strict and table.partial else 0
