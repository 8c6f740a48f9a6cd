"""``archdsl cost``: the costs of a network, for each layer and in total."""

from __future__ import annotations

from typing import Annotated

from archdsl.cli import views
from archdsl.cli.exit import FINDINGS
from archdsl.cli.options import Bind, Block, Set, Target, Train, Watching, bindings, listed, settings
from archdsl.cli.output import progress, show
from archdsl.cli.signature import opt
from archdsl.diagnostics import Refusal

FORMATS = ("table", "json", "csv", "markdown")

EXAMPLE = "archdsl cost resnet50 --depth 1"


def command(
    target: Target,
    format: Annotated[str, opt("--format", help="the form of the output", choices=FORMATS)] = "table",
    depth: Annotated[int | None, opt("--depth", min=1, help="one line for each scope at this depth")] = None,
    sort: Annotated[str | None, opt("--sort", help="order by a column (params, macs, …), largest first")] = None,
    select: Annotated[
        list[str] | None, opt("--select", metavar="conv,layer1.*", help="only operators or paths that match a pattern")
    ] = None,
    as_: Annotated[
        str | None,
        opt(
            "--as",
            metavar="TOOL",
            help="count as another tool does",
            choices="archdsl.analyses.other_counters:CONVENTIONS",
        ),
    ] = None,
    symbolic: Annotated[bool, opt("--symbolic", help="polynomials instead of numbers")] = False,
    wide: Annotated[bool, opt("--wide", help="all columns")] = False,
    folded: Annotated[bool, opt("--folded", help="the deployed graph: norms folded, branches merged")] = False,
    strict: Annotated[bool, opt("--strict", help="exit 1 if the cost of some operator is not known")] = False,
    memory: Annotated[
        bool, opt("--memory", help="which tensors are live when, what makes the peak, and a memory plan")
    ] = False,
    level: Annotated[
        str | None, opt("--level", help="with --memory: the fusion", choices="archdsl.analyses.memory:LEVELS")
    ] = None,
    dtype: Annotated[
        str | None, opt("--dtype", help="with --memory: of floats", choices="archdsl.analyses.memory_plan:DTYPES")
    ] = None,
    at: Annotated[
        list[str] | None, opt("--at", metavar="TAP", help="the receptive field at a label: layer3, or 'layer*'")
    ] = None,
    output: Annotated[
        str | None, opt("--output", "-o", metavar="FILE.svg", help="with --memory or a sweep: draw it as well")
    ] = None,
    block: Block = None,
    set_: Set = None,
    bind: Bind = None,
    train: Train = False,
    watch: Watching = False,
) -> int:
    """Print parameters, MACs, receptive field and memory."""
    rows = bool(symbolic or depth or sort or select or as_ or wide)
    if (level or dtype) and not memory:
        raise Refusal("E0007", "`--level` and `--dtype` belong to `--memory`")
    if any(".." in text for text in (*(set_ or ()), *(bind or ()))):
        if rows or folded or train or memory or at or block:
            raise Refusal("E0007", "a sweep shows totals: it takes only `--set`, `--bind` and `--format`")
        views.sweep(target, set_ or [], bind or [], format, output)
        return 0
    file = views.checked(output, memory)
    if (memory or at) and (rows or strict or (memory and at)):
        what = "`--memory`" if memory else "`--at`"
        raise Refusal("E0007", f"{what} is a separate view: the options for the table do not apply to it")
    from archdsl.project import costs, one_block

    given = settings(set_)
    network, sizes = one_block.applied(target, block, bindings(bind))
    if memory:
        with progress(f"planning the memory of {target}"):
            report = costs.memory(
                network, sizes, level=level or "full", dtype=dtype, folded=folded, settings=given, train=train
            ).report()
        views.drawn(report, format, file)
        return 0
    if at:
        with progress(f"counting {target}"):
            report = costs.fields(network, at, sizes, folded=folded, settings=given, train=train).report()
        show(report, format)
        return 0
    from archdsl.report.cost_columns import sheet
    from archdsl.report.costs import CostReport

    with progress(f"counting {target}"):
        table = costs.cost(network, sizes, symbolic=symbolic, folded=folded, settings=given, train=train)
    shown = views.chosen(sheet(table, as_), sort, listed(select))
    show(CostReport(table, tool=as_, shown=shown, depth=depth, flat=sort is not None, wide=wide), format)
    return FINDINGS if strict and table.partial else 0
