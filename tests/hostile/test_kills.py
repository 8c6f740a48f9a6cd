"""Interrupts and kills at random moments, several writers at once: no torn file, and no litter after the next run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from kills import attack


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("seed", [1])
def test_a_few_kills(seed: int, tmp_path: Path) -> None:
    sent, wrong, _ = attack(tmp_path, 12, seed)
    assert sum(sent.values()) >= 12 and not wrong, wrong


@pytest.mark.nightly
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("seed", range(10))
def test_many_kills(seed: int, tmp_path: Path) -> None:
    """500 signals in all."""
    sent, wrong, _ = attack(tmp_path, 50, seed)
    assert sum(sent.values()) >= 50 and not wrong, wrong


ENDS_BEFORE = """
import os, sys, tempfile
from archdsl.writing import scratch
tempfile.gettempdir()  # tries the folder with a file of its own, once
left = int(sys.argv[1])
def before(event, arguments):
    global left
    left -= event.startswith(("open", "os.", "fcntl.", "shutil."))
    if left == 0:
        os._exit(9)
sys.addaudithook(before)
with scratch() as folder:
    (folder / "inside").write_text("half")
os._exit(0)
"""


@pytest.mark.skipif(os.name == "nt", reason="locks are POSIX's")
def test_a_scratch_folder_is_found_wherever_its_process_ended(tmp_path: Path) -> None:
    """Killed before each call of the system that it makes: the next run leaves nothing of it."""
    ends, left = [9], set()
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(step: int) -> int:
        return subprocess.run([sys.executable, "-c", ENDS_BEFORE, str(step)], env=environment, check=False).returncode

    while ends[-1] == 9:
        ends.append(run(len(ends)))
        left |= {path.suffix for path in tmp_path.iterdir()}
        assert run(-1) == 0 and not list(tmp_path.iterdir()), (
            f"left of the process that ended before call {len(ends) - 1}"
        )
    assert ends[-1] == 0 and left == {".lock", ".tmp"}
