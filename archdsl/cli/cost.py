"""``archdsl cost``: what a network takes, layer by layer and in total."""

from __future__ import annotations

from typing import Annotated

from archdsl.cli.guard import FINDINGS
from archdsl.cli.options import Bind, Set, Target, Train, bindings, choose, settings
from archdsl.cli.output import out
from archdsl.cli.signature import opt
from archdsl.diagnostics import Refusal

FORMATS = ("table", "json", "csv", "markdown")


def command(
    target: Target,
    format: Annotated[str, opt("--format", help=", ".join(FORMATS))] = "table",
    depth: Annotated[int | None, opt("--depth", min=1, help="one line for each scope at this depth")] = None,
    sort: Annotated[str | None, opt("--sort", help="order by a column (params, macs, …), largest first")] = None,
    select: Annotated[
        list[str] | None, opt("--select", help="only operators or paths that match a pattern: conv, layer1.*")
    ] = None,
    as_: Annotated[str | None, opt("--as", metavar="TOOL", help="count as another tool does")] = None,
    symbolic: Annotated[bool, opt("--symbolic", help="polynomials instead of numbers")] = False,
    wide: Annotated[bool, opt("--wide", help="all columns")] = False,
    folded: Annotated[bool, opt("--folded", help="the deployed graph: batch norms folded away")] = False,
    strict: Annotated[bool, opt("--strict", help="exit 1 where some operator's cost is not known")] = False,
    set_: Set = None,
    bind: Bind = None,
    train: Train = False,
) -> int:
    """Print parameters, MACs, receptive field and memory."""
    choose(format, "--format", FORMATS)
    from archdsl.cli.programs import free_symbols, graph_of
    from archdsl.elaborate.program import check_bound
    from archdsl.passes.cost import cost
    from archdsl.report import cost_sheet, cost_table

    sizes = bindings(bind)
    if any(".." in text for text in set_ or ()):
        from archdsl.cli.family import is_range, ranges
        from archdsl.cli.sweep import sweep

        if symbolic or depth or sort or select or as_ or folded or wide or train:
            raise Refusal("E0007", "a sweep shows totals: it takes only `--set`, `--bind` and `--format`")
        varied = ranges([text for text in set_ or () if is_range(text)], "--set")
        out(sweep(target, varied, settings([t for t in set_ or () if not is_range(t)]), sizes, format))
        return 0
    if symbolic and sizes:
        raise Refusal("E0007", "`--symbolic` and `--bind` exclude each other")
    graph = graph_of(target, settings(set_), {}, train)
    check_bound(sizes, free_symbols(graph))
    table = cost(graph, sizes, symbolic=symbolic)
    table = table.folded if folded else table
    sheet = table.sheet(as_)
    if sort is not None:
        choose(sort, "--sort", tuple(column.key for column in sheet.columns))
        sheet = cost_sheet.ordered(sheet, sort)
    if select:
        sheet = cost_sheet.select(sheet, select)
    if format == "json":
        out(table.to_json(as_, [line.path for line in sheet.lines]))
    elif format == "csv":
        out(cost_table.csv(sheet))
    else:
        render = cost_table.table if format == "table" else cost_table.markdown
        out(render(sheet, depth=depth, flat=sort is not None, wide=wide))
    return FINDINGS if strict and table.partial else 0
