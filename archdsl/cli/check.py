"""``archdsl check``: all errors and warnings, and every claim with its measured value, bound and headroom."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from archdsl.cli.exit import CLEAN, FINDINGS, status_of
from archdsl.cli.options import Bind, Reports, Targets, Watching, bindings
from archdsl.cli.output import progress, say, show, write
from archdsl.cli.signature import opt
from archdsl.report.text import counted, summary

FORMATS = ("text", "concise", "json")

EXAMPLE = "archdsl check specs/ --report junit=out/junit.xml"


def command(
    targets: Targets,
    format: Annotated[str, opt("--format", help="the form of the output", choices=FORMATS)] = "text",
    strict: Annotated[bool, opt("--strict", help="exit 1 on warnings too")] = False,
    report: Reports = None,
    against: Annotated[
        str | None, opt("--against", metavar="REF", help="compare with a folder, a baseline.json or `.git#branch=main`")
    ] = None,
    save_baseline: Annotated[
        Path | None, opt("--save-baseline", metavar="FILE", help="write the figures for a later `--against`")
    ] = None,
    config: Annotated[
        str | None,
        opt(
            "--config",
            metavar="FILE",
            help="the file with budgets; default: the nearest archdsl.toml or pyproject.toml",
        ),
    ] = None,
    bind: Bind = None,
    watch: Watching = False,
) -> int:
    """Check specs and measure their claims."""
    if watch:
        from archdsl.cli.watching import watched

        watched(targets, lambda: command(targets, format, strict, report, against, save_baseline, config, bind))
    from archdsl.cli.reports import emit, wanted
    from archdsl.project import checking

    reports = wanted(report)
    if save_baseline is not None:
        from archdsl.outputs import BASELINE, check_output

        check_output(save_baseline, BASELINE)
    sizes = bindings(bind)
    found = checking.check(*targets, against=against, config=config, bind=sizes, step=lambda text: progress(text))
    for note in found.notes:
        say(note)
    if save_baseline is not None:
        checking.save_baseline(found, save_baseline, config)
    emit(reports, found)
    if format != "json":
        write(found.diagnostics, format)
    if format != "concise":
        show(found.report(), format)
    variants = sum(len(one.variants) for one in found.targets)
    told = summary(found.diagnostics)
    say(f"checked {counted(len(found.targets), 'target')}, {counted(variants, 'network')}: {told}")
    return max(status_of(found.diagnostics), FINDINGS if strict and found.diagnostics else CLEAN)
