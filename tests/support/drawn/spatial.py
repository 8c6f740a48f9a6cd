"""Operators on maps: borders, windows, other resolutions, blocks of pixels. And tensors from nothing."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from archdsl.shapes import TensorType
from drawn import Case, Draw, operator
from drawn.pools import maps
from drawn.windows import free_axes
from drawn.words import DRAWN_TYPES, TORCH, Parameters, axis_of, many


def bordered(op: Any, p: Parameters, x: Tensor) -> Tensor:
    """One axis after the other, each put last for it."""
    given = op.axis if isinstance(op.axis, tuple) else (op.axis,)
    axes = list(range(2, x.dim())) if op.axis is None else [axis_of(a, x) for a in given]
    numbers = many(op.amount, len(axes))
    how = {"mode": "replicate" if op.mode == "edge" else op.mode}
    how |= {"value": op.value} if op.mode == "constant" else {}
    for a, begin, end in zip(axes, numbers[: len(axes)], numbers[-len(axes) :]):
        flat = x.movedim(a, -1)
        padded = F.pad(flat.reshape(1, -1, flat.shape[-1]), (begin, end), **how)
        x = padded.reshape(*flat.shape[:-1], -1).movedim(-1, a)
    return x


@operator("pad_axes", bordered)
def pad_axes(draw: Draw) -> Case:
    x = draw.array(draw.sizes(draw.whole(3, 5), 2, 4))
    axis, axes = (None, list(range(2, x.ndim))) if draw.flag() else draw.axes(x.ndim)
    mode = draw.one("constant", "reflect", "edge")
    kind = draw.one("number", "each", "ends")
    count = {"number": 1, "each": len(axes), "ends": 2 * len(axes)}[kind]
    numbers = draw.sizes(count, 0, 1 if mode == "reflect" else 3)
    amount = numbers[0] if kind == "number" else numbers
    arguments = {"amount": amount, "axis": axis, "mode": mode, "value": draw.one(0.0, -1.5)}
    return Case(arguments, [x], free_axes(draw, x.ndim))


@operator("pad_channels", lambda op, p, x: F.pad(x, (*(0, 0) * (x.dim() - 2), 0, op.count)))
def pad_channels(draw: Draw) -> Case:
    x, count = draw.array(draw.shape(2, 4)), draw.whole(0, 4)
    return Case({"count": count}, [x], free_axes(draw, x.ndim))


def cropped(op: Any, p: Parameters, x: Tensor) -> Tensor:
    rank = x.dim() - 2
    sizes = many(op.size, rank) if op.like is None else list(op.like.shape[2:])
    centre = [(n - size) // 2 for n, size in zip(x.shape[2:], sizes)]
    begins = centre if op.offset == "center" else many(op.offset, rank)
    return x[(..., *(slice(begin, begin + size) for begin, size in zip(begins, sizes)))]


@operator("crop", cropped)
def crop(draw: Draw) -> Case:
    x = maps(draw)
    rank = x.ndim - 2
    sizes = [draw.whole(1, n) for n in x.shape[2:]]
    if draw.flag():
        sizes = [min(sizes)] * rank
    arguments: dict[str, Any] = {"offset": "center"}
    if draw.flag():
        begins = [draw.whole(0, n - size) for n, size in zip(x.shape[2:], sizes)]
        arguments["offset"] = begins[0] if len(set(begins)) == 1 else begins
    wanted(draw, arguments, sizes)
    return Case(arguments, [x], free_axes(draw, x.ndim))


def wanted(draw: Draw, arguments: dict[str, Any], sizes: list[int]) -> None:
    """The sizes of a result, as numbers or as those of another tensor."""
    if draw.flag():
        arguments["like"] = TensorType("f32", (1, 1, *sizes))
    else:
        arguments["size"] = sizes[0] if len(set(sizes)) == 1 else sizes


def resized(op: Any, p: Parameters, x: Tensor) -> Tensor:
    """Only the sizes count, however they were given; PyTorch is told sizes."""
    rank = x.dim() - 2
    if op.scale is not None:
        sizes = [math.floor(n * scale) for n, scale in zip(x.shape[2:], many(op.scale, rank))]
    else:
        sizes = many(op.size, rank) if op.like is None else list(op.like.shape[2:])
    aligned = {} if op.mode == "nearest" else {"align_corners": op.align_corners}
    return F.interpolate(x, size=sizes, mode=op.mode, **aligned)


@operator("resize", resized)
def resize(draw: Draw) -> Case:
    mode = draw.one("nearest", "bilinear", "linear", "trilinear", "bicubic")
    rank = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}.get(mode) or draw.whole(1, 3)
    x = draw.array([*draw.sizes(2, 1, 3), *draw.sizes(rank, 1, 6)])
    corners = mode != "nearest" and draw.flag()
    arguments: dict[str, Any] = {"mode": mode, "align_corners": corners}
    if draw.flag():
        scales = [draw.one(2.0, 1.0, 3.0, 1.5, 0.5, 0.75) for _ in range(rank)]
        scales = [scale if n * scale >= 1 else 2.0 for n, scale in zip(x.shape[2:], scales)]
        if draw.flag() or len(set(scales)) == 1:
            scales = scales[:1] * rank if min(x.shape[2:]) * scales[0] >= 1 else [2.0] * rank
            arguments["scale"] = scales[0]
        else:
            arguments["scale"] = scales
    else:
        wanted(draw, arguments, draw.sizes(rank, 1, 8))
    return Case(arguments, [x], free_axes(draw, x.ndim))


def shuffled(op: Any, p: Parameters, x: Tensor) -> Tensor:
    """PyTorch's shuffle has the place in the block behind the channel; ``dcr`` has it in front."""
    n, c, h, w = x.shape
    if op.mode == "dcr":
        x = x.reshape(n, op.block**2, c // op.block**2, h, w).transpose(1, 2).reshape(x.shape)
    return F.pixel_shuffle(x, op.block)


@operator("depth_to_space", shuffled)
def depth_to_space(draw: Draw) -> Case:
    block, mode = draw.whole(1, 3), draw.one("dcr", "crd")
    n, c, h, w = draw.sizes(4, 1, 3)
    return Case({"block": block, "mode": mode}, [draw.array([n, c * block**2, h, w])], free_axes(draw, 4))


def unshuffled(op: Any, p: Parameters, x: Tensor) -> Tensor:
    found = F.pixel_unshuffle(x, op.block)
    if op.mode == "crd":
        return found
    n, c, h, w = found.shape
    return found.reshape(n, c // op.block**2, op.block**2, h, w).transpose(1, 2).reshape(found.shape)


@operator("space_to_depth", unshuffled)
def space_to_depth(draw: Draw) -> Case:
    block, mode = draw.whole(1, 3), draw.one("dcr", "crd")
    n, c, h, w = draw.sizes(4, 1, 3)
    return Case({"block": block, "mode": mode}, [draw.array([n, c, h * block, w * block])], draw.one((), (0,)))


# Tensors from nothing


@operator("constant", lambda op, p: torch.tensor(op.values, dtype=TORCH[op.dtype]))
def constant(draw: Draw) -> Case:
    dtype = draw.one(*DRAWN_TYPES)
    values = draw.array(draw.shape(0, 3), "i64", 0 if dtype in ("u8", "bool") else -4, 1 if dtype == "bool" else 4)
    listed = (values + (0.25 if dtype in ("f32", "f64") else 0)).tolist()
    return Case({"values": values.astype(bool).tolist() if dtype == "bool" else listed, "dtype": dtype}, [])


def filled(draw: Draw) -> Case:
    return Case({"size": draw.shape(1, 3), "dtype": draw.one(*DRAWN_TYPES)}, [])


operator("zeros", lambda op, p: torch.zeros(op.size, dtype=TORCH[op.dtype]))(filled)
operator("ones", lambda op, p: torch.ones(op.size, dtype=TORCH[op.dtype]))(filled)


@operator("positions", lambda op, p: (torch.arange(op.size).double() * op.step + op.start).to(TORCH[op.dtype]))
def positions(draw: Draw) -> Case:
    dtype = draw.one("f32", "f64", "i64", "i32")
    number = (
        (draw.one(0, 1, 3), draw.one(1, 2, -1))
        if dtype[0] == "i"
        else (draw.one(0.0, 0.5, -2.0), draw.one(1.0, 8.0, -0.25))
    )
    return Case({"size": draw.whole(1, 6), "start": number[0], "step": number[1], "dtype": dtype}, [])


@operator("param", lambda op, p: p[""])
def param(draw: Draw) -> Case:
    """Its values come with the weights; how they begin is tested where initial values are."""
    size, init, dtype = draw.shape(2, 3), draw.one("zeros", "ones", "fan", 2.0), draw.one("f32", "f64")
    return Case({"size": size, "init": init, "dtype": dtype}, [])
