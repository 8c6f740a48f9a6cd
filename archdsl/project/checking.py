"""Checking: the diagnostics of specs, their claims, a project's budgets, and a baseline."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from archdsl.diagnostics import DiagnosticError
from archdsl.driver import CheckedVariant
from archdsl.process import collector_paused
from archdsl.project.checked import Check, CheckedTarget
from archdsl.project.config import config_file
from archdsl.project.targets import Step, arch_files, open_target


def check(
    *targets: str | Path,
    against: str | None = None,
    config: str | Path | None = None,
    step: Step = nullcontext,
) -> Check:
    """Check files, folders, ``spec.arch:variant`` and names of the zoo: what is wrong with them, and all their claims.

    ``against``: a folder, a saved baseline or ``.git#branch=main``, to be compared with. ``config``: the file with the
    project's budgets; without it the nearest ``archdsl.toml`` or ``pyproject.toml``. What is wrong with a target is in
    the result; raises ``DiagnosticError`` for what is wrong with the arguments.
    """
    checked = []
    with collector_paused():
        for name in arch_files(targets):
            with step(f"checking {name}"):
                checked.append(check_target(name))
    if against is None and config is None and config_file() is None:
        return Check(checked)  # parts of the compiler are only loaded for budgets and baselines
    return _reviewed(checked, against, config)


def check_target(name: str) -> CheckedTarget:
    """Check one target; its errors are returned, never raised."""
    try:
        target = open_target(name)
        if target.program is None:
            graph = target.graph()
            return CheckedTarget(name, (), {graph.name: CheckedVariant(graph.name, graph, ())})
        report = target.program.report([target.variant] if target.variant else None)
    except DiagnosticError as error:
        return CheckedTarget(name, error.diagnostics, {})
    return CheckedTarget(name, tuple(report.diagnostics), report.variants, {}, report.broken)


def _reviewed(checked: list[CheckedTarget], against: str | None, config: str | Path | None) -> Check:
    """The targets, held to the project's budgets and to a baseline where there are any."""
    from archdsl.project.baseline import opened
    from archdsl.project.budgets import load, subjects
    from archdsl.project.review import review, tables

    budgets = load(config)
    notes = []
    if against is None and any(budget.increases for budget in budgets):
        notes.append("max_increase needs a baseline, so it is not checked; give `--against`")
    with opened(against, subjects(budgets)) if against is not None else nullcontext() as baseline:
        found = [review(one, budgets, baseline) for one in checked]
        shown = tables(found, baseline.name) if baseline is not None else ()
    return Check(found, shown, [*notes, *(baseline.notes if baseline is not None else ())])


def save_baseline(checked: Check, path: str | Path, config: str | Path | None = None) -> None:
    """Write the figures of all networks that were checked, for a later ``against``.

    Refuses (E0005) what cannot be written.
    """
    from archdsl.files import write_file
    from archdsl.outputs import BASELINE, check_output
    from archdsl.project.baseline import as_text
    from archdsl.project.budgets import load, subjects

    check_output(path, BASELINE)
    figures = as_text(((one.target, one.variants) for one in checked.targets), subjects(load(config)))
    write_file(Path(path), figures)
