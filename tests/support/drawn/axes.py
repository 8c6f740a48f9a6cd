"""Operators that work along axes: reductions, searches, joining and taking apart, other shapes, positions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from drawn import Case, Draw, operator
from drawn.elementwise import free
from drawn.words import TORCH, Parameters, along, axes_of, axis_of, over

NUMBER = ("f32", "f32", "i64", "i32")
ANY = ("f32", "f32", "f64", "i64", "i32", "bool")


# Reductions


def reduction(*dtypes: str) -> Callable[[Draw], Case]:
    def case(draw: Draw) -> Case:
        x = draw.array(draw.shape(1, 4), draw.one(*dtypes))
        (axis, _), keep = draw.axes(x.ndim), draw.flag()
        return Case({"axis": axis, "keep": keep}, [x], free(draw, x))

    return case


def prod(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    """One axis after the other, as PyTorch takes them."""
    for axis in reversed(axes):
        x = torch.prod(x, axis, keep, dtype=x.dtype)
    return x


def norm(order: int) -> Callable[..., Tensor]:
    return over(lambda x, axes, keep: torch.linalg.vector_norm(x, order, axes, keep))


operator("reduce_sum", over(lambda x, axes, keep: torch.sum(x, axes, keep, dtype=x.dtype)))(reduction(*NUMBER))
operator("reduce_mean", over(torch.mean))(reduction("f32", "f64"))
operator("reduce_max", over(torch.amax))(reduction(*NUMBER))
operator("reduce_min", over(torch.amin))(reduction(*NUMBER))
operator("reduce_prod", over(prod))(reduction(*NUMBER))
operator("reduce_l1", norm(1))(reduction("f32"))
operator("reduce_l2", norm(2))(reduction("f32"))


def position(draw: Draw) -> Case:
    """Where an extreme is; with ties, of which the first counts, as in PyTorch."""
    x = draw.array(draw.shape(1, 4), "i64", -2, 2).astype(draw.one("float32", "int64", "int32"))
    (axis, _), keep = draw.axis(x.ndim), draw.flag()
    return Case({"axis": axis, "keep": keep}, [x], free(draw, x))


operator("argmax", lambda op, p, x: torch.argmax(x, axis_of(op.axis, x), op.keep))(position)
operator("argmin", lambda op, p, x: torch.argmin(x, axis_of(op.axis, x), op.keep))(position)


@operator(
    "top_k", lambda op, p, x, *number: tuple(torch.topk(x, int(number[0]) if number else op.k, axis_of(op.axis, x)))
)
def top_k(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 4))
    axis, index = draw.axis(x.ndim)
    k = draw.whole(1, x.shape[index])
    rest = tuple(i for i in range(x.ndim) if i != index)
    if draw.flag():  # a number that is found in the data
        number = draw.array(draw.one((), [1]), "i64", 0, k)
        return Case({"k": k, "axis": axis, "only": 1}, [x, number], draw.one((), (0,) if index else ()))
    return Case({"k": k, "axis": axis}, [x], draw.one((), rest))


@operator("cumsum", along(lambda x, axis: torch.cumsum(x, axis, dtype=x.dtype)))
def cumsum(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 4), draw.one(*NUMBER))
    axis, _ = draw.axis(x.ndim)
    return Case({"axis": axis}, [x], free(draw, x))


# Joining and taking apart


@operator("concat", lambda op, p, *x: torch.cat(x, axis_of(op.axis, x[0])))
def concat(draw: Draw) -> Case:
    shape, dtype = draw.shape(2, 4), draw.one(*ANY)
    axis, index = draw.axis(len(shape))
    shapes = [[*shape[:index], draw.whole(1, 4), *shape[index + 1 :]] for _ in range(draw.whole(1, 4))]
    inputs = [draw.array(shape, dtype) for shape in shapes]
    return Case({"axis": axis}, inputs, free(draw, inputs[0]))


@operator("stack", lambda op, p, *x: torch.stack(x, op.axis))
def stack(draw: Draw) -> Case:
    shape, dtype = draw.shape(1, 4), draw.one(*ANY)
    axis = draw.whole(-len(shape) - 1, len(shape))
    inputs = [draw.array(shape, dtype) for _ in range(draw.whole(1, 4))]
    return Case({"axis": axis}, inputs, free(draw, inputs[0]))


def parted(op: Any, p: Parameters, x: Tensor) -> tuple[Tensor, ...]:
    axis = axis_of(op.axis, x)
    return torch.split(x, x.shape[axis] // op.parts if isinstance(op.parts, int) else list(op.parts), axis)


@operator("split", parted)
def split(draw: Draw) -> Case:
    shape, count = draw.shape(2, 4), draw.whole(1, 4)
    axis, index = draw.axis(len(shape))
    sizes = draw.sizes(count, 1, 3)
    equal = draw.flag()
    if equal:
        sizes = sizes[:1] * count
    x = draw.array([*shape[:index], sum(sizes), *shape[index + 1 :]], draw.one(*ANY))
    arguments = {"parts": count if equal else sizes, "axis": axis}
    return Case(arguments, [x], free(draw, x))


# Other shapes of the same elements


@operator("flatten", along(torch.flatten))
def flatten(draw: Draw) -> Case:
    x = draw.array(draw.shape(2, 4), draw.one(*ANY))
    axis, _ = draw.axis(x.ndim)
    return Case({"axis": axis}, [x], free(draw, x))


@operator("reshape", lambda op, p, x: x.reshape(op.to))
def reshape(draw: Draw) -> Case:
    """Factors of the sizes in another order, one of them perhaps left open."""
    factors = draw.sizes(draw.whole(1, 5), 1, 4)
    before, after = draw.whole(0, len(factors)), draw.whole(0, len(factors))
    shape = [math.prod(factors[:before]), *factors[before:]]
    to = [*factors[:after], math.prod(factors[after:])]
    inferred = draw.one(None, *range(len(to)))
    written = [-1 if i == inferred else n for i, n in enumerate(to)]
    x = draw.array(shape, draw.one(*ANY))
    return Case({"to": written}, [x])


@operator("squeeze", lambda op, p, x: x.squeeze(axes_of(op.axis, x)))
def squeeze(draw: Draw) -> Case:
    shape = draw.shape(1, 4)
    axis, axes = draw.axes(len(shape))
    x = draw.array([1 if i in axes else n for i, n in enumerate(shape)], draw.one(*ANY))
    return Case({"axis": axis}, [x], free(draw, x))


def unsqueezed(op: Any, p: Parameters, x: Tensor) -> Tensor:
    axes = op.axis if isinstance(op.axis, tuple) else (op.axis,)
    for axis in sorted(a % (x.dim() + len(axes)) for a in axes):
        x = x.unsqueeze(axis)
    return x


@operator("unsqueeze", unsqueezed)
def unsqueeze(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 3), draw.one(*ANY))
    count = draw.one(0, 1, 2)
    if count == 0:
        return Case({"axis": draw.whole(-x.ndim - 1, x.ndim)}, [x], free(draw, x))
    rank = x.ndim + count
    _, axes = draw.axes(rank)
    axes = (axes + [a for a in range(rank) if a not in axes])[:count]
    return Case({"axis": [draw.one(a, a - rank) for a in axes]}, [x], free(draw, x))


@operator("permute", lambda op, p, x: x.permute([axis_of(a, x) for a in op.order]))
def permute(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 4), draw.one(*ANY))
    order = draw.one(*(list(range(x.ndim))[i:] + list(range(x.ndim))[:i] for i in range(x.ndim)))
    order = order[::-1] if draw.flag() else order
    written = [draw.one(a, a - x.ndim) for a in order]
    return Case({"order": written}, [x], free(draw, x))


@operator("transpose", lambda op, p, x: x.transpose(axis_of(op.first, x), axis_of(op.second, x)))
def transpose(draw: Draw) -> Case:
    x = draw.array(draw.shape(2, 4), draw.one(*ANY))
    (first, _), (second, _) = draw.axis(x.ndim), draw.axis(x.ndim)
    return Case({"first": first, "second": second}, [x], free(draw, x))


@operator("broadcast_to", lambda op, p, x: x.expand(op.to))
def broadcast_to(draw: Draw) -> Case:
    shape, new = draw.shape(1, 3), draw.sizes(draw.whole(0, 2), 1, 3)
    x = draw.array([draw.one(n, 1) for n in shape], draw.one(*ANY))
    to = [*new, *(draw.one(n, -1) for n in shape)]
    return Case({"to": to}, [x], draw.one((), (0,)))


# Positions of an axis


def sliced(op: Any, p: Parameters, x: Tensor) -> Tensor:
    return x[(slice(None),) * axis_of(op.axis, x) + (slice(op.start, op.stop, op.step),)]


@operator("slice", sliced)
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
    return Case(arguments, [x], free(draw, x))


@operator("select", lambda op, p, x: x.select(axis_of(op.axis, x), op.index))
def select(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 4), draw.one(*ANY))
    axis, dim = draw.axis(x.ndim)
    index = draw.whole(-x.shape[dim], x.shape[dim] - 1)
    return Case({"axis": axis, "index": index}, [x], free(draw, x))


def gathered(op: Any, p: Parameters, x: Tensor) -> Tensor:
    axis = axis_of(op.axis, x)
    return x.index_select(axis, torch.tensor(op.indices) % x.shape[axis])


@operator("gather", gathered)
def gather(draw: Draw) -> Case:
    x = draw.array(draw.shape(2, 4), draw.one(*ANY))
    axis, dim = draw.axis(x.ndim)
    size = x.shape[dim]
    indices = [draw.whole(-size, size - 1) for _ in range(draw.whole(1, 4))]
    rest = tuple(i for i in range(x.ndim) if i != dim)
    return Case({"indices": indices, "axis": axis}, [x], draw.one((), rest))


@operator("reverse", lambda op, p, x: x.flip(axes_of(op.axis, x)))
def reverse(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 4), draw.one(*ANY))
    axis, _ = draw.axes(x.ndim)
    return Case({"axis": axis}, [x], free(draw, x))


def reversed_sequences(op: Any, p: Any, x: Tensor, lengths: Tensor) -> Tensor:
    steps, rows = (axis_of(one, x) for one in (op.axis, op.batch))
    found = x.clone().movedim(rows, 0)
    for i, count in enumerate(lengths.tolist()):
        along = steps - 1 if steps > rows else steps
        found[i] = torch.cat(
            [
                found[i].narrow(along, 0, count).flip(along),
                found[i].narrow(along, count, found[i].shape[along] - count),
            ],
            along,
        )
    return found.movedim(0, rows)


@operator("reverse_sequence", reversed_sequences)
def reverse_sequence(draw: Draw) -> Case:
    x, axis = draw.array(draw.shape(2, 4), draw.one("f32", "i64", "bool")), draw.whole(0, 1)
    lengths = draw.array([x.shape[1 - axis]], draw.one("i64", "i32"), 0, x.shape[axis])
    return Case({"axis": axis, "batch": 1 - axis}, [x, lengths])


@operator("tile", lambda op, p, x: x.tile(op.counts))
def tile(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 4), draw.one(*ANY))
    counts = draw.sizes(x.ndim, 1, 3)
    return Case({"counts": counts}, [x], free(draw, x))


def coded(op: Any, p: Parameters, at: Tensor) -> Tensor:
    place = torch.where(at < 0, at + op.depth, at).long()
    place = torch.where((place < 0) | (place >= op.depth), op.depth, place)
    return F.one_hot(place, op.depth + 1)[..., : op.depth].movedim(-1, op.axis).to(TORCH[op.dtype])


@operator("one_hot", coded)
def one_hot(draw: Draw) -> Case:
    """Positions beyond either end give zeros; negative ones count from the end."""
    depth, dtype = draw.whole(1, 5), draw.one("f32", "i64", "f64")
    at = draw.array(draw.shape(0, 3), draw.one("i64", "i32"), -depth - 2, depth + 1)
    axis = draw.whole(-at.ndim - 1, at.ndim)
    return Case({"depth": depth, "axis": axis, "dtype": dtype}, [at], free(draw, at))
