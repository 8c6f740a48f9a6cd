"""A repository of thousands of specs, each with a budget: time and memory grow with them alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from memory import measured

SPEC = """arch 1
use std.resnet (project)
block unit(c, stride = 1) = residual(shortcut = project(c, stride)) {
  conv(c, 3, stride = stride, bias = false) -> batch_norm -> relu
  conv(c, 3, bias = false) -> batch_norm
} -> relu
network Net() {
  input image: f32[N, 3, 32, 32]
  stem: conv(16, 3, bias = false) -> batch_norm -> relu
  repeat 3 { unit(16) }
  global_avg_pool -> flatten
  fc: linear(10)
  output logits
}
"""
MEBIBYTES = 300


def repository(folder: Path, specs: int) -> Path:
    """A folder of specs, and an ``archdsl.toml`` with a budget for each of them."""
    folder.mkdir()
    for i in range(specs):
        (folder / f"net{i}.arch").write_text(SPEC)
    budgets = (f'[[budget]]\nspec = "net{i}.arch"\nparams = "100K"\n' for i in range(specs))
    (folder / "archdsl.toml").write_text("\n".join(budgets))
    return folder


def held(folder: Path, few: int, many: int) -> None:
    small, large = (
        measured(repository(folder / str(n), n), "check", ".", "--report", "json=out.json") for n in (few, many)
    )
    assert large[1] < MEBIBYTES, (small, large)
    assert large[0] < 1.5 * many / few * small[0], (small, large)


@pytest.mark.slow
def test_a_few_hundred_specs(tmp_path: Path) -> None:
    held(tmp_path, 100, 400)


@pytest.mark.nightly
def test_two_thousand_specs(tmp_path: Path) -> None:
    held(tmp_path, 500, 2000)


@pytest.mark.nightly
def test_two_thousand_times_mobilenet(tmp_path: Path) -> None:
    """Six variants each."""
    text = Path(__file__).parents[2].joinpath("specs", "mobilenet_v2.arch").read_text()
    for i in range(2000):
        (tmp_path / f"net{i}.arch").write_text(text)
    assert measured(tmp_path, "check", ".")[1] < MEBIBYTES
