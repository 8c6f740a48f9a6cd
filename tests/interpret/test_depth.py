"""Deep networks: chains of residual blocks cost time and memory in proportion to their length, at every step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from console import run
from effort import calls_of, seconds_of
from zoo_models import structure

import archdsl
from archdsl.analyses.measure import Measures
from archdsl.graph import Graph
from archdsl.rewrites.fold import fold

pytestmark = pytest.mark.slow

CHAIN = """arch 1

network Chain(n = 100) {
  input x: f32[N, 8, 4, 4]

  blocks: repeat n {
    residual { conv(8, 3, bias = false) -> batch_norm -> relu -> conv(8, 3, bias = false) -> batch_norm } -> relu
  }

  output y
}
"""
PER_BLOCK = 7
"""Nodes: two convolutions, two norms, two ReLUs and the sum; ten parameters and buffers."""

PROGRAM = archdsl.load(CHAIN)


def chain(n: int) -> Graph:
    return PROGRAM.graph("Chain", n=n)


@pytest.mark.parametrize("n", [100, 1_000])
def test_chains_elaborate_and_lower(n: int) -> None:
    """Every node is there, and the shapes and paths at both ends are what they would be in a short chain."""
    graph = chain(n)
    assert len(graph.nodes) == PER_BLOCK * n
    assert len(graph.parameters()) == 10 * n
    assert str(graph.outputs["y"].type) == "f32[N, 8, 4, 4]"
    assert {node.path.split(".")[1] for node in graph.nodes} == set(map(str, range(n)))
    model = onnx.ModelProto.FromString(structure(graph))
    assert len(model.graph.node) == PER_BLOCK * n
    assert len(model.graph.value_info) == PER_BLOCK * n - 1


def test_a_deep_chain_compiles_from_the_command_line(tmp_path: Path) -> None:
    """10,000 blocks, structure only, within a small file; ONNX accepts it."""
    (tmp_path / "chain.arch").write_text(CHAIN, encoding="utf-8")
    done = run("archdsl compile chain.arch --weights none --set n=10000 -o chain.onnx", tmp_path)
    assert done.status == 0, done.output
    parameters = 10_000 * (2 * 8 * 8 * 9 + 4 * 8)
    macs = 10_000 * 2 * 8 * 8 * 9 * 16
    assert f"{parameters:,} parameters" in done.output and f"{macs:,} MACs" in done.output
    assert (tmp_path / "chain.onnx").stat().st_size < 40_000_000
    onnx.checker.check_model(str(tmp_path / "chain.onnx"))


def test_a_chain_of_a_hundred_runs() -> None:
    """100 blocks with initial weights in ONNX Runtime; the sums make it grow, but not without bounds."""
    found = archdsl.run(chain(100), np.full((2, 8, 4, 4), 0.5, np.float32))["y"]
    assert found.shape == (2, 8, 4, 4)
    assert np.isfinite(found).all() and found.any()


# Time


STEPS: dict[str, Callable[[Graph], Any]] = {
    "lower": structure,
    "print": str,
    "fold": fold,
    "cost": lambda graph: [Measures(graph).of(name) for name in ("params", "macs", "flops", "depth", "traffic")],
    "peak": lambda graph: Measures(graph).of("peak_activations"),
    "receptive field": lambda graph: Measures(graph).of("receptive_field"),
}


def test_elaboration_takes_steps_in_proportion() -> None:
    """Four times the blocks are four times the work, but for what does not depend on them."""
    few, many = (calls_of(lambda n=n: chain(n)) for n in (100, 400))  # type: ignore[misc]
    assert many - few < 3.3 * few


@pytest.mark.parametrize("step", STEPS)
def test_every_step_is_in_proportion(step: str) -> None:
    small, large = chain(100), chain(400)
    few, many = (calls_of(lambda g=graph: STEPS[step](g)) for graph in (small, large))  # type: ignore[misc]
    assert few > 100
    assert many < 4.4 * few


def test_time_is_in_proportion() -> None:
    """Processor time of the whole way: quadratic work, even inside C, would be a ratio of 64."""
    few = seconds_of(lambda: structure(chain(500)), 3)
    many = seconds_of(lambda: structure(chain(4_000)), 1)
    assert many < 24 * few


def test_quadratic_work_would_be_seen() -> None:
    """The yardsticks can fail."""
    few, many = (calls_of(lambda n=n: [abs(j) for i in range(n) for j in range(i)]) for n in (30, 120))  # type: ignore[misc]
    assert many > 12 * few
