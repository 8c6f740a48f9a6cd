"""Operators at computed positions, random numbers, and Fourier transforms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from drawn import Case, Draw, operator
from drawn.words import TORCH, Parameters, axis_of

# Reading


def taken(op: Any, p: Parameters, x: Tensor, at: Tensor) -> Tensor:
    return taken_along(x, at, axis_of(op.axis, x), op.batch)


def taken_along(x: Tensor, at: Tensor, axis: int, batch: int) -> Tensor:
    """Row by row of the common axes."""
    if batch:
        return torch.stack([taken_along(x[i], at[i], axis - 1, batch - 1) for i in range(len(x))])
    found = x.index_select(axis, at.reshape(-1).long() % x.shape[axis])
    return found.reshape([*x.shape[:axis], *at.shape, *x.shape[axis + 1 :]])


def rows(draw: Draw, x: np.ndarray, dim: int) -> tuple[int, np.ndarray]:
    """How many axes are common, and positions of the axis."""
    batch, size = draw.whole(0, min(dim, 2)), x.shape[dim]
    shape = [*x.shape[:batch], *draw.shape(0, 2)]
    return batch, draw.array(shape, draw.one("i64", "i32"), -size, size - 1)


@operator("take", taken)
def take(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 4), draw.one("f32", "f64", "i64"))
    axis, dim = draw.axis(x.ndim)
    batch, at = rows(draw, x, dim)
    return Case({"axis": axis, "batch": batch}, [x, at], draw.one((), tuple(range(batch))))


def places(at: np.ndarray, axis: int) -> tuple[np.ndarray, ...]:
    """The coordinates that positions of single elements mean."""
    found = list(np.indices(at.shape))
    found[axis] = at
    return tuple(found)


def gathered_elements(op: Any, p: Parameters, x: Tensor, at: Tensor) -> Tensor:
    return torch.from_numpy(np.array(x.numpy()[places(at.numpy(), axis_of(op.axis, x))]))


@operator(
    "gather_nd", lambda op, p, x, at: torch.from_numpy(np.array(x.numpy()[tuple(np.moveaxis(at.numpy(), -1, 0))]))
)
def gather_nd(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 4), draw.one("f32", "f64", "i64", "bool"))
    shape, kind = draw.shape(0, 2), draw.one("i64", "i32")
    sizes = x.shape[: draw.whole(1, x.ndim)]
    at = np.stack([draw.array(shape, kind, -size, size - 1) for size in sizes], -1)
    return Case({}, [x, at])


def inside(draw: Draw, x: np.ndarray, dim: int) -> list[int]:
    """A shape that lies in that of ``x``, but for one axis."""
    return [draw.whole(1, 5) if i == dim else draw.one(n, draw.whole(1, n)) for i, n in enumerate(x.shape)]


@operator("gather_elements", gathered_elements)
def gather_elements(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 4), draw.one("f32", "f64", "i64", "i8", "bool"))
    axis, dim = draw.axis(x.ndim)
    at = draw.array(inside(draw, x, dim), draw.one("i64", "i32"), -x.shape[dim], x.shape[dim] - 1)
    same = tuple(i for i, n in enumerate(x.shape) if i != dim and at.shape[i] == n)
    return Case({"axis": axis}, [x, at], draw.one((), same))


# Writing

UFUNCS = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}


def written(x: Tensor, place: Any, updates: Tensor, reduce: str) -> Tensor:
    found = x.numpy().copy()
    if reduce == "none":
        found[place] = updates.numpy()
    else:
        UFUNCS[reduce].at(found, place, updates.numpy())
    return torch.from_numpy(found)


def scattered_elements(op: Any, p: Parameters, x: Tensor, at: Tensor, updates: Tensor) -> Tensor:
    return written(x, places(at.numpy(), axis_of(op.axis, x)), updates, op.reduce)


def single(draw: Draw, size: int, shape: list[int]) -> np.ndarray:
    """Positions along the last axis of a shape that are all different, from either end."""
    values = np.random.default_rng(draw.whole(0, 9999))
    found = np.stack([values.permutation(size)[: shape[-1]] for _ in range(math.prod(shape[:-1]))])
    return (found - size * values.integers(0, 2, found.shape)).reshape(shape).astype(draw.one(np.int64, np.int32))


@operator("scatter_elements", scattered_elements)
def scatter_elements(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 4), draw.one("f32", "f64", "i64", "i32"))
    (axis, dim), reduce = draw.axis(x.ndim), draw.one("none", *UFUNCS)
    shape, size = inside(draw, x, dim), x.shape[dim]
    if reduce == "none":
        shape[dim] = min(shape[dim], size)
        last = [*shape[:dim], *shape[dim + 1 :], shape[dim]]
        at = np.ascontiguousarray(np.moveaxis(single(draw, size, last), -1, dim))
    else:
        at = draw.array(shape, draw.one("i64", "i32"), -size, size - 1)
    kind = {np.dtype(np.float64): "f64", np.dtype(np.int64): "i64", np.dtype(np.int32): "i32"}.get(x.dtype, "f32")
    same = tuple(i for i, n in enumerate(x.shape) if i != dim and at.shape[i] == n)
    return Case({"axis": axis, "reduce": reduce}, [x, at, draw.array(at.shape, kind)], draw.one((), same))


def scattered(op: Any, p: Parameters, x: Tensor, at: Tensor, updates: Tensor) -> Tensor:
    return scattered_along(x, at, updates, axis_of(op.axis, x), op.batch, op.reduce)


def scattered_along(x: Tensor, at: Tensor, updates: Tensor, axis: int, batch: int, reduce: str) -> Tensor:
    if batch:
        parts = (scattered_along(*one, axis - 1, batch - 1, reduce) for one in zip(x, at, updates))
        return torch.stack(list(parts))
    return written(x, (*(slice(None),) * axis, at.numpy()), updates, reduce)


@operator("scatter", scattered)
def scatter(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 4), draw.one("f32", "f64", "i64", "i32"))
    (axis, dim), reduce = draw.axis(x.ndim), draw.one("none", *UFUNCS)
    size = x.shape[dim]
    batch, at = rows(draw, x, dim)
    if reduce == "none":
        at = single(draw, size, [*x.shape[:batch], draw.whole(1, size)])
    shape = [*x.shape[:dim], *at.shape[batch:], *x.shape[dim + 1 :]]
    kind = {np.dtype(np.float64): "f64", np.dtype(np.int64): "i64", np.dtype(np.int32): "i32"}.get(x.dtype, "f32")
    arguments = {"axis": axis, "reduce": reduce, "batch": batch}
    return Case(arguments, [x, at, draw.array(shape, kind)], draw.one((), tuple(range(batch))))


# Random numbers


@operator("random_normal", lambda op, p: (torch.randn(op.size) * op.deviation + op.mean).to(TORCH[op.dtype]))
def random_normal(draw: Draw) -> Case:
    return Case({**many(draw), "mean": draw.one(0.0, 3.0, -2.0), "deviation": draw.one(1.0, 0.5)}, [])


@operator("random_uniform", lambda op, p: (torch.rand(op.size) * (op.high - op.low) + op.low).to(TORCH[op.dtype]))
def random_uniform(draw: Draw) -> Case:
    return Case({**many(draw), "low": draw.one(0.0, -2.0), "high": draw.one(1.0, 3.0)}, [])


def many(draw: Draw) -> dict[str, Any]:
    """Enough numbers for their mean and deviation to be known."""
    size = draw.one([20000], [200, 150], [3, 100, 100])
    return {"size": size, "seed": draw.whole(0, 1 << 24), "dtype": draw.one("f32", "f64")}


# Fourier transforms: products with the matrix of the roots of unity


def transformed(x: Tensor, axis: int, inverse: bool) -> Tensor:
    """Of complex numbers."""
    size = x.shape[axis]
    steps = torch.arange(size)
    turns = (steps[:, None] * steps % size).double() * (2 * math.pi / size)
    roots = torch.polar(torch.ones_like(turns), turns if inverse else -turns).to(x.dtype)
    found = torch.tensordot(x, roots, ([axis], [0])).movedim(-1, axis)
    return found / size if inverse else found


def complex_of(x: Tensor) -> Tensor:
    return torch.complex(x[..., 0].contiguous(), x[..., 1].contiguous())


def wide(x: Tensor) -> Tensor:
    return x if x.dtype == torch.float64 else x.float()


def fft_of(op: Any, p: Parameters, x: Tensor) -> Tensor:
    found = transformed(complex_of(wide(x)), axis_of(op.axis, x), op.inverse)
    return torch.view_as_real(found).to(x.dtype)


@operator("fft", fft_of)
def fft(draw: Draw) -> Case:
    x = draw.array([*draw.shape(1, 3), 2], draw.one("f32", "f64"))
    index = draw.whole(0, x.ndim - 2)
    return Case({"axis": draw.one(index, index - x.ndim), "inverse": draw.flag()}, [x], draw.one((), (0,)))


def rfft_of(op: Any, p: Parameters, x: Tensor) -> Tensor:
    axis, real = axis_of(op.axis, x), wide(x)
    found = transformed(torch.complex(real, torch.zeros_like(real)), axis, False)
    return torch.view_as_real(found.narrow(axis, 0, x.shape[axis] // 2 + 1)).contiguous().to(x.dtype)


@operator("rfft", rfft_of)
def rfft(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 3), draw.one("f32", "f64"))
    axis, _ = draw.axis(x.ndim)
    return Case({"axis": axis}, [x], draw.one((), (0,)))


def irfft_of(op: Any, p: Parameters, x: Tensor) -> Tensor:
    axis, half = axis_of(op.axis, x), complex_of(wide(x))
    size = op.size or 2 * half.shape[axis] - 2
    mirrored = half.narrow(axis, 1, size - half.shape[axis]).conj().flip(axis) if size > 2 else half.narrow(axis, 0, 0)
    return transformed(torch.cat([half, mirrored], axis), axis, True).real.contiguous().to(x.dtype)


@operator("irfft", irfft_of)
def irfft(draw: Draw) -> Case:
    shape, index = draw.shape(1, 3), 0
    index = draw.whole(0, len(shape) - 1)
    size = draw.whole(1, 11)
    shape[index] = size // 2 + 1
    written = draw.one(size, size, None) if size % 2 == 0 else size
    x = draw.array([*shape, 2], draw.one("f32", "f64"))
    rest = tuple(i for i in range(x.ndim - 1) if i != index)
    return Case({"axis": draw.one(index, index - x.ndim), "size": written}, [x], draw.one((), rest))
