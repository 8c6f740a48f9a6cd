"""``--watch``: runs a command again whenever a file that it read has changed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from archdsl.cli.exit import INTERRUPTED, outcome
from archdsl.cli.output import say
from archdsl.cli.signals import received
from archdsl.project.watch import Watch
from archdsl.report.text import counted

CLEAR = "\x1b[2J\x1b[3J\x1b[H"


def watched(targets: Sequence[str], command: Callable[[], int]) -> NoReturn:
    """Run the command, and again after every change, until Ctrl-C (``KeyboardInterrupt``)."""
    watch = Watch(targets)
    while True:
        if sys.stdout.isatty():
            sys.stdout.write(CLEAR)
        watch.begin()
        if outcome(command, {}) == INTERRUPTED or received() is not None:
            raise KeyboardInterrupt
        say(f"watching {counted(watch.count, 'file')}; Ctrl-C stops")
        say(f"{watch.wait()} has changed")
