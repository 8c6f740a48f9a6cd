"""``--watch``: a command again and again, whenever a file that it read has changed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from archdsl.cli.exit import INTERRUPTED, outcome
from archdsl.cli.output import say
from archdsl.cli.targets import arch_files
from archdsl.diagnostics import Refusal
from archdsl.report.text import counted
from archdsl.source import Stamp, noting, stamp

PAUSE = 0.2
"""Seconds between two looks; longer where a look takes long, so that looking never takes more than a twentieth."""
CLEAR = "\x1b[2J\x1b[3J\x1b[H"


def watched(targets: Sequence[str], command: Callable[[], int]) -> NoReturn:
    """Run the command, and again after every change, until Ctrl-C (``KeyboardInterrupt``).

    What counts are the files that the last round looked for: specs, what they use, budgets, saved baselines; a file
    that was missing and is there now; and files that are new in a folder.
    """
    if "-" in targets:
        raise Refusal("E0007", "`--watch` needs files: standard input does not change")
    while True:
        if sys.stdout.isatty():
            sys.stdout.write(CLEAR)
        files = noting()
        known = _expanded(targets)
        if outcome(command, {}) == INTERRUPTED:
            raise KeyboardInterrupt
        say(f"watching {counted(sum(found is not None for found in files.values()), 'file')}; Ctrl-C ends")
        say(f"{_wait(targets, known, files)} has changed")


def _wait(targets: Sequence[str], known: Sequence[str], files: Mapping[Path, Stamp]) -> str:
    """Wait for a change, and until it has come to rest (an editor may write in several steps); what has changed."""
    while True:
        begin = time.perf_counter()
        changed = _change(targets, known, files)
        taken = time.perf_counter() - begin
        time.sleep(max(PAUSE, 20 * taken))
        if changed is not None:
            return changed


def _change(targets: Sequence[str], known: Sequence[str], files: Mapping[Path, Stamp]) -> str | None:
    changed = next((path for path, before in files.items() if stamp(path) != before), None)
    if changed is not None:
        here = Path.cwd()
        return str(changed.relative_to(here) if changed.is_relative_to(here) else changed)
    return None if _expanded(targets) == known else "the set of specs"


def _expanded(targets: Sequence[str]) -> list[str]:
    """The targets' files; a folder without any may get some."""
    found = []
    for target in targets:
        try:
            found += arch_files([target])
        except Refusal:
            found.append(target)
    return found
