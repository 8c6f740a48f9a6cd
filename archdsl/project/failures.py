"""What went wrong with one target, as findings of that target: the others go on, and every report is written."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from archdsl.diagnostics import Diagnostic, DiagnosticError


def findings_of(error: Exception) -> tuple[Diagnostic, ...]:
    """What an exception means for who reads it: its diagnostics, the system's message, a fault of ours (E0014)."""
    if isinstance(error, DiagnosticError):
        return error.diagnostics
    if isinstance(error, OSError):
        return (_of_the_system(error),)
    if isinstance(error, MemoryError):
        return (Diagnostic("E0008", "there is not enough memory for this"),)
    if isinstance(error, RecursionError):
        return (Diagnostic("E0008", "this is nested deeper than the stack allows"),)
    import traceback  # slow to load, and rarely needed

    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"in {'/'.join(Path(frame.filename).parts[-3:])}, line {frame.lineno}"
    message = f"this is a fault of archdsl, not of the text: {type(error).__name__}: {error}"
    return (Diagnostic("E0014", message, notes=(place,), help="please report it, with the text if you can"),)


def _of_the_system(error: OSError) -> Diagnostic:
    """A message for an error of the operating system."""
    reason = error.strerror or str(error) or type(error).__name__
    named = f" `{os.fsdecode(error.filename)}`" if isinstance(error.filename, str | bytes) else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG):
        return Diagnostic("E0005", f"cannot write{named}: {reason}")
    return Diagnostic("E0001", f"cannot read{named}: {reason}" if named else f"the system reports: {reason}")
