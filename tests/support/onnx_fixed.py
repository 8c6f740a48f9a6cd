"""``onnx.reference`` with its local response normalisation set right; quick poolings for where they decide nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun


class LRN(OpRun):
    """The formula of ONNX's specification in float64; ``onnx.reference`` takes the batch axis for the channels'."""

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


class MaxPool(OpRun):
    """Maxima window by window, all windows at once: ``onnx.reference`` takes seconds for a map of 56 x 56."""

    op_domain = ""

    def _run(self, x: np.ndarray, kernel_shape: Any = None, strides: Any = None, pads: Any = None, **_: Any) -> Any:
        return (_windows(x, kernel_shape, strides, pads, -np.inf).max((-2, -1)),)


class AveragePool(OpRun):
    """Averages that count the padding."""

    op_domain = ""

    def _run(self, x: np.ndarray, kernel_shape: Any = None, strides: Any = None, pads: Any = None, **_: Any) -> Any:
        return (_windows(x, kernel_shape, strides, pads, 0.0).mean((-2, -1)),)


def _windows(x: np.ndarray, kernel: Any, strides: Any, pads: Any, fill: float) -> np.ndarray:
    top, left, bottom, right = pads or (0, 0, 0, 0)
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=fill)
    found = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=(2, 3))
    return found[:, :, :: strides[0], :: strides[1]]


QUICK = (LRN, MaxPool, AveragePool)
"""Good enough to choose running statistics by, which may be anything sensible; never to compare with."""


def evaluate(model: onnx.ModelProto, inputs: dict[str, np.ndarray]) -> list[Any]:
    """The outputs of a model, by ONNX's own definition of its operators."""
    found: list[Any] = ReferenceEvaluator(model, new_ops=[LRN]).run(None, inputs)
    return found
