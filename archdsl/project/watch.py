"""Watching for ``--watch``: waits for a change in a file that was read."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from archdsl.diagnostics import Refusal
from archdsl.driver import renewing
from archdsl.engine import Engine
from archdsl.project.targets import arch_files
from archdsl.source import Stamp, noting, stamp

PAUSE = 0.2
"""Seconds between two polls; longer if a poll takes long, so that polling takes at most a twentieth of the time."""


class Watch:
    """Waits for changes of the files that a command looked for, and has done again only what depends on them.

    Those are specs, what they use, budgets, saved baselines; a file that was missing and is there now; and files that
    are new in a folder. Refuses (E0007) standard input, which does not change.
    """

    def __init__(self, targets: Sequence[str]) -> None:
        if "-" in targets:
            raise Refusal("E0007", "`--watch` needs files: standard input does not change")
        self.targets = targets
        self.engine = Engine()
        self.files: Mapping[Path, Stamp] = {}
        self.known: Sequence[str] = ()

    @contextmanager
    def round(self) -> Iterator[None]:
        """Meanwhile the command runs: what it looks for is watched, and it has what is known from rounds before."""
        self.files = noting()
        self.known = _expanded(self.targets)
        with renewing(self.engine):
            yield

    @property
    def count(self) -> int:
        """How many files are there to be watched."""
        return sum(found is not None for found in self.files.values())

    def wait(self) -> str:
        """Wait for a change, and until it has come to rest (an editor may write in several steps); what has changed."""
        while True:
            begin = time.perf_counter()
            changed = self._change()
            taken = time.perf_counter() - begin
            time.sleep(max(PAUSE, 20 * taken))
            if changed is not None:
                return changed

    def _change(self) -> str | None:
        changed = next((path for path, before in self.files.items() if stamp(path) != before), None)
        if changed is not None:
            here = Path.cwd()
            return str(changed.relative_to(here) if changed.is_relative_to(here) else changed)
        return None if _expanded(self.targets) == self.known else "the set of specs"


def _expanded(targets: Sequence[str]) -> list[str]:
    """The targets' files; a folder without any may get some."""
    found = []
    for target in targets:
        try:
            found += arch_files([target])
        except Refusal:
            found.append(target)
    return found
