"""Memory of this process in MiB. ``ru_maxrss`` would not do: it survives ``exec``, so that a child begins with its
parent's peak."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak() -> int:
    """The most that was resident since the program began."""
    return _field("VmHWM")


def resident() -> int:
    """What is resident now."""
    return _field("VmRSS")


def _field(name: str) -> int:
    if STATUS.exists():
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name))
        return int(line.split()[1]) // 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most // 2**20 if sys.platform == "darwin" else most // 1024)
