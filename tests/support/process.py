"""Child processes as a terminal starts them, whatever the process that runs the tests was started by."""

from __future__ import annotations

import os
import signal

HANGS = 600
"""Seconds after which a child counts as hung: a way out, never a measure of speed."""


def threads() -> int:
    """Of an engine within this process: one beside other workers (conftest.py), else as many as it likes (0)."""
    return int(os.environ.get("OMP_NUM_THREADS", "0"))


def heed_interrupts() -> None:
    """For ``preexec_fn``: a shell's ``pytest &`` has SIGINT ignored, ``nohup`` SIGHUP, and children inherit that."""
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_DFL)
