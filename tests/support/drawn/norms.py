"""Normalisations, matrix products, activations with arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from drawn import Case, Draw, operator
from drawn.windows import free_axes

EPSILONS = (1e-5, 1e-3, 0.1)


def affine(draw: Draw) -> dict[str, Any]:
    return {"scale": draw.flag(), "shift": draw.flag(), "eps": draw.one(*EPSILONS)}


def channels(draw: Draw, spatial: tuple[int, int] = (0, 3), multiple: int = 1) -> Any:
    """[N, C, …] with so many spatial axes."""
    return draw.array([draw.whole(1, 3), multiple * draw.whole(1, 3), *draw.sizes(draw.whole(*spatial), 1, 5)])


@operator("batch_norm")
def batch_norm(draw: Draw) -> Case:
    arguments = affine(draw)
    eps = arguments["eps"]
    arguments["momentum"] = draw.one(0.1, 0.01, 1.0)  # of no consequence at inference
    x = channels(draw)

    def reference(
        x: Tensor, running_mean: Tensor, running_var: Tensor, weight: Tensor | None = None, bias: Tensor | None = None
    ) -> Tensor:
        return F.batch_norm(x, running_mean, running_var, weight, bias, training=False, eps=eps)

    return Case(arguments, [x], reference, free_axes(draw, x.ndim))


@operator("group_norm")
def group_norm(draw: Draw) -> Case:
    arguments, groups = affine(draw), draw.whole(1, 4)
    eps = arguments["eps"]
    x = channels(draw, (1, 3), groups)
    if x[0, : x.shape[1] // groups].size == 1:  # of which PyTorch makes no statistics
        x = np.concatenate([x, x + 1], axis=2)

    def reference(x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        return F.group_norm(x, groups, weight, bias, eps)

    return Case({**arguments, "groups": groups}, [x], reference, free_axes(draw, x.ndim))


@operator("instance_norm")
def instance_norm(draw: Draw) -> Case:
    arguments = affine(draw)
    eps = arguments["eps"]
    x = draw.array([*draw.sizes(2, 1, 3), draw.whole(2, 5), *draw.sizes(draw.whole(0, 2), 1, 4)])

    def reference(x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        return F.instance_norm(x, weight=weight, bias=bias, eps=eps)

    return Case(arguments, [x], reference, free_axes(draw, x.ndim))


def over_axes(draw: Draw, function: Any, arguments: dict[str, Any]) -> Case:
    """A norm over any axes: those are put last, as PyTorch's functions want them, and back."""
    x = draw.array(draw.shape(1, 4))
    arguments["axes"], axes = draw.axes(x.ndim)
    eps, last = arguments["eps"], list(range(-len(axes), 0))

    def reference(x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        moved = x.movedim(axes, last)
        return function(moved, moved.shape[-len(axes) :], weight, bias, eps).movedim(last, axes)

    return Case(arguments, [x], reference, draw.one((), (0,)))


@operator("layer_norm")
def layer_norm(draw: Draw) -> Case:
    return over_axes(draw, F.layer_norm, affine(draw))


@operator("rms_norm")
def rms_norm(draw: Draw) -> Case:
    def function(x: Tensor, shape: list[int], weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
        found = F.rms_norm(x, shape, weight, eps)
        return found if bias is None else found + bias

    return over_axes(draw, function, affine(draw))


@operator("lrn")
def lrn(draw: Draw) -> Case:
    """PyTorch's even windows reach further to the front, ONNX's further to the back."""
    x = draw.array([draw.whole(1, 3), draw.whole(1, 7), *draw.sizes(draw.whole(1, 3), 1, 4)])
    size, alpha = draw.whole(1, 6), draw.one(1e-4, 0.5, 2.0)
    beta, k = draw.one(0.75, 0.5, 1.0), draw.one(1.0, 2.0, 0.5)

    def reference(x: Tensor) -> Tensor:
        return F.local_response_norm(x.flip(1), size, alpha, beta, k).flip(1)

    return Case({"size": size, "alpha": alpha, "beta": beta, "k": k}, [x], reference, free_axes(draw, x.ndim))


@operator("l2_norm")
def l2_norm(draw: Draw) -> Case:
    x = draw.array(draw.shape(1, 4))
    axis, index = draw.axis(x.ndim)
    eps = draw.one(1e-12, 1e-3, 5.0)
    return Case({"axis": axis, "eps": eps}, [x], lambda x: F.normalize(x, dim=index, eps=eps), free_axes(draw, x.ndim))


@operator("linear")
def linear(draw: Draw) -> Case:
    x, bias = draw.array(draw.shape(2, 4)), draw.flag()
    arguments = {"features": draw.whole(1, 6), "bias": bias}
    return Case(arguments, [x], lambda x, weight, bias=None: F.linear(x, weight, bias), draw.one((), (0,)))


@operator("matmul")
def matmul(draw: Draw) -> Case:
    """Vectors, matrices, and stacks that broadcast."""
    m, k, n = draw.sizes(3, 1, 5)
    batch = draw.sizes(draw.whole(0, 2), 1, 3)
    left = [draw.one(size, 1) for size in batch][draw.whole(0, len(batch)) :]
    a = [k] if draw.flag() else [*left, m, k]
    b = [k] if not batch and draw.flag() else [*batch, k, n]
    return Case({}, [draw.array(a), draw.array(b)], torch.matmul)


@operator("embedding")
def embedding(draw: Draw) -> Case:
    count, features = draw.whole(1, 9), draw.whole(1, 5)
    at = draw.array(draw.shape(1, 3), draw.one("i64", "i32"), 0, count - 1)
    dtype = draw.one("f32", "f64")
    arguments = {"count": count, "features": features, "dtype": dtype}
    return Case(arguments, [at], lambda at, weight: F.embedding(at.long(), weight), draw.one((), (0,)))
