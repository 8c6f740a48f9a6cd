"""Operators on maps: borders, windows, other resolutions, blocks of pixels. And tensors from nothing."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from archdsl.shapes import TensorType
from drawn import Case, Draw, operator
from drawn.elementwise import TORCH
from drawn.pools import maps
from drawn.windows import free_axes


@operator("pad_axes")
def pad_axes(draw: Draw) -> Case:
    x = draw.array(draw.sizes(draw.whole(3, 5), 2, 4))
    axis, axes = (None, list(range(2, x.ndim))) if draw.flag() else draw.axes(x.ndim)
    mode = draw.one("constant", "reflect", "edge")
    kind = draw.one("number", "each", "ends")
    count = {"number": 1, "each": len(axes), "ends": 2 * len(axes)}[kind]
    numbers = draw.sizes(count, 0, 1 if mode == "reflect" else 3)
    if isinstance(axis, list):
        axes = [a % x.ndim for a in axis]  # numbers belong to the axes as they are written
    begins = numbers * len(axes) if kind == "number" else numbers[: len(axes)]
    value = draw.one(0.0, -1.5)
    how = {"mode": "replicate" if mode == "edge" else mode} | ({"value": value} if mode == "constant" else {})

    def reference(x: Tensor) -> Tensor:
        for a, begin, end in zip(axes, begins, numbers[-len(axes) :] if kind == "ends" else begins):
            flat = x.movedim(a, -1)
            padded = F.pad(flat.reshape(1, -1, flat.shape[-1]), (begin, end), **how)
            x = padded.reshape(*flat.shape[:-1], -1).movedim(-1, a)
        return x

    arguments = {"amount": numbers[0] if kind == "number" else numbers, "axis": axis, "mode": mode, "value": value}
    return Case(arguments, [x], reference, free_axes(draw, x.ndim))


@operator("pad_channels")
def pad_channels(draw: Draw) -> Case:
    x, count = draw.array(draw.shape(2, 4)), draw.whole(0, 4)

    def reference(x: Tensor) -> Tensor:
        return F.pad(x, (*(0, 0) * (x.dim() - 2), 0, count))

    return Case({"count": count}, [x], reference, free_axes(draw, x.ndim))


@operator("crop")
def crop(draw: Draw) -> Case:
    x = maps(draw)
    rank = x.ndim - 2
    sizes = [draw.whole(1, n) for n in x.shape[2:]]
    if draw.flag():
        sizes = [min(sizes)] * rank
    arguments: dict[str, Any] = {"offset": "center"}
    begins = [(n - size) // 2 for n, size in zip(x.shape[2:], sizes)]
    if draw.flag():
        begins = [draw.whole(0, n - size) for n, size in zip(x.shape[2:], sizes)]
        arguments["offset"] = begins[0] if len(set(begins)) == 1 else begins
    wanted(draw, arguments, sizes)
    place = (..., *(slice(begin, begin + size) for begin, size in zip(begins, sizes)))
    return Case(arguments, [x], lambda x: x[place], free_axes(draw, x.ndim))


def wanted(draw: Draw, arguments: dict[str, Any], sizes: list[int]) -> None:
    """The sizes of a result, as numbers or as those of another tensor."""
    if draw.flag():
        arguments["like"] = TensorType("f32", (1, 1, *sizes))
    else:
        arguments["size"] = sizes[0] if len(set(sizes)) == 1 else sizes


@operator("resize")
def resize(draw: Draw) -> Case:
    """Only the sizes count, however they were given; PyTorch is told sizes."""
    mode = draw.one("nearest", "bilinear", "linear", "trilinear", "bicubic")
    rank = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}.get(mode) or draw.whole(1, 3)
    x = draw.array([*draw.sizes(2, 1, 3), *draw.sizes(rank, 1, 6)])
    corners = mode != "nearest" and draw.flag()
    arguments: dict[str, Any] = {"mode": mode, "align_corners": corners}
    sizes = draw.sizes(rank, 1, 8)
    if draw.flag():
        scales = [draw.one(2.0, 1.0, 3.0, 1.5, 0.5, 0.75) for _ in range(rank)]
        scales = [scale if n * scale >= 1 else 2.0 for n, scale in zip(x.shape[2:], scales)]
        if draw.flag() or len(set(scales)) == 1:
            scales = scales[:1] * rank if min(x.shape[2:]) * scales[0] >= 1 else [2.0] * rank
            arguments["scale"] = scales[0]
        else:
            arguments["scale"] = scales
        sizes = [math.floor(n * scale) for n, scale in zip(x.shape[2:], scales)]
    else:
        wanted(draw, arguments, sizes)
    aligned = {} if mode == "nearest" else {"align_corners": corners}
    return Case(arguments, [x], lambda x: F.interpolate(x, size=sizes, mode=mode, **aligned), free_axes(draw, x.ndim))


@operator("depth_to_space")
def depth_to_space(draw: Draw) -> Case:
    """PyTorch's shuffle has the place in the block behind the channel; ``dcr`` has it in front."""
    block, mode = draw.whole(1, 3), draw.one("dcr", "crd")
    n, c, h, w = draw.sizes(4, 1, 3)
    x = draw.array([n, c * block**2, h, w])

    def reference(x: Tensor) -> Tensor:
        if mode == "dcr":
            x = x.reshape(n, block**2, c, h, w).transpose(1, 2).reshape(x.shape)
        return F.pixel_shuffle(x, block)

    return Case({"block": block, "mode": mode}, [x], reference, free_axes(draw, 4))


@operator("space_to_depth")
def space_to_depth(draw: Draw) -> Case:
    block = draw.whole(1, 3)
    n, c, h, w = draw.sizes(4, 1, 3)
    x = draw.array([n, c, h * block, w * block])

    def reference(x: Tensor) -> Tensor:
        found = F.pixel_unshuffle(x, block)
        return found.reshape(n, c, block**2, h, w).transpose(1, 2).reshape(found.shape)

    return Case({"block": block}, [x], reference, draw.one((), (0,)))


# Tensors from nothing


@operator("constant")
def constant(draw: Draw) -> Case:
    dtype = draw.one(*TORCH)
    values = draw.array(draw.shape(0, 3), "i64", 0 if dtype in ("u8", "bool") else -4, 1 if dtype == "bool" else 4)
    listed = (values + (0.25 if dtype in ("f32", "f64") else 0)).tolist()
    if dtype == "bool":
        listed = values.astype(bool).tolist()
    return Case({"values": listed, "dtype": dtype}, [], lambda: torch.tensor(listed, dtype=TORCH[dtype]))


@operator("zeros")
def zeros(draw: Draw) -> Case:
    size, dtype = draw.shape(1, 3), draw.one(*TORCH)
    return Case({"size": size, "dtype": dtype}, [], lambda: torch.zeros(size, dtype=TORCH[dtype]))


@operator("ones")
def ones(draw: Draw) -> Case:
    size, dtype = draw.shape(1, 3), draw.one(*TORCH)
    return Case({"size": size, "dtype": dtype}, [], lambda: torch.ones(size, dtype=TORCH[dtype]))


@operator("param")
def param(draw: Draw) -> Case:
    """Its values come with the weights; how they begin is tested where initial values are."""
    size, init, dtype = draw.shape(2, 3), draw.one("zeros", "ones", "fan", 2.0), draw.one("f32", "f64")
    return Case({"size": size, "init": init, "dtype": dtype}, [], lambda value: value)
