"""``archdsl lint``: what an experienced colleague would point out."""

from __future__ import annotations

from typing import Annotated, Any

from archdsl.cli.exit import CLEAN, FINDINGS, status_of
from archdsl.cli.options import Bind, Reports, Targets, Watching, bindings, listed
from archdsl.cli.output import progress, say, show, write
from archdsl.cli.signature import opt
from archdsl.report.text import counted, summary

FORMATS = ("text", "concise", "json")

EXAMPLE = "archdsl lint specs/ --ignore W0402"


def command(
    targets: Targets,
    format: Annotated[str, opt("--format", help="the form of the output", choices=FORMATS)] = "text",
    select: Annotated[
        list[str] | None, opt("--select", metavar="W0401,…", help="only these codes", complete="rules")
    ] = None,
    ignore: Annotated[
        list[str] | None, opt("--ignore", metavar="W0401,…", help="not these codes", complete="rules")
    ] = None,
    target: Annotated[
        str | None,
        opt(
            "--target",
            metavar="NAME",
            help="also check channels for this hardware",
            choices="archdsl.design_rules.machines:MACHINES",
        ),
    ] = None,
    fix: Annotated[bool, opt("--fix", help="fix what can safely be fixed, in place")] = False,
    strict: Annotated[bool, opt("--strict", help="exit 1 on findings")] = False,
    report: Reports = None,
    bind: Bind = None,
    watch: Watching = False,
) -> int:
    """Check networks against the design rules of the field."""
    from archdsl.cli.reports import emit, reported, wanted
    from archdsl.project.linting import lint

    reports = wanted(report)
    codes: dict[str, Any] = {"select": listed(select), "ignore": listed(ignore)}
    options = {**codes, "target": target, "fix": fix, "bind": bindings(bind)}
    found = reported(reports, format, lambda: lint(*targets, **options, step=lambda text: progress(text)))
    for note in found.notes:
        say(note)
    emit(reports, found)
    if format == "json":
        show(found.report(), format)
    else:
        write(found.diagnostics, format)
    mendable = sum(d.edit is not None for d in found.diagnostics)
    told = summary(found.diagnostics) + (f"; `--fix` can fix {mendable}" if mendable else "")
    say(f"linted {counted(len(found.targets), 'target')}: {told}")
    return max(status_of(found.diagnostics), FINDINGS if strict and found.diagnostics else CLEAN)
