"""The jobs of a compilation of several targets: a file for each of their networks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from archdsl.diagnostics import Refusal
from archdsl.outputs import check_output
from archdsl.project.targets import Target, open_target
from archdsl.record import Record
from archdsl.registry import Backend, kind
from archdsl.writing import make_folder


class Job(Record):
    """One file to write."""

    target: Target
    name: str
    path: Path
    """``-``: standard output."""


def plan(targets: Sequence[str], output: str | None, all_: bool, engine: Backend) -> tuple[list[Job], list[str]]:
    """The files to write, and messages about them.

    Refuses what is not a target, and (E0005 to E0007) everything that could clash, be lost or not be written.
    """
    notes: list[str] = []
    chosen = [one for text in targets for one in _variants(open_target(text), text, all_, notes)]
    folder = _folder(output, len(chosen))
    jobs = []
    for target, name in chosen:
        path = Path(output) if output is not None and folder is None else (folder or Path()) / f"{name}{engine.suffix}"
        jobs.append(Job(target, name, path))
    _check_clashes(jobs)
    for job in jobs:
        if str(job.path) != "-":
            check_output(job.path, kind(engine))
    return jobs, notes


def _variants(target: Target, text: str, all_: bool, notes: list[str]) -> list[tuple[Target, str]]:
    """The variants of a target: the first of a file, with a note, or all of them."""
    program = target.program
    if program is None:
        name = Path(target.source_name).name.split(".")[0] if text != "-" else "model"
        return [(target, name)]
    if target.variant is not None:
        return [(target, target.variant)]
    names = program.variants or program.networks[:1]
    if not names:
        return [(target, program.target().name)]
    if all_:
        return [(target.replace(variant=name), name) for name in names]
    if len(names) > 1:
        notes.append(
            f"{text}: compiling the first variant, {names[0]}; there are {len(names)} (--all compiles all of them)"
        )
    return [(target.replace(variant=names[0]), names[0])]


def _folder(output: str | None, count: int) -> Path | None:
    """The folder that ``-o`` names, made if it ends in a slash; ``None`` where it names a file."""
    if output is None:
        return None
    if output.endswith(("/", os.sep)):
        make_folder(Path(output))
        return Path(output)
    if Path(output).is_dir() and count > 1:
        return Path(output)
    return None


def _check_clashes(jobs: Sequence[Job]) -> None:
    """Refuse (E0006) to write two results to one file, or over a text that is read."""
    taken: dict[Path, Job] = {}
    sources = {Path(job.target.source_name).resolve() for job in jobs if job.target.source_name}
    for job in jobs:
        place = job.path.resolve()
        if place in sources:
            raise Refusal(
                "E0006",
                f"the output `{job.path}` would overwrite the file that is compiled",
                help="give another name with `-o`",
            )
        if place in taken:
            raise Refusal(
                "E0006", f"`{taken[place].name}` and `{job.name}` would both be written to `{job.path}`",
                help="give a folder: `-o models/`",
            )  # fmt: skip
        taken[place] = job
