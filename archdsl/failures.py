"""What an exception means to the reader: every way in which a piece of work can fail, as findings."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from archdsl.diagnostics import Diagnostic, DiagnosticError


def as_diagnostics(error: Exception) -> tuple[Diagnostic, ...]:
    """The findings of an exception; a fault of ours is E0009."""
    if isinstance(error, DiagnosticError):
        return error.diagnostics
    if isinstance(error, OSError):
        return (system_error(error),)
    if isinstance(error, MemoryError):
        return (Diagnostic("E0008", "there is not enough memory for this"),)
    if isinstance(error, RecursionError):
        return (Diagnostic("E0008", "this is nested deeper than the stack allows"),)
    return (_bug(error),)


def system_error(error: OSError) -> Diagnostic:
    """A message for an error of the operating system."""
    reason = error.strerror or str(error) or type(error).__name__
    named = f" `{os.fsdecode(error.filename)}`" if isinstance(error.filename, str | bytes) else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG):
        return Diagnostic("E0005", f"cannot write{named}: {reason}")
    return Diagnostic("E0001", f"cannot read{named}: {reason}" if named else f"the system reports: {reason}")


def _bug(error: Exception) -> Diagnostic:
    """Where in the compiler it happened, without a path of this machine."""
    from traceback import extract_tb

    frames = extract_tb(error.__traceback__)[-4:]
    lines = [f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno} in {frame.name}" for frame in frames]
    message = f"this is a bug in archdsl: {type(error).__name__}: {str(error)[:300]}"
    return Diagnostic("E0009", message, notes=("\n".join(lines),), help="please report it with these lines")
