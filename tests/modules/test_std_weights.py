"""Kernels that std.weights computes, and what std.regions reads, against PyTorch in ONNX Runtime's stead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archdsl

Given = dict[str, Any]


def scaled(torch: Any, x: Any, p: Given) -> Any:
    """timm's `ScaledStdConv2d.forward`."""
    w, gain = p["y.weight"], p["y.gain"] * (1.5 * p["y.weight"][0].numel() ** -0.5)
    flat = w.reshape(1, len(w), -1)
    w = torch.nn.functional.batch_norm(flat, None, None, weight=gain.view(-1), training=True, momentum=0.0, eps=1e-5)
    return torch.nn.functional.conv2d(x, w.reshape_as(p["y.weight"]), p["y.conv.bias"], 2, 1, groups=2)


def standardized(torch: Any, x: Any, p: Given) -> Any:
    """The paper's, with the variance of all elements."""
    w = p["y.weight"]
    w = (w - w.mean((1, 2, 3), True)) / (w.var((1, 2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()
    return torch.nn.functional.conv2d(x, w, None, 1, 1)


def normalized(torch: Any, x: Any, p: Given) -> Any:
    """PyTorch's own `weight_norm`."""
    w = torch._weight_norm(p["y.weight_v"], p["y.weight_g"], 0)
    return torch.nn.functional.conv2d(x, w, p["y.conv.bias"], 1, 1)


def modulated(torch: Any, x: Any, p: Given) -> Any:
    """One sample after the other."""
    found = []
    for one in x:
        w = p["y.weight"] * 36**-0.5 * one.mean((1, 2))[None, :, None, None]
        w = w / (w.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        found.append(torch.nn.functional.conv2d(one[None], w, None, 1, 1))
    return torch.cat(found)


def mixed(torch: Any, x: Any, p: Given) -> Any:
    """The mixture of the experts' results, which is the result of their mixture."""
    found = []
    for one in x:
        mix = one.mean((1, 2)).softmax(0)
        parts = [torch.nn.functional.conv2d(one[None], w.reshape(6, 4, 3, 3), None, 1, 1) for w in p["y.weight"]]
        found.append(sum(m * part for m, part in zip(mix, parts)))
    return torch.cat(found)


def correlated(torch: Any, x: Any, p: Given) -> Any:
    return torch.cat([torch.nn.functional.conv2d(one[None], one[None, :, 2:5, 3:5]) for one in x])


def transformed(torch: Any, x: Any, p: Given) -> Any:
    """PyTorch's own grid."""
    theta = x.mean((2, 3))[:, :1, None] * torch.ones(1, 2, 3) + torch.tensor([[1.0, 0.2, 0.1], [-0.3, 0.8, 0.0]])
    grid = torch.nn.functional.affine_grid(theta, x.shape, align_corners=False)
    return torch.nn.functional.grid_sample(x, grid, align_corners=False)


STYLE = "style: x -> global_avg_pool -> flatten"
BODIES: dict[str, tuple[str, Callable[..., Any]]] = {
    "scaled_conv": ("y: x -> scaled_conv(6, 3, stride = 2, groups = 2, gamma = 1.5)", scaled),
    "standardized_conv": ("y: x -> standardized_conv(6, 3)", standardized),
    "normalized_conv": ("y: x -> normalized_conv(6, 3)", normalized),
    "modulated_conv": (f"{STYLE}; y: modulated_conv(x, 6, 3, style)", modulated),
    "mixed_conv": (f"{STYLE}; mix: softmax(style); y: mixed_conv(x, 6, 3, mix)", mixed),
    "cross_correlation": ("y: cross_correlation(x, x -> slice(2, 2, 5) -> slice(3, 3, 5))", correlated),
    "affine_sample": (
        "theta: reduce_mean(x, axis = [2, 3]) -> slice(1, 0, 1) -> unsqueeze(2)\n"
        "  y: affine_sample(x, theta * ones([1, 2, 3]) + constant([[1, 0.2, 0.1], [-0.3, 0.8, 0]]))",
        transformed,
    ),
}


@pytest.mark.reference
@pytest.mark.parametrize("block", BODIES)
@pytest.mark.parametrize("samples", ["N", "3"])
def test_what_a_block_computes(block: str, samples: str, tmp_path: Path) -> None:
    import onnx
    import torch
    from onnx import numpy_helper
    from torch_module import distance

    body, wanted = BODIES[block]
    module = "regions" if block == "affine_sample" else "weights"
    text = f"arch 1\nuse std.{module} ({block})\nnetwork Net() {{\n  input x: f32[{samples}, 4, 7, 8]\n  {body}\n"
    archdsl.compile(archdsl.load(f"{text}  output y\n}}\n").graph(), tmp_path / "m.onnx")
    model = onnx.load(tmp_path / "m.onnx")
    draw, given = np.random.default_rng(5), {}
    for tensor in model.graph.initializer:  # no zeros, no ones
        value = numpy_helper.to_array(tensor)
        if tensor.name.startswith("y.") and value.dtype == np.float32 and "/" not in tensor.name:
            value = draw.uniform(0.3, 1.5, value.shape).astype(np.float32)
            given[tensor.name] = torch.from_numpy(value)
            tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))
    onnx.save(model, tmp_path / "m.onnx")
    x = draw.normal(size=(3, 4, 7, 8)).astype(np.float32)
    (found,) = archdsl.run(tmp_path / "m.onnx", x).values()
    assert distance(found, wanted(torch, torch.from_numpy(x), given).numpy()) <= 2e-5
