"""The file of ``--save-baseline``: the figures of every network, and what it is held to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from archdsl.compare.snapshot import to_record
from archdsl.diagnostics import Refusal
from archdsl.process import collector_paused
from archdsl.project.baseline import figures
from archdsl.project.config import root_of
from archdsl.project.demands import demands_of, of_budgets
from archdsl.project.holding import Budgets, file_of
from archdsl.project.measured import measure, titled
from archdsl.report.json import FORMAT_VERSION, layout


def saved(targets: Iterable[str], config: str | Path | None) -> Iterator[bytes]:
    """The parts of the file. Specs are named as they lie below the root of the repository."""
    budgets = Budgets(config)
    root = root_of(Path.cwd())
    yield b'{\n  "format": "archdsl.baseline",\n  "format_version": %d,\n  "targets": {' % FORMAT_VERSION
    files: dict[str, list[str]] = {}
    for target in targets:
        if target == "-":
            raise Refusal("E0007", "a baseline cannot be saved of standard input: it is read once")
        file = file_of(target)
        key = os.path.relpath(file.parent.resolve() / file.name, root) if file is not None else target
        files.setdefault(Path(key).as_posix(), []).append(target)
    comma = ""
    for key, several in files.items():
        records: dict[str, object] = {}
        for target in several:
            with collector_paused():
                records |= _records(target, budgets)
        yield f"{comma}\n    {json.dumps(key)}: {layout(records, 4)}".encode()
        comma = ","
    yield b"\n  }\n}\n"


def _records(target: str, budgets: Budgets) -> Iterator[tuple[str, object]]:
    one, held = measure(target), budgets.of(target)
    subjects = tuple(dict.fromkeys(i.subject for budget in held for i in budget.increases))
    of_project = of_budgets(held, one.variants)
    for this in titled(one, held):
        if this.graph is not None:
            own = demands_of(c.claim for c in one.variants[this.name].claims) if this.title == this.name else ()
            taken = figures(this.graph, subjects, (*own, *of_project.get(this.title, ())))
            yield this.title, to_record(taken)
