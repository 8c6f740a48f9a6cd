"""Bounds of sizes in the commands that try sizes: ``check --bind``, ``fit``, and tables over parameters."""

from __future__ import annotations

from pathlib import Path

import pytest
from faults import archdsl

NET = """arch 1
network Net(d = 8, most = 64) {
  input x: f32[N, T = 16 <= most, d]
  let e = param([most, d]) -> slice(0, 0, x.shape[1])
  x + e -> linear(d)
  output y
}
variant net = Net() { budget { macs <= 4K } }
"""
SAID = {
    "check net.arch --bind T=62": ["3,968", "holds"],  # 62 * 8 * 8
    "check net.arch --bind T=63": ["E0402", "4,032"],
    "check net.arch --bind T=65": ["E0007", "`T <= 64`"],
    "fit net.arch --vary d=4..32:4 --budget macs<=10K": ["Net(d = 24)", "9,216"],  # 16 * 24 * 24; of 28 it is 12,544
    "fit net.arch --vary d=4..32:4 --budget macs<=10K --bind T=64": ["Net(d = 12)", "9,216"],  # 64 * 12 * 12
    "fit net.arch --vary d=4..32:4 --budget macs<=10K --bind T=65": ["E0007", "`T <= 64`"],
    "fit net.arch --vary most=4..32:4 --budget macs<=10K": ["Net(most = 32)", "3 of them refused"],  # 4, 8 and 12
    "cost net.arch --set most=8..24:8": ["refused: E0205", "24             264"],  # 24 * 8 + 8 * 8 + 8
}


@pytest.mark.parametrize("command", SAID)
def test_sizes_are_held_to_their_bounds(command: str, tmp_path: Path) -> None:
    done = archdsl(tmp_path, command, net__arch=NET)
    assert [words for words in SAID[command] if words not in done.output] == [], done.output
