"""Integers that stand for numbers, computed by PyTorch's own quantised tensors where it has them, else in int64.

Scales are powers of two and inputs multiples of a quarter of them, or of a sixteenth away from the halves, so that no
rounding of a float decides about an integer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from drawn import Case, Draw, operator
from drawn.axes import axis_of
from drawn.words import TORCH


def _spread(op: Any, x: Tensor, numbers: Tensor) -> Tensor:
    """One number for each element, position by position."""
    if numbers.numel() == 1:
        return numbers.reshape([]).expand(x.shape)
    axis = axis_of(op.axis, x)
    found = torch.empty(x.shape, dtype=numbers.dtype)
    for at in np.ndindex(*x.shape):
        place = (at[axis],) if op.block is None else (*at[:axis], at[axis] // op.block, *at[axis + 1 :])
        found[at] = numbers[place]
    return found


def quantized(op: Any, p: Any, x: Tensor, scale: Tensor, *zero: Tensor) -> Tensor:
    ends = torch.iinfo(TORCH[op.dtype])
    shift = _spread(op, x, zero[0]).long() if zero else 0
    integers = torch.round(x.double() / _spread(op, x, scale).double()).long() + shift
    return integers.clamp(ends.min, ends.max).to(TORCH[op.dtype])


def dequantized(op: Any, p: Any, x: Tensor, scale: Tensor, *zero: Tensor) -> Tensor:
    shift = _spread(op, x, zero[0]).long() if zero else 0
    return ((x.long() - shift).double() * _spread(op, x, scale).double()).to(scale.dtype)


def _scales(draw: Draw, x: list[int]) -> tuple[dict[str, Any], list[int]]:
    """The arguments of an axis or blocks of it, and the shape of the scale."""
    how = draw.one("one", "one", "listed", "axis", "blocks")
    if how == "one" or not x:
        return {}, []
    if how == "listed":
        return {}, [1]
    axis, index = draw.axis(len(x))
    if how == "axis":
        return {"axis": axis}, [x[index]]
    block = draw.whole(1, 4)
    return {"axis": axis, "block": block}, [-(-n // block) if i == index else n for i, n in enumerate(x)]


def _powers(draw: Draw, shape: list[int]) -> np.ndarray:
    return np.asarray(2.0 ** draw.array(shape, "i64", -4, 1), np.float32)


@operator("quantize", quantized)
def quantize(draw: Draw) -> Case:
    shape = draw.shape(0, 3)
    arguments, sizes = _scales(draw, shape)
    arguments["dtype"] = draw.one("u8", "i8", "i16")
    scale = _powers(draw, sizes)
    x = np.asarray(draw.array(shape, "i64", -4000, 4000) * np.float32(1 / 16), np.float32)
    if draw.flag():
        arguments["zero"] = 1
        return Case(arguments, [x, scale, np.asarray(draw.array(sizes, arguments["dtype"], -100, 100))])
    return Case(arguments, [x, scale])


@operator("dequantize", dequantized)
def dequantize(draw: Draw) -> Case:
    shape = draw.shape(0, 3)
    arguments, sizes = _scales(draw, shape)
    kind = draw.one("u8", "i8", "i16", "i32")
    x, scale = np.asarray(draw.array(shape, kind, -120, 120)), _powers(draw, sizes)
    if kind != "i32" and draw.flag():
        return Case({**arguments, "zero": 1}, [x, scale, np.asarray(draw.array(sizes, kind, -100, 100))])
    return Case(arguments, [x, scale])


def dynamic(op: Any, p: Any, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where the bounds make a scale that is exact: an affine grid of 255 steps that has 0 on it."""
    low, high = min(0.0, float(x.min())), max(0.0, float(x.max()))
    scale = (high - low) / 255 or 1.0
    zero = round(-low / scale)
    y = torch.round(x.double() / scale).long() + zero
    kind = torch.float64 if x.dtype == torch.float64 else torch.float32
    return y.clamp(0, 255).to(torch.uint8), torch.tensor(scale, dtype=kind), torch.tensor(zero, dtype=torch.uint8)


@operator("dynamic_quantize", dynamic)
def dynamic_quantize(draw: Draw) -> Case:
    low = -draw.whole(0, 255)
    x = draw.array([2, *draw.shape(0, 3)], "i64", low, low + 255)
    x[0], x[1].flat[0] = np.clip(x[0], low, low + 255), low + 255
    x[0].flat[0] = low
    return Case({}, [np.asarray(x * 2.0 ** draw.whole(-6, 1), np.float32)])


def _whole(op: Any, name: str, ins: tuple[Tensor, ...]) -> Tensor:
    given = op.operand(name, ins)
    return given[0].long() if given else torch.tensor(0)


def matmul_of(op: Any, p: Any, *ins: Tensor) -> Tensor:
    return ((ins[0].long() - _whole(op, "zero", ins)) @ (ins[1].long() - _whole(op, "weight_zero", ins))).int()


def _zeros(draw: Draw, left: str, right: str, columns: list[int]) -> tuple[dict[str, Any], list[np.ndarray]]:
    arguments: dict[str, Any] = {}
    given = []
    if draw.flag():
        arguments["zero"] = 1
        given.append(np.asarray(draw.array([], left, -100, 100)))
    if draw.flag():
        arguments["weight_zero"] = 1
        given.append(np.asarray(draw.array(draw.one([], columns), right, -100, 100)))
    return arguments, given


@operator("matmul_integer", matmul_of)
def matmul_integer(draw: Draw) -> Case:
    m, k, n = draw.sizes(3, 1, 5)
    batch = draw.sizes(draw.whole(0, 2), 1, 3)
    left, right = draw.one("u8", "i8"), draw.one("u8", "i8")
    stacked = batch if draw.flag() else []
    arguments, zeros = _zeros(draw, left, right, [] if stacked else [n])
    a, b = draw.array([*batch, m, k], left, -128, 127), draw.array([*stacked, k, n], right, -128, 127)
    return Case(arguments, [a, b, *zeros])


def conv_of(op: Any, p: Any, *ins: Tensor) -> Tensor:
    """Windows cut out one by one."""
    x, w = ins[0].long() - _whole(op, "zero", ins), ins[1].long() - _whole(op, "weight_zero", ins)
    rank = x.dim() - 2
    from archdsl.shapes import TensorType

    type = TensorType("f32", tuple(x.shape))
    kernel, stride, dilation = op.geometry(type)
    x = F.pad(x, [n for pair in reversed(op.pads(type)) for n in pair])
    counts = [(x.shape[i + 2] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in range(rank)]
    made = torch.zeros(x.shape[0], w.shape[0], *counts, dtype=torch.int64)
    each = w.shape[0] // op.groups
    for at in np.ndindex(*counts):
        window = x[(slice(None), slice(None), *[
            slice(a * s, a * s + d * (k - 1) + 1, d) for a, s, d, k in zip(at, stride, dilation, kernel)
        ])]  # fmt: skip
        for g in range(op.groups):
            part = window[:, g * w.shape[1] : (g + 1) * w.shape[1]].flatten(1)
            rows = slice(g * each, (g + 1) * each)
            made[(slice(None), rows, *at)] = part @ w[rows].flatten(1).T
    return made.int()


@operator("conv_integer", conv_of)
def conv_integer(draw: Draw) -> Case:
    groups, rank = draw.one(1, 2), draw.whole(1, 2)
    kernel, ks = draw.each(rank, 1, 3)
    stride, _ = draw.each(rank, 1, 2)
    dilation, ds = draw.each(rank, 1, 2)
    pad = draw.one("same", "valid", 1) if all(k % 2 for k in ks) else draw.one("valid", "same_upper")
    pad = "valid" if pad == "same_upper" and max(ds) > 1 else pad
    channels, inputs = groups * draw.whole(1, 2), groups * draw.whole(1, 2)
    sizes = [d * (k - 1) + 1 + draw.whole(0, 4) for k, d in zip(ks, ds)]
    right = draw.one("u8", "i8")
    arguments, zeros = _zeros(draw, "u8", right, [])
    arguments |= {
        "channels": channels, "kernel": kernel, "stride": stride, "dilation": dilation, "pad": pad, "groups": groups
    }  # fmt: skip
    x = draw.array([draw.whole(1, 2), inputs, *sizes], "u8", 0, 255)
    return Case(arguments, [x, draw.array([channels, inputs // groups, *ks], right, -128, 127), *zeros])
