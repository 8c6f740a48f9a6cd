"""Numbers below the normal ones are zeros while a model runs, and nowhere else."""

from __future__ import annotations

import numpy as np

import archdsl

SMALL = np.full((1, 3), 1e-40, "f4")


def test_the_arithmetic_of_the_caller_stays() -> None:
    """Twice, because ONNX Runtime changes it with the first session of a process alone."""
    graph = archdsl.load("arch 1\nnetwork A() { input x: f32[N, 3]; x * 1.5; output y }").graph("A")
    for _ in range(2):
        archdsl.run(graph, {"x": SMALL})
        assert (SMALL * np.float32(1)).all()
        assert np.float64(5e-324) * 1.0 > 0
