"""``archdsl cost``: what a network takes, layer by layer and in total."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from archdsl.cli.exit import FINDINGS
from archdsl.cli.options import Bind, Set, Target, Train, bindings, choose, settings
from archdsl.cli.output import out, show
from archdsl.cli.signature import opt
from archdsl.diagnostics import Refusal

if TYPE_CHECKING:
    from archdsl.graph import Graph
    from archdsl.report.cost_sheet import Sheet

FORMATS = ("table", "json", "csv", "markdown")


def command(
    target: Target,
    format: Annotated[str, opt("--format", help=", ".join(FORMATS))] = "table",
    depth: Annotated[int | None, opt("--depth", min=1, help="one line for each scope at this depth")] = None,
    sort: Annotated[str | None, opt("--sort", help="order by a column (params, macs, …), largest first")] = None,
    select: Annotated[
        list[str] | None, opt("--select", metavar="conv,layer1.*", help="only operators or paths that match a pattern")
    ] = None,
    as_: Annotated[str | None, opt("--as", metavar="TOOL", help="count as another tool does")] = None,
    symbolic: Annotated[bool, opt("--symbolic", help="polynomials instead of numbers")] = False,
    wide: Annotated[bool, opt("--wide", help="all columns")] = False,
    folded: Annotated[bool, opt("--folded", help="the deployed graph: batch norms folded away")] = False,
    strict: Annotated[bool, opt("--strict", help="exit 1 where some operator's cost is not known")] = False,
    memory: Annotated[bool, opt("--memory", help="what is live when, what makes the peak, and where it lies")] = False,
    level: Annotated[str | None, opt("--level", help="with --memory: fused none, act or full (the default)")] = None,
    dtype: Annotated[str | None, opt("--dtype", help="with --memory: floats as f32, f16, bf16 or i8")] = None,
    at: Annotated[
        list[str] | None, opt("--at", metavar="TAP", help="the receptive field at a label: layer3, or 'layer*'")
    ] = None,
    set_: Set = None,
    bind: Bind = None,
    train: Train = False,
) -> int:
    """Print parameters, MACs, receptive field and memory."""
    choose(format, "--format", FORMATS)
    sizes = bindings(bind)
    rows = bool(symbolic or depth or sort or select or as_ or wide)
    if (level or dtype) and not memory:
        raise Refusal("E0007", "`--level` and `--dtype` belong to `--memory`")
    if any(".." in text for text in set_ or ()):
        if rows or folded or train or memory or at:
            raise Refusal("E0007", "a sweep shows totals: it takes only `--set`, `--bind` and `--format`")
        out(_sweep(target, set_ or [], sizes, format))
        return 0
    if (memory or at) and (rows or strict or (memory and at)):
        what = "`--memory`" if memory else "`--at`"
        raise Refusal("E0007", f"{what} is a view of its own: it takes none of the options that shape the table")
    if symbolic and sizes:
        raise Refusal("E0007", "`--symbolic` and `--bind` exclude each other")
    graph = _graph(target, settings(set_), sizes, train)
    if memory or at:
        from archdsl.cli import views
        from archdsl.rewrites.fold import fold

        graph = fold(graph) if folded else graph
        show(views.fields(graph, sizes, at) if at else views.memory(graph, sizes, level, dtype), format)
        return 0
    from archdsl.analyses.cost import cost
    from archdsl.report.cost_columns import sheet
    from archdsl.report.costs import CostReport

    table = cost(graph, sizes, symbolic=symbolic)
    table = table.folded if folded else table
    shown = _chosen(sheet(table, as_), sort, select)
    show(CostReport(table, tool=as_, shown=shown, depth=depth, flat=sort is not None, wide=wide), format)
    return FINDINGS if strict and table.partial else 0


def _chosen(sheet: Sheet, sort: str | None, select: list[str] | None) -> Sheet:
    """The lines that were asked for, in the order that was asked for."""
    from archdsl.report import cost_sheet

    if sort is not None:
        choose(sort, "--sort", tuple(column.key for column in sheet.columns))
        sheet = cost_sheet.ordered(sheet, sort)
    if select:
        sheet = cost_sheet.select(sheet, [pattern.strip() for text in select for pattern in text.split(",")])
        if not sheet.lines:
            help = "`archdsl cost` without it shows both; a pattern may have `*` and `?`"
            raise Refusal("E0007", f"`--select {','.join(select)}`: no operator and no path matches", help=help)
    return sheet


def _graph(target: str, given: dict[str, Any], sizes: dict[str, int], train: bool) -> Graph:
    from archdsl.cli.targets import free_symbols, graph_of
    from archdsl.interpret.finish import check_bound

    graph = graph_of(target, given, {}, train)
    check_bound(sizes, free_symbols(graph))
    return graph


def _sweep(target: str, texts: list[str], sizes: dict[str, int], format: str) -> str:
    from archdsl.cli.sweep import sweep
    from archdsl.project.family import is_range, ranges

    varied = ranges([text for text in texts if is_range(text)], "--set")
    return sweep(target, varied, settings([t for t in texts if not is_range(t)]), sizes, format)
