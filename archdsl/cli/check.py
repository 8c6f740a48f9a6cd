"""``archdsl check``: everything that is wrong, and every claim with its measured value, bound and headroom."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from archdsl.cli.exit import CLEAN, FINDINGS, status_of
from archdsl.cli.options import choose
from archdsl.cli.output import out, progress, say, show
from archdsl.cli.signature import Arg, opt
from archdsl.cli.targets import arch_files, open_target
from archdsl.diagnostics import Diagnostic, DiagnosticError
from archdsl.files import check_writable, write_file
from archdsl.record import Record
from archdsl.report.checked import CheckReport
from archdsl.report.terminal import wants_color
from archdsl.report.text import concise, counted, render, summary

if TYPE_CHECKING:
    from archdsl.cli.reports import Report
    from archdsl.driver import CheckedVariant
    from archdsl.report.outcome import Outcome
    from archdsl.report.page import Table

FORMATS = ("text", "concise", "json")


class Checked(Record):
    """One target: its findings, and the variants that have a graph."""

    target: str
    diagnostics: tuple[Diagnostic, ...]
    variants: dict[str, CheckedVariant]


def command(
    targets: Annotated[list[str], Arg("files, folders, spec.arch:variant, - or zoo names")],
    format: Annotated[str, opt("--format", help=", ".join(FORMATS))] = "text",
    strict: Annotated[bool, opt("--strict", help="exit 1 on warnings too")] = False,
    report: Annotated[
        list[str] | None,
        opt(
            "--report", metavar="FORM=FILE,…", help="also write sarif, junit, gitlab, markdown, json; github annotates"
        ),
    ] = None,
    against: Annotated[
        str | None, opt("--against", metavar="REF", help="compare with a folder, a baseline.json or `.git#branch=main`")
    ] = None,
    save_baseline: Annotated[
        Path | None, opt("--save-baseline", metavar="FILE", help="write the figures for a later `--against`")
    ] = None,
    config: Annotated[
        str | None,
        opt("--config", metavar="FILE", help="budgets; the nearest archdsl.toml or pyproject.toml without it"),
    ] = None,
    watch: Annotated[bool, opt("--watch", help="check again whenever a file that was read changes")] = False,
) -> int:
    """Check specs and measure their claims."""
    choose(format, "--format", FORMATS)
    if watch:
        from archdsl.project.watch import watched

        watched(targets, lambda: command(targets, format, strict, report, against, save_baseline, config))
    reports = wanted_reports(report)
    if save_baseline is not None:
        check_writable(save_baseline)
    from archdsl.interpret.program import collector_paused

    checked = []
    with collector_paused():
        for name in arch_files(targets):
            with progress(f"checking {name}"):
                checked.append(check(name))
    checked, tables = reviewed(checked, against, config)
    found = [d for one in checked for d in one.diagnostics]
    if save_baseline is not None:
        from archdsl.project.baseline import as_text
        from archdsl.project.budgets import load, subjects

        write_file(save_baseline, as_text(((one.target, one.variants) for one in checked), subjects(load(config))))
    if reports:
        from archdsl.cli.reports import emit

        emit(reports, outcome_of(checked, tables), lambda: rendered(checked, tables))
    if format == "concise":
        out("".join(concise(d) + "\n" for d in found))
    else:
        color = wants_color(sys.stdout)
        out("".join(render(d, color=color) + "\n" for d in found) if format == "text" else "")
        show(CheckReport(outcome_of(checked, tables)), format)
    variants = sum(len(one.variants) for one in checked)
    say(f"checked {counted(len(checked), 'target')}, {counted(variants, 'network')}: {summary(found)}")
    return max(status_of(found), FINDINGS if strict and found else CLEAN)


def reviewed(
    checked: list[Checked], against: str | None, config: str | None
) -> tuple[list[Checked], tuple[Table, ...]]:
    """The targets, held to the project's budgets and to a baseline where there are any."""
    if against is None and config is None and not budget_files():
        return checked, ()
    from contextlib import nullcontext

    from archdsl.project.baseline import opened
    from archdsl.project.budgets import load, subjects
    from archdsl.project.review import review, tables

    budgets = load(config)
    if against is None and any(budget.increases for budget in budgets):
        say("max_increase needs a baseline, so it is not checked; give `--against`")
    with opened(against, subjects(budgets)) if against is not None else nullcontext() as baseline:
        found = [review(one, budgets, baseline) for one in checked]
        shown = tables(found, baseline.name) if baseline is not None else ()
    return [one.checked for one in found], shown


def budget_files() -> bool:
    """Whether there is a file with budgets here or above; parts of the compiler are only loaded for one."""
    from archdsl.cli.targets import config_file

    return config_file() is not None


def wanted_reports(texts: list[str] | None) -> list[Report]:
    """What ``--report`` asks for; nothing is imported where it asks for nothing."""
    if not texts:
        return []
    from archdsl.cli.reports import wanted

    return wanted(texts)


def outcome_of(checked: list[Checked], tables: tuple[Table, ...]) -> Outcome:
    """The run as the model that all sinks render."""
    from archdsl import __version__
    from archdsl.report.outcome import NetworkOutcome, Outcome, TargetOutcome, claim_outcome
    from archdsl.report.pages import page

    targets = []
    for one in checked:
        networks = (
            NetworkOutcome(name, tuple(claim_outcome(claim.result) for claim in variant.claims))
            for name, variant in one.variants.items()
        )
        targets.append(TargetOutcome(one.target, tuple(networks), one.diagnostics))
    return Outcome(__version__, tuple(targets), page, tables)


def check(name: str) -> Checked:
    """Check one target; never raises for what is wrong with it."""
    try:
        target = open_target(name)
        if target.program is None:
            from archdsl.driver import CheckedVariant

            graph = target.graph({}, {}, False)
            return Checked(name, (), {graph.name: CheckedVariant(graph.name, graph, ())})
        report = target.program.report([target.variant] if target.variant else None)
    except DiagnosticError as error:
        return Checked(name, error.diagnostics, {})
    return Checked(name, tuple(report.diagnostics), report.variants)


def rendered(checked: list[Checked], tables: tuple[Table, ...]) -> str:
    """The whole outcome as a document."""
    from archdsl.report.render import render

    return render(CheckReport(outcome_of(checked, tables)), "json")
