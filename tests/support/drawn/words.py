"""How the arguments of operators are read, stated a second time: axes, one number for all axes, element types."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from archdsl.shapes import AXES

Parameters = dict[str, Tensor]
"""By slot; that of ``param`` has none and is called ``""``."""

TORCH = {
    "f32": torch.float32, "f64": torch.float64, "i64": torch.int64, "i32": torch.int32, "i8": torch.int8,
    "u8": torch.uint8, "bool": torch.bool, "f16": torch.float16, "bf16": torch.bfloat16, "i16": torch.int16,
}  # fmt: skip
DRAWN_TYPES = ("f32", "f64", "i64", "i32", "i8", "u8", "bool")


def axis_of(axis: Any, x: Tensor) -> int:
    """An axis counted from either end, or as a letter."""
    return (AXES[axis] if isinstance(axis, str) else axis) % x.dim()


def axes_of(axes: Any, x: Tensor) -> list[int]:
    return sorted(axis_of(a, x) for a in (axes if isinstance(axes, tuple) else (axes,)))


def many(value: Any, rank: int) -> list[Any]:
    """A number for each of ``rank`` axes."""
    return list(value) if isinstance(value, tuple) else [value] * rank


def of(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the inputs alone."""
    return lambda op, p, *x: function(*x)


def from_left(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """A function of two inputs, of any number of them."""
    return lambda op, p, *x: reduce(function, x)


def along(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the input and the index of the axis."""
    return lambda op, p, x: function(x, axis_of(op.axis, x))


def over(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A function of the input, the indices of the axes, and whether they are kept."""
    return lambda op, p, x: function(x, axes_of(op.axis, x), op.keep)
