"""Interrupts and kills at random moments, several writers at once: no torn file, and no litter after the next run."""

from __future__ import annotations

import os
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
