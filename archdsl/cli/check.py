"""``archdsl check``: all errors and warnings, and every claim with its measured value, bound and headroom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from archdsl.cli.exit import CLEAN, FINDINGS, status_of
from archdsl.cli.options import Bind, Reports, Targets, Watching, bindings, listed
from archdsl.cli.output import progress, say, show, write
from archdsl.cli.signature import opt
from archdsl.report.text import counted, summary

if TYPE_CHECKING:
    from archdsl.project.checked import Check

FORMATS = ("text", "concise", "json")

EXAMPLE = "archdsl check specs/ --report junit=out/junit.xml"


def command(
    targets: Targets,
    format: Annotated[str, opt("--format", help="the form of the output", choices=FORMATS)] = "text",
    strict: Annotated[bool, opt("--strict", help="exit 1 on warnings too")] = False,
    report: Reports = None,
    against: Annotated[
        str | None,
        opt("--against", metavar="REF", help="compare with `main`, `HEAD~1`, …, a folder or a baseline.json"),
    ] = None,
    fail_on: Annotated[
        list[str] | None,
        opt("--fail-on", metavar="CHANGE,…", help="also fail on: breaking, gone, renamed, new, loosened"),
    ] = None,
    save_baseline: Annotated[
        Path | None, opt("--save-baseline", metavar="FILE", help="write the figures for a later `--against`")
    ] = None,
    config: Annotated[
        str | None,
        opt("--config", metavar="FILE", help="the file with budgets; default: the archdsl.toml nearest to each spec"),
    ] = None,
    bind: Bind = None,
    quiet: Annotated[bool, opt("--quiet", "-q", help="only what is wrong, and what changed")] = False,
    watch: Watching = False,
) -> int:
    """Check specs and measure their claims."""
    options = {"against": against, "config": config, "fail_on": listed(fail_on) or (), "bind": bindings(bind)}
    return _run(targets, format, strict, report, save_baseline, quiet, options)


def _run(
    targets: list[str],
    format: str,
    strict: bool,
    report: list[str] | None,
    save_baseline: Path | None,
    quiet: bool,
    options: dict[str, Any],
) -> int:
    from archdsl.cli.reports import emit, reported, wanted

    reports = wanted(report)
    found = reported(reports, format, lambda: _checked(targets, save_baseline, options))
    for note in found.notes:
        say(note)
    emit(reports, found)
    if format != "json":
        write(found.diagnostics, format)
    if format != "concise":
        show(found.report(quiet), format)
    networks = sum(len(one.networks) for one in found.targets)
    told = summary(found.diagnostics)
    say(f"checked {counted(len(found.targets), 'target')}, {counted(networks, 'network')}: {told}")
    return max(status_of(found.diagnostics), FINDINGS if strict and found.diagnostics else CLEAN)


def _checked(targets: list[str], save_baseline: Path | None, options: dict[str, Any]) -> Check:
    from archdsl.project import checking

    if save_baseline is not None:
        from archdsl.outputs import BASELINE, check_output

        check_output(save_baseline, BASELINE)
    found = checking.check(*targets, **options, step=lambda text: progress(text))
    if save_baseline is not None:
        checking.save_baseline(found, save_baseline, options["config"])
    return found
