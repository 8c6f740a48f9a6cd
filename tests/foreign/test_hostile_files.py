"""Files that mean harm: each ends in a figure or a code, soon and in little memory, and nothing else is opened."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hostile_onnx import MAKERS, MEGABYTES, SECONDS, written
from paths import ROOT

COUNT = 150


@pytest.mark.parametrize(
    ("first", "count"),
    [(0, COUNT), *[pytest.param(COUNT + 250 * i, 250, marks=pytest.mark.nightly) for i in range(8)]],
)
def test_every_file_ends_in_a_figure_or_a_code(first: int, count: int, tmp_path: Path) -> None:
    written(tmp_path, range(first, first + count))
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/support/hostile_onnx.py"), str(tmp_path)],
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == count
    wrong = [
        line
        for line in found
        if not (line[1] in ("counted", "partial") or (len(line[1]) == 5 and line[1][0] == "E" and line[1] != "E9999"))
        or line[2] > SECONDS
        or line[3] > MEGABYTES
        or line[4]
    ]
    assert wrong == []
    if first == 0:
        kinds = {name.split("_", 1)[1] for name, *_ in found}
        assert kinds == {f"{make.__name__}.onnx" for make in MAKERS}
        outcomes = {line[1] for line in found}
        assert "counted" in outcomes and len(outcomes) > 3  # the generator makes what gets far, and more than one fault
