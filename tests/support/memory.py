"""Memory of this process in MiB. ``ru_maxrss`` would not do: it survives ``exec``, so that a child begins with its
parent's peak."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

from process import HANGS

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


# Of a command

MEASURED = """
import json, sys, time
from memory import peak
sys.argv = ["archdsl", *sys.argv[1:]]
from archdsl.cli import main
try:
    main()
except SystemExit as end:
    status = end.code
seconds = time.process_time()
print(json.dumps([status, seconds, peak()]), file=sys.stderr)
"""


def measured(folder: Path, *words: str, status: int = 0) -> tuple[float, float]:
    """Processor seconds and MiB of a command that ends with a status."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parent)])},
        capture_output=True,
        text=True,
        timeout=HANGS,
    )
    ended, seconds, mebibytes = json.loads(done.stderr.splitlines()[-1])
    assert ended == status, done.stderr[-2000:]
    return seconds, mebibytes
