"""``onnx.reference`` with its local response normalisation set right."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun


class LRN(OpRun):
    """The formula of ONNX's specification in float64. ``onnx.reference`` (1.23) lets the batch axis run for the channels'."""

    op_domain = ""

    def _run(self, x: np.ndarray, alpha: float, beta: float, bias: float, size: int) -> tuple[np.ndarray]:
        square = x.astype(np.float64) ** 2
        before, after = (size - 1) // 2, size // 2
        total = sum(_shifted(square, by) for by in range(-before, after + 1))
        return ((x / (bias + alpha / size * total) ** beta).astype(x.dtype),)


def _shifted(x: np.ndarray, by: int) -> np.ndarray:
    """``x`` with channel ``c + by`` at ``c``, zeros from beyond the ends."""
    found = np.zeros_like(x)
    channels = x.shape[1]
    first, last = max(-by, 0), channels - max(by, 0)
    if first < last:
        found[:, first:last] = x[:, first + by : last + by]
    return found


def evaluate(model: onnx.ModelProto, inputs: dict[str, np.ndarray]) -> list[Any]:
    """The outputs of a model, by ONNX's own definition of its operators."""
    found: list[Any] = ReferenceEvaluator(model, new_ops=[LRN]).run(None, inputs)
    return found
