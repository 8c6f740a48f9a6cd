"""The end of a command: exceptions become messages and an exit status, never a traceback."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from archdsl.diagnostics import Diagnostic, DiagnosticError

CLEAN, FINDINGS, FAILURE, INTERRUPTED = 0, 1, 2, 130
"""Exit statuses."""


_interrupts: list[int] = []
"""Signals that were received, even if a library caught the exception."""


def heed_interrupts() -> None:
    """End a command on Ctrl-C even if a library turns it into another error, as modules in C do while they load."""
    import signal

    def interrupt(number: int, _: object) -> None:
        _interrupts.append(number)
        raise KeyboardInterrupt

    _interrupts.clear()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where it is to be ignored
        signal.signal(signal.SIGINT, interrupt)


def outcome(command: Callable[..., int | None], arguments: Mapping[str, Any]) -> int:
    """Run a command; its exit status, with what it raised printed on stderr. Faults of ours are not caught."""
    try:
        status = command(**arguments) or CLEAN
        sys.stdout.flush()
    except Exception as error:
        status = status_after(error)
    except KeyboardInterrupt:
        status = INTERRUPTED
    return interrupted(status)


def interrupted(status: int) -> int:
    """The exit status, if no interrupt came meanwhile."""
    return INTERRUPTED if _interrupts else status


def status_after(error: Exception) -> int:
    """Print what an exception of a command means; its exit status. A fault of ours is raised again."""
    if isinstance(error, BrokenPipeError):
        return _quiet()
    if isinstance(error, DiagnosticError | OSError | MemoryError | RecursionError):
        from archdsl.project.failures import findings_of

        return tell(findings_of(error))
    raise error


def _quiet() -> int:
    """Write nothing more after the reader of our output has closed it, not even while the interpreter ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return CLEAN


def tell(diagnostics: Iterable[Diagnostic]) -> int:
    """Print diagnostics on stderr; the exit status they call for."""
    from archdsl.report.terminal import wants_color
    from archdsl.report.text import render

    found = list(diagnostics) if not _interrupts else []
    color = wants_color(sys.stderr)
    sys.stdout.flush()
    for d in found:
        sys.stderr.write(render(d, color=color) + "\n")
    return status_of(found)


def status_of(diagnostics: Iterable[Diagnostic]) -> int:
    """2 where a tool or its use failed, 1 for other errors, 0 for none or warnings only."""
    errors = [d for d in diagnostics if d.severity == "error"]
    return FAILURE if any(d.of_use for d in errors) else FINDINGS if errors else CLEAN
