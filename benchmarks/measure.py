"""Whole processes, timed and weighed one after the other; comparisons are interleaved."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
ARCHDSL = [str(Path(sys.executable).parent / "archdsl")]


@dataclass(frozen=True)
class Sample:
    """One process: wall time in seconds, and the peak of its resident memory in MiB."""

    seconds: float
    peak: float


def process(command: Sequence[str]) -> Sample:
    """Run ``command`` in the checkout; its output is shown only if it fails."""
    start = time.perf_counter()
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=_environment())
    assert child.stdout
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(command)} ended with {child.returncode}:\n{output.decode(errors='replace')[-4000:]}")
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes on macOS, in KiB on Linux
    return Sample(seconds, usage.ru_maxrss * unit / 2**20)


def _environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def interleave(commands: Mapping[str, Sequence[str]], rounds: int, *, warm: bool = True) -> dict[str, list[Sample]]:
    """``rounds`` samples of every command, in turns; one further turn goes first, to fill the file cache."""
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    for number in range(rounds + warm):
        for name, command in commands.items():
            sample = process(command)
            if number >= warm:
                samples[name].append(sample)
    return samples


def seconds(samples: Sequence[Sample]) -> float:
    """The median time."""
    return median(s.seconds for s in samples)


def peak(samples: Sequence[Sample]) -> float:
    """The median peak memory in MiB."""
    return median(s.peak for s in samples)


def verdict(failures: Sequence[str]) -> None:
    """End the process: 0, or 1 and what was not held."""
    for failure in failures:
        print(f"NOT HELD: {failure}")
    sys.exit(1 if failures else 0)
