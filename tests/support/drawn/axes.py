"""Operators that work along axes: reductions, searches, joining and taking apart, other shapes, positions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from drawn import Case, Draw, operator
from drawn.elementwise import TORCH, free

NUMBER = ("f32", "f32", "i64", "i32")
ANY = ("f32", "f32", "f64", "i64", "i32", "bool")


# Reductions


def reduction(function: Callable[..., Tensor], *dtypes: str) -> Callable[[Draw], Case]:
    def case(draw: Draw) -> Case:
        x = draw.array(draw.shape(1, 4), draw.one(*dtypes))
        (axis, axes), keep = draw.axes(x.ndim), draw.flag()
        return Case({"axis": axis, "keep": keep}, [x], lambda x: function(x, axes, keep), free(draw, x))

    return case


def prod(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    """One axis after the other, as PyTorch takes them."""
    for axis in reversed(axes):
        x = torch.prod(x, axis, keep, dtype=x.dtype)
    return x


operator("reduce_sum")(reduction(lambda x, axes, keep: torch.sum(x, axes, keep, dtype=x.dtype), *NUMBER))
operator("reduce_mean")(reduction(torch.mean, "f32", "f64"))
operator("reduce_max")(reduction(torch.amax, *NUMBER))
operator("reduce_min")(reduction(torch.amin, *NUMBER))
operator("reduce_prod")(reduction(prod, *NUMBER))
operator("reduce_l1")(reduction(lambda x, axes, keep: torch.linalg.vector_norm(x, 1, axes, keep), "f32"))
operator("reduce_l2")(reduction(lambda x, axes, keep: torch.linalg.vector_norm(x, 2, axes, keep), "f32"))


def position(function: Callable[..., Tensor]) -> Callable[[Draw], Case]:
    """Where an extreme is; with ties, of which the first counts, as in PyTorch."""

    def case(draw: Draw) -> Case:
        x = draw.array(draw.shape(1, 4), "i64", -2, 2).astype(draw.one("float32", "int64", "int32"))
        (axis, index), keep = draw.axis(x.ndim), draw.flag()
        return Case({"axis": axis, "keep": keep}, [x], lambda x: function(x, index, keep), free(draw, x))

    return case


operator("argmax")(position(torch.argmax))
operator("argmin")(position(torch.argmin))


@operator("top_k")
def top_k(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 4))
    axis, index = draw.axis(x.ndim)
    k = draw.whole(1, x.shape[index])
    rest = tuple(i for i in range(x.ndim) if i != index)
    return Case({"k": k, "axis": axis}, [x], lambda x: tuple(torch.topk(x, k, index)), draw.one((), rest))


@operator("cumsum")
def cumsum(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 4), draw.one(*NUMBER))
    axis, index = draw.axis(x.ndim)
    return Case({"axis": axis}, [x], lambda x: torch.cumsum(x, index, dtype=x.dtype), free(draw, x))


# Joining and taking apart


@operator("concat")
def concat(draw: Draw) -> Case:
    shape, dtype = draw.shape(2, 4), draw.one(*ANY)
    axis, index = draw.axis(len(shape))
    shapes = [[*shape[:index], draw.whole(1, 4), *shape[index + 1 :]] for _ in range(draw.whole(1, 4))]
    inputs = [draw.array(shape, dtype) for shape in shapes]
    return Case({"axis": axis}, inputs, lambda *x: torch.cat(x, index), free(draw, inputs[0]))


@operator("stack")
def stack(draw: Draw) -> Case:
    shape, dtype = draw.shape(1, 4), draw.one(*ANY)
    axis = draw.whole(-len(shape) - 1, len(shape))
    inputs = [draw.array(shape, dtype) for _ in range(draw.whole(1, 4))]
    return Case({"axis": axis}, inputs, lambda *x: torch.stack(x, axis), free(draw, inputs[0]))


@operator("split")
def split(draw: Draw) -> Case:
    shape, count = draw.shape(2, 4), draw.whole(1, 4)
    axis, index = draw.axis(len(shape))
    sizes = draw.sizes(count, 1, 3)
    equal = draw.flag()
    if equal:
        sizes = sizes[:1] * count
    x = draw.array([*shape[:index], sum(sizes), *shape[index + 1 :]], draw.one(*ANY))
    arguments = {"parts": count if equal else sizes, "axis": axis}
    return Case(arguments, [x], lambda x: torch.split(x, sizes, index), free(draw, x))


# Other shapes of the same elements


@operator("flatten")
def flatten(draw: Draw) -> Case:
    x = draw.array(draw.shape(2, 4), draw.one(*ANY))
    axis, index = draw.axis(x.ndim)
    return Case({"axis": axis}, [x], lambda x: x.flatten(index), free(draw, x))


@operator("reshape")
def reshape(draw: Draw) -> Case:
    """Factors of the sizes in another order, one of them perhaps left open."""
    factors = draw.sizes(draw.whole(1, 5), 1, 4)
    before, after = draw.whole(0, len(factors)), draw.whole(0, len(factors))
    shape = [math.prod(factors[:before]), *factors[before:]]
    to = [*factors[:after], math.prod(factors[after:])]
    inferred = draw.one(None, *range(len(to)))
    written = [-1 if i == inferred else n for i, n in enumerate(to)]
    x = draw.array(shape, draw.one(*ANY))
    return Case({"to": written}, [x], lambda x: x.reshape(written))


@operator("squeeze")
def squeeze(draw: Draw) -> Case:
    shape = draw.shape(1, 4)
    axis, axes = draw.axes(len(shape))
    x = draw.array([1 if i in axes else n for i, n in enumerate(shape)], draw.one(*ANY))
    return Case({"axis": axis}, [x], lambda x: x.squeeze(axes), free(draw, x))


@operator("unsqueeze")
def unsqueeze(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 3), draw.one(*ANY))
    count = draw.one(0, 1, 2)
    if count == 0:
        axis = draw.whole(-x.ndim - 1, x.ndim)
        return Case({"axis": axis}, [x], lambda x: x.unsqueeze(axis), free(draw, x))
    rank = x.ndim + count
    _, axes = draw.axes(rank)
    axes = (axes + [a for a in range(rank) if a not in axes])[:count]

    def reference(x: Tensor) -> Tensor:
        for a in sorted(axes):
            x = x.unsqueeze(a)
        return x

    return Case({"axis": [draw.one(a, a - rank) for a in axes]}, [x], reference, free(draw, x))


@operator("permute")
def permute(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 4), draw.one(*ANY))
    order = draw.one(*(list(range(x.ndim))[i:] + list(range(x.ndim))[:i] for i in range(x.ndim)))
    order = order[::-1] if draw.flag() else order
    written = [draw.one(a, a - x.ndim) for a in order]
    return Case({"order": written}, [x], lambda x: x.permute(order), free(draw, x))


@operator("transpose")
def transpose(draw: Draw) -> Case:
    x = draw.array(draw.shape(2, 4), draw.one(*ANY))
    (first, a), (second, b) = draw.axis(x.ndim), draw.axis(x.ndim)
    return Case({"first": first, "second": second}, [x], lambda x: x.transpose(a, b), free(draw, x))


@operator("broadcast_to")
def broadcast_to(draw: Draw) -> Case:
    shape, new = draw.shape(1, 3), draw.sizes(draw.whole(0, 2), 1, 3)
    x = draw.array([draw.one(n, 1) for n in shape], draw.one(*ANY))
    to = [*new, *(draw.one(n, -1) for n in shape)]
    return Case({"to": to}, [x], lambda x: x.expand(to), draw.one((), (0,)))


# Positions of an axis


@operator("slice")
def slice_(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 4), draw.one(*ANY))
    axis, index = draw.axis(x.ndim)
    size = x.shape[index]
    start = draw.whole(0, size - 1)
    stop = draw.whole(start + 1, size)
    step = draw.one(1, 2, 3)
    arguments = {
        "axis": axis,
        "start": draw.one(start, start - size),
        "stop": draw.one(stop, *([stop - size] if stop < size else [None])),
        "step": step,
    }
    place = (slice(None),) * index + (slice(start, stop, step),)
    return Case(arguments, [x], lambda x: x[place], free(draw, x))


@operator("select")
def select(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 4), draw.one(*ANY))
    axis, dim = draw.axis(x.ndim)
    index = draw.whole(-x.shape[dim], x.shape[dim] - 1)
    return Case({"axis": axis, "index": index}, [x], lambda x: x.select(dim, index), free(draw, x))


@operator("gather")
def gather(draw: Draw) -> Case:
    x = draw.array(draw.shape(2, 4), draw.one(*ANY))
    axis, dim = draw.axis(x.ndim)
    size = x.shape[dim]
    indices = [draw.whole(-size, size - 1) for _ in range(draw.whole(1, 4))]
    positions = torch.tensor(indices) % size
    rest = tuple(i for i in range(x.ndim) if i != dim)
    return Case({"indices": indices, "axis": axis}, [x], lambda x: x.index_select(dim, positions), draw.one((), rest))


@operator("take")
def take(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 3), draw.one("f32", "f64", "i64"))
    axis, dim = draw.axis(x.ndim)
    size = x.shape[dim]
    at = draw.array(draw.shape(0, 2), draw.one("i64", "i32"), -size, size - 1)

    def reference(x: Tensor, at: Tensor) -> Tensor:
        found = x.index_select(dim, at.reshape(-1).long() % size)
        return found.reshape([*x.shape[:dim], *at.shape, *x.shape[dim + 1 :]])

    return Case({"axis": axis}, [x, at], reference)


@operator("reverse")
def reverse(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 4), draw.one(*ANY))
    axis, axes = draw.axes(x.ndim)
    return Case({"axis": axis}, [x], lambda x: x.flip(axes), free(draw, x))


@operator("tile")
def tile(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 4), draw.one(*ANY))
    counts = draw.sizes(x.ndim, 1, 3)
    return Case({"counts": counts}, [x], lambda x: x.tile(counts), free(draw, x))


@operator("one_hot")
def one_hot(draw: Draw) -> Case:
    """Positions beyond either end give zeros; negative ones count from the end."""
    depth, dtype = draw.whole(1, 5), draw.one("f32", "i64", "f64")
    at = draw.array(draw.shape(0, 3), draw.one("i64", "i32"), -depth - 2, depth + 1)
    axis = draw.whole(-at.ndim - 1, at.ndim)

    def reference(at: Tensor) -> Tensor:
        place = torch.where(at < 0, at + depth, at).long()
        place = torch.where((place < 0) | (place >= depth), depth, place)
        return F.one_hot(place, depth + 1)[..., :depth].movedim(-1, axis).to(TORCH[dtype])

    arguments: dict[str, Any] = {"depth": depth, "axis": axis, "dtype": dtype}
    return Case(arguments, [at], reference, free(draw, at))
