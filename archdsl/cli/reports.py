"""``--report sarif=FILE,junit=FILE,github,…``: one outcome in many forms, files whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from archdsl.diagnostics import Refusal, check_choice
from archdsl.record import Record

if TYPE_CHECKING:
    from archdsl.project.checked import Check
    from archdsl.project.linting import Lint
    from archdsl.report.outcome import Outcome

    Found = TypeVar("Found", Check, Lint)

FILES = ("sarif", "junit", "gitlab", "markdown", "json")
"""Forms that need a file; ``github`` talks to the runner."""
SUMMARY = "GITHUB_STEP_SUMMARY"


class Report(Record):
    """One wanted form; ``github`` has no file."""

    form: str
    path: Path | None = None


def wanted(texts: Iterable[str] | None) -> list[Report]:
    """The reports an option asks for; refuses (E0007, E0005) before any work is done for them."""
    found: dict[str, Report] = {}
    for text in (part.strip() for whole in texts or () for part in whole.split(",")):
        form, sign, name = text.partition("=")
        check_choice(form, "--report", (*FILES, "github"))
        if (form == "github") == bool(sign and name):
            raise Refusal("E0007", f"`--report {form}`" + (" takes no file" if sign else f" needs a file: {form}=FILE"))
        report = Report(form, Path(name) if name else None)
        if form in found or any(
            report.path and r.path and report.path.resolve() == r.path.resolve() for r in found.values()
        ):
            raise Refusal("E0007", f"`--report {text}`: the format or the file is given twice")
        if report.path is not None:
            from archdsl.outputs import REPORTS, check_output

            check_output(report.path, REPORTS[form])
        found[form] = report
    return list(found.values())


def reported(reports: Sequence[Report], format: str, work: Callable[[], Found]) -> Found:
    """Do the work. What makes it fail as a whole is told in every report, too, and goes on."""
    try:
        return work()
    except Exception as error:
        if isinstance(error, BrokenPipeError):
            raise
        from archdsl.cli.output import show
        from archdsl.project.checked import Check, CheckedTarget
        from archdsl.project.failures import findings_of

        failed = Check([CheckedTarget("archdsl", findings_of(error), ())])
        emit(reports, failed)
        if format == "json":
            show(failed.report(), format)
        raise


def emit(reports: Sequence[Report], found: Check | Lint) -> None:
    """Render every report, then write them; if one cannot be rendered, no file is written."""
    if not reports:
        return
    from archdsl.writing import write_file

    outcome = found.outcome()
    root = os.environ.get("GITHUB_WORKSPACE") or os.environ.get("CI_PROJECT_DIR") or str(Path.cwd())
    texts = [
        (report, found.to_json() if report.form == "json" else _render(report.form, outcome, root))
        for report in reports
    ]
    for report, text in texts:
        if report.path is not None:
            write_file(report.path, text)
        else:
            sys.stderr.write(text)
            _step_summary(outcome, root)


def _render(form: str, outcome: Outcome, root: str) -> str:
    text: str = import_module(f"archdsl.report.sinks.{form}").render(outcome, root)
    return text


def _step_summary(outcome: Outcome, root: str) -> None:
    """Append to the summary of the workflow step, where there is one."""
    name = os.environ.get(SUMMARY)
    if name:
        from archdsl.report.sinks.markdown import STEP, render
        from archdsl.writing import append_file

        path = Path(name)
        said = path.stat().st_size if path.exists() else 0  # what the step wrote before counts, too
        append_file(path, render(outcome, root, STEP - said) + "\n")
