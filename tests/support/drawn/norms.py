"""Normalisations, matrix products, activations with arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from drawn import Case, Draw, operator
from drawn.windows import free_axes
from drawn.words import Parameters, axes_of, axis_of, of

EPSILONS = (1e-5, 1e-3, 0.1)


def affine(draw: Draw) -> dict[str, Any]:
    return {"scale": draw.flag(), "shift": draw.flag(), "eps": draw.one(*EPSILONS)}


def channels(draw: Draw, spatial: tuple[int, int] = (0, 3), multiple: int = 1) -> Any:
    """[N, C, …] with so many spatial axes."""
    return draw.array([draw.whole(1, 3), multiple * draw.whole(1, 3), *draw.sizes(draw.whole(*spatial), 1, 5)])


def batch(op: Any, p: Parameters, x: Tensor) -> Tensor:
    axis = axis_of(op.axis, x)
    statistics = p["running_mean"], p["running_var"]
    moved = x.movedim(axis, 1)
    return F.batch_norm(moved, *statistics, p.get("weight"), p.get("bias"), eps=op.eps).movedim(1, axis)


@operator("batch_norm", batch)
def batch_norm(draw: Draw) -> Case:
    arguments = affine(draw)
    arguments["momentum"] = draw.one(0.1, 0.01, 1.0)  # of no consequence at inference
    x = channels(draw)
    if x.ndim > 2 and draw.flag():
        arguments["axis"] = draw.one("f", x.ndim - 1, -1)
        return Case(arguments, [x], list(free_axes(draw, x.ndim - 1)))
    return Case(arguments, [x], free_axes(draw, x.ndim))


@operator("group_norm", lambda op, p, x: F.group_norm(x, op.groups, p.get("weight"), p.get("bias"), op.eps))
def group_norm(draw: Draw) -> Case:
    arguments, groups = affine(draw), draw.whole(1, 4)
    x = channels(draw, (1, 3), groups)
    if x[0, : x.shape[1] // groups].size == 1:  # of which PyTorch makes no statistics
        x = np.concatenate([x, x + 1], axis=2)
    return Case({**arguments, "groups": groups}, [x], free_axes(draw, x.ndim))


@operator("instance_norm", lambda op, p, x: F.instance_norm(x, weight=p.get("weight"), bias=p.get("bias"), eps=op.eps))
def instance_norm(draw: Draw) -> Case:
    arguments = affine(draw)
    x = draw.array([*draw.sizes(2, 1, 3), draw.whole(2, 5), *draw.sizes(draw.whole(0, 2), 1, 4)])
    return Case(arguments, [x], free_axes(draw, x.ndim))


def moved(function: Any) -> Any:
    """A norm over any axes: those are put last, as PyTorch's functions want them, and back."""

    def reference(op: Any, p: Parameters, x: Tensor) -> Tensor:
        axes = axes_of(op.axes, x)
        last = list(range(-len(axes), 0))
        x = x.movedim(axes, last)
        return function(x, x.shape[-len(axes) :], p.get("weight"), p.get("bias"), op.eps).movedim(last, axes)

    return reference


def root_mean_square(x: Tensor, shape: list[int], weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    found = F.rms_norm(x, shape, weight, eps)
    return found if bias is None else found + bias


def over_axes(draw: Draw) -> Case:
    x, arguments = draw.array(draw.shape(1, 4)), affine(draw)
    arguments["axes"], _ = draw.axes(x.ndim)
    return Case(arguments, [x], draw.one((), (0,)))


operator("layer_norm", moved(F.layer_norm))(over_axes)
operator("rms_norm", moved(root_mean_square))(over_axes)


def responses(op: Any, p: Parameters, x: Tensor) -> Tensor:
    """PyTorch's even windows reach further to the front, ONNX's further to the back."""
    return F.local_response_norm(x.flip(1), op.size, op.alpha, op.beta, op.k).flip(1)


@operator("lrn", responses)
def lrn(draw: Draw) -> Case:
    x = draw.array([draw.whole(1, 3), draw.whole(1, 7), *draw.sizes(draw.whole(1, 3), 1, 4)])
    size, alpha = draw.whole(1, 6), draw.one(1e-4, 0.5, 2.0)
    beta, k = draw.one(0.75, 0.5, 1.0), draw.one(1.0, 2.0, 0.5)
    return Case({"size": size, "alpha": alpha, "beta": beta, "k": k}, [x], free_axes(draw, x.ndim))


@operator("l2_norm", lambda op, p, x: F.normalize(x, dim=axis_of(op.axis, x), eps=op.eps))
def l2_norm(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 4))
    axis, _ = draw.axis(x.ndim)
    return Case({"axis": axis, "eps": draw.one(1e-12, 1e-3, 5.0)}, [x], free_axes(draw, x.ndim))


def as_linear(op: Any, p: Parameters, x: Tensor, *given: Tensor) -> Tensor:
    weight = given[0] if given else p["weight"]
    return F.linear(x, weight.mT if op.transposed else weight, p.get("bias"))


@operator("linear", as_linear)
def linear(draw: Draw) -> Case:
    x, bias, given = draw.array(draw.shape(2, 4)), draw.flag(), draw.flag()
    arguments = {"features": draw.whole(1, 6), "bias": bias, "weight": 1 if given else None}
    arguments["init"] = "fan" if given else draw.one("fan", "zeros")
    sizes = [arguments["features"], x.shape[-1]]
    arguments["transposed"] = draw.flag()
    inputs = [x, draw.array(sizes[::-1] if arguments["transposed"] else sizes)] if given else [x]
    return Case(arguments, inputs, () if given else draw.one((), (0,)))


@operator("matmul", of(torch.matmul))
def matmul(draw: Draw) -> Case:
    """Vectors, matrices, and stacks that broadcast."""
    m, k, n = draw.sizes(3, 1, 5)
    batch = draw.sizes(draw.whole(0, 2), 1, 3)
    left = [draw.one(size, 1) for size in batch][draw.whole(0, len(batch)) :]
    a = [k] if draw.flag() else [*left, m, k]
    b = [k] if not batch and draw.flag() else [*batch, k, n]
    return Case({}, [draw.array(a), draw.array(b)])


@operator("embedding", lambda op, p, at: F.embedding(at.long(), p["weight"]))
def embedding(draw: Draw) -> Case:
    count, features = draw.whole(1, 9), draw.whole(1, 5)
    at = draw.array(draw.shape(1, 3), draw.one("i64", "i32"), 0, count - 1)
    dtype = draw.one("f32", "f64")
    arguments = {"count": count, "features": features, "dtype": dtype, "init": draw.one("zeros", 1.0)}
    return Case(arguments, [at], draw.one((), (0,)))


def _sparse(op: Any, p: Any, *ins: torch.Tensor) -> torch.Tensor:
    return (torch.stack(ins[:-1], -1) * ins[-1].unsqueeze(-2)).sum(-1)


@operator("sparse", _sparse)
def sparse(draw: Draw) -> Case:
    count, sizes = draw.whole(1, 4), draw.shape(1, 3)
    gates = draw.array([*sizes, count])
    return Case({"k": draw.whole(1, count), "gates": 1}, [*(draw.array([*sizes, 5]) for _ in range(count)), gates])
