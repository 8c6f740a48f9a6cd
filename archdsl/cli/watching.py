"""``--watch``: runs a command again whenever a file that it read has changed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from archdsl.cli.exit import INTERRUPTED, outcome
from archdsl.cli.output import say
from archdsl.cli.signals import received
from archdsl.cli.signature import Arg, params
from archdsl.project.watch import Watch
from archdsl.report.text import counted

CLEAR = "\x1b[2J\x1b[3J\x1b[H"


def watched(command: Callable[..., int | None], arguments: Mapping[str, Any]) -> NoReturn:
    """Run the command, and again after every change, until Ctrl-C (``KeyboardInterrupt``)."""
    watch = Watch(_targets(command, arguments))
    while True:
        if sys.stdout.isatty():
            sys.stdout.write(CLEAR)
        with watch.round():
            status = outcome(command, arguments)
        if status == INTERRUPTED or received() is not None:
            raise KeyboardInterrupt
        say(f"watching {counted(watch.count, 'file')}; Ctrl-C stops")
        say(f"{watch.wait()} has changed")


def _targets(command: Callable[..., Any], arguments: Mapping[str, Any]) -> list[str]:
    given = [arguments[param.name] for param in params(command) if isinstance(param.role, Arg)]
    return [target for one in given for target in (one if isinstance(one, list) else [one])]
