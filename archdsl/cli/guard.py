"""How a command ends: what it raises becomes a message and an exit status, never a traceback."""

from __future__ import annotations

import errno
import functools
import os
import sys
from collections.abc import Callable, Iterable
from typing import NoReturn, ParamSpec

import typer

from archdsl.diagnostics import Diagnostic, DiagnosticError, Refusal

CLEAN, FINDINGS, FAILURE, INTERRUPTED = 0, 1, 2, 130
"""Exit statuses."""

P = ParamSpec("P")


def guarded(command: Callable[P, int | None]) -> Callable[P, None]:
    """The command with its exceptions told on stderr and turned into an exit status."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            status = command(*args, **kwargs) or CLEAN
            sys.stdout.flush()
        except DiagnosticError as error:
            status = tell(error.diagnostics)
        except Refusal as refusal:
            status = tell([refusal.diagnostic()])
        except KeyboardInterrupt:
            status = INTERRUPTED
        except BrokenPipeError:
            status = _quiet()
        except OSError as error:
            status = tell([system_error(error)])
        except MemoryError:
            status = tell([Diagnostic("E0008", "there is not enough memory for this")])
        except RecursionError:
            status = tell([Diagnostic("E0008", "this is nested deeper than the stack allows")])
        _exit(status)

    return run


def _exit(status: int) -> NoReturn:
    raise typer.Exit(status)


def _quiet() -> int:
    """Whoever read our output has seen enough: nothing more is written, not even while the interpreter ends."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        pass
    return CLEAN


def tell(diagnostics: Iterable[Diagnostic]) -> int:
    """Print diagnostics on stderr; the exit status they call for."""
    from archdsl.report.terminal import wants_color
    from archdsl.report.text import render

    found = list(diagnostics)
    color = wants_color(sys.stderr)
    for d in found:
        sys.stderr.write(render(d, color=color) + "\n")
    return status_of(found)


def status_of(diagnostics: Iterable[Diagnostic]) -> int:
    """2 where a tool or its use failed (E00xx, E07xx), 1 for other errors, 0 for none or warnings only."""
    codes = [d.code for d in diagnostics if d.severity == "error"]
    if any(code.startswith(("E00", "E07")) for code in codes):
        return FAILURE
    return FINDINGS if codes else CLEAN


def system_error(error: OSError) -> Diagnostic:
    """What the operating system refused, in the reader's words."""
    reason = error.strerror or str(error) or type(error).__name__
    named = f" `{os.fsdecode(error.filename)}`" if isinstance(error.filename, str | bytes) else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG):
        return Diagnostic("E0005", f"cannot write{named}: {reason}")
    return Diagnostic("E0001", f"cannot read{named}: {reason}" if named else f"the system says: {reason}")
