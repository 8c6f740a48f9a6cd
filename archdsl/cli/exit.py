"""The end of a command: exceptions become messages and an exit status, never a traceback."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from archdsl.cli.signals import received, rest
from archdsl.diagnostics import Diagnostic, DiagnosticError

CLEAN, FINDINGS, FAILURE, INTERRUPTED = 0, 1, 2, 130
"""Exit statuses; after a signal 128 and its number, which for Ctrl-C is 2."""


def outcome(command: Callable[..., int | None], arguments: Mapping[str, Any]) -> int:
    """Run a command; its exit status, with what it raised printed on stderr. Faults of ours are not caught."""
    try:
        status = command(**arguments) or CLEAN
        sys.stdout.flush()
    except Exception as error:
        status = status_after(error)
    except KeyboardInterrupt:
        status = INTERRUPTED
    rest()
    return received() or status  # libraries make other errors of a signal: modules in C do while they load


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

    found = list(diagnostics) if received() is None else []
    color = wants_color(sys.stderr)
    sys.stdout.flush()
    for d in found:
        sys.stderr.write(render(d, color=color) + "\n")
    return status_of(found)


def status_of(diagnostics: Iterable[Diagnostic]) -> int:
    """2 where a tool or its use failed, 1 for other errors, 0 for none or warnings only."""
    errors = [d for d in diagnostics if d.severity == "error"]
    return FAILURE if any(d.of_use for d in errors) else FINDINGS if errors else CLEAN
