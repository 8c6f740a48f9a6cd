"""Checking: the diagnostics of specs, their claims, a project's budgets, and a baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.diagnostics import Refusal
from archdsl.driver import CheckedVariant
from archdsl.process import collector_paused
from archdsl.project.checked import Check, CheckedTarget
from archdsl.project.config import config_file
from archdsl.project.failures import findings_of
from archdsl.project.targets import Step, arch_files, open_target

if TYPE_CHECKING:
    from archdsl.project.baseline import Baseline
    from archdsl.project.budgets import Budget


def check(
    *targets: str | Path,
    against: str | None = None,
    config: str | Path | None = None,
    bind: Mapping[str, int] | None = None,
    step: Step = nullcontext,
) -> Check:
    """Check files, folders, ``spec.arch:variant`` and names of the zoo: what is wrong with them, and all their claims.

    ``against``: a folder, a saved baseline or ``.git#branch=main``, to be compared with. ``config``: the file with the
    project's budgets; without it the nearest ``archdsl.toml`` or ``pyproject.toml``. ``bind`` gives symbols sizes. What
    is wrong with a target, a failure of ours included, is in the result; raises ``DiagnosticError`` for what is wrong
    with the arguments.
    """
    if bind and against is not None:
        help = "bind the sizes where they are declared: `input x: f32[N, 3, H = 224, W = 224]`"
        raise Refusal("E0007", "`--bind` and `--against` cannot be used together", help=help)
    checked = []
    with collector_paused():
        for name in arch_files(targets):
            with step(f"checking {name}"):
                checked.append(check_target(name, bind))
    if against is None and config is None and config_file() is None:
        return Check(checked)  # parts of the compiler are only loaded for budgets and baselines
    return _reviewed(checked, against, config)


def check_target(name: str, bind: Mapping[str, int] | None = None) -> CheckedTarget:
    """Check one target; its errors are returned, never raised."""
    try:
        target = open_target(name)
        if target.program is None:
            graph = target.graph(bind=bind)
            return CheckedTarget(name, (), {graph.name: CheckedVariant(graph.name, graph, ())})
        report = target.program.report([target.variant] if target.variant else None, bind)
    except BrokenPipeError:
        raise
    except Exception as error:
        return CheckedTarget(name, findings_of(error), {})
    return CheckedTarget(name, tuple(report.diagnostics), report.variants, {}, report.broken, bind or {})


def _reviewed(checked: list[CheckedTarget], against: str | None, config: str | Path | None) -> Check:
    """The targets, held to the project's budgets and to a baseline where there are any."""
    from archdsl.project.baseline import opened
    from archdsl.project.budgets import load, subjects
    from archdsl.project.review import tables

    budgets = load(config)
    notes = []
    if against is None and any(budget.increases for budget in budgets):
        notes.append("max_increase needs a baseline, so it is not checked; give `--against`")
    with opened(against, subjects(budgets)) if against is not None else nullcontext() as baseline:
        found = [_review(one, budgets, baseline) for one in checked]
        shown = tables(found, baseline.name) if baseline is not None else ()
    return Check(found, shown, [*notes, *(baseline.notes if baseline is not None else ())])


def _review(one: CheckedTarget, budgets: Sequence[Budget], baseline: Baseline | None) -> CheckedTarget:
    """One target reviewed; where that fails, the failure is a finding of this target."""
    from archdsl.project.review import review

    try:
        return review(one, budgets, baseline)
    except BrokenPipeError:
        raise
    except Exception as error:
        return one.replace(diagnostics=(*one.diagnostics, *findings_of(error)))


def save_baseline(checked: Check, path: str | Path, config: str | Path | None = None) -> None:
    """Write the figures of all networks that were checked, for a later ``against``.

    Refuses (E0005) what cannot be written.
    """
    from archdsl.outputs import BASELINE, check_output
    from archdsl.project.baseline import as_text
    from archdsl.project.budgets import load, subjects
    from archdsl.writing import write_file

    check_output(path, BASELINE)
    figures = as_text(((one.target, one.variants) for one in checked.targets), subjects(load(config)))
    write_file(Path(path), figures)
