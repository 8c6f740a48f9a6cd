"""Memory and time of a run grow with what it looks at, and no faster."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from faults import again, fault
from process import HANGS

MEASURED = """
import json, resource, sys, time
sys.argv = ["archdsl", *sys.argv[1:]]
from archdsl.cli import main
try:
    main()
except SystemExit as end:
    status = end.code
seconds = time.process_time()
print(json.dumps([status, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]), file=sys.stderr)
"""
NETWORK = "network N{}() {{ input x: f32[N, 8]; relu; linear(4); output y; budget {{ params <= 1K }} }}\n"


def measured(folder: Path, *words: str) -> tuple[float, float]:
    """Processor seconds and MiB of a command that finds nothing wrong."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *words], cwd=folder, capture_output=True, text=True, timeout=HANGS
    )
    status, seconds, mebibytes = json.loads(done.stderr.splitlines()[-1])
    assert status == 0, done.stderr[-2000:]
    return seconds, mebibytes


@fault(
    "R5", "every elaboration made and kept a scope of all definitions of its file, and diagnostics kept their networks",
    "check, lint; networks, variants and blocks of a file; findings with frames; running totals of a file",
)  # fmt: skip
@pytest.mark.parametrize("command", ["check", "lint"])
def test_many_networks_in_a_file(command: str, tmp_path: Path) -> None:
    for count in (500, 2000):
        (tmp_path / f"{count}.arch").write_text("arch 1\n" + "".join(NETWORK.format(i) for i in range(count)))
    few, many = (measured(tmp_path, command, f"{count}.arch") for count in (500, 2000))
    assert many[1] < 150, (few, many)  # MiB; 1,769 before
    assert many[0] < 6 * few[0], (few, many)


@again("R5")
def test_linted_networks_are_let_go(tmp_path: Path) -> None:
    """Each has findings, whose frames must not keep it."""
    text = Path(__file__).parents[2].joinpath("specs", "mobilenet_v2.arch").read_text()
    names = [f"net{i}.arch" for i in range(60)]
    for name in names:
        (tmp_path / name).write_text(text)
    few, many = measured(tmp_path, "lint", *names[:10]), measured(tmp_path, "lint", *names)
    assert many[1] < few[1] + 25, (few, many)
