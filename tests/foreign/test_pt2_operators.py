"""Every operator of PyTorch that is read, run beside PyTorch itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from exported import Function, exported
from torch import nn
from torch.nn import functional

import archdsl
from archdsl import foreign

pytestmark = pytest.mark.reference


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(len(shape)))


IMAGE, SEQUENCE, MATRIX = (2, 4, 9, 8), (2, 5, 6), (3, 5)
INDEX = torch.tensor([[0, 2, 1], [3, 3, 4]])
KERNEL = drawn(7, 5, 3)
MASK = torch.tensor([[True, False, True, True, False]])

FUNCTIONS: dict[str, tuple[Callable[..., Any], tuple[int, ...]]] = {
    "relu": (functional.relu, IMAGE), "relu6": (functional.relu6, IMAGE), "silu": (functional.silu, IMAGE), "mish": (functional.mish, IMAGE),
    "gelu": (functional.gelu, IMAGE), "gelu tanh": (lambda x: functional.gelu(x, approximate="tanh"), IMAGE),
    "elu": (functional.elu, IMAGE), "selu": (functional.selu, IMAGE), "leaky": (lambda x: functional.leaky_relu(x, 0.2), IMAGE),
    "hardswish": (functional.hardswish, IMAGE), "hardsigmoid": (functional.hardsigmoid, IMAGE), "hardtanh": (functional.hardtanh, IMAGE),
    "softplus": (functional.softplus, IMAGE), "softsign": (functional.softsign, IMAGE), "glu": (lambda x: functional.glu(x, 1), IMAGE),
    "softmax": (lambda x: x.softmax(1), IMAGE), "log_softmax": (lambda x: x.log_softmax(-1), MATRIX),
    "clamp": (lambda x: x.clamp(-0.5, 1), MATRIX), "clamp_min": (lambda x: x.clamp_min(0.1), MATRIX),
    "arithmetic": (lambda x: (2 - x) * 3 + x / 2 - x.square() ** 2, MATRIX),
    "alpha": (lambda x: torch.add(x, x.exp(), alpha=0.5), MATRIX),
    "mixed types": (lambda x: x + (x > 0) * 2, MATRIX), "floor": (lambda x: torch.div(x, 0.3, rounding_mode="floor"), MATRIX),
    "addcmul": (lambda x: torch.addcmul(x, x, x.cos(), value=0.5), MATRIX),
    "unary": (lambda x: x.abs().sqrt() + x.sin() + x.neg().sign() + x.erf() + (x.abs() + 1).log().reciprocal(), MATRIX),
    "rsqrt": (lambda x: (x.abs() + 1).rsqrt(), MATRIX), "pow": (lambda x: x.abs() ** x, MATRIX),
    "maximum": (lambda x: torch.maximum(x, x.flip(0)) + torch.min(x, -x), MATRIX),
    "comparisons": (lambda x: ((x > 0) & ~(x >= 1) | (x == 0.5)) * 1.0, MATRIX),
    "where": (lambda x: torch.where(x > 0, x, -1.0) + x.masked_fill(x < 0, 3), MATRIX),
    "sum": (lambda x: x.sum((1, 2), keepdim=True) + x.mean(-1, keepdim=True), IMAGE),
    "amax": (lambda x: x.amax(1) - x.amin((1,)) + x.max(1).values, IMAGE), "all": (lambda x: x.sum() * x, MATRIX),
    "indices": (lambda x: x.max(1).indices + x.argmin(1), MATRIX),
    "topk": (lambda x: x.topk(2, -1)[0], MATRIX), "cumsum": (lambda x: x.cumsum(1), MATRIX),
    "variance": (lambda x: x.var(-1) + x.std(-1, correction=0), IMAGE),
    "norm": (lambda x: x / x.norm(dim=-1, keepdim=True) + x.abs().norm(1, dim=1, keepdim=True), SEQUENCE),
    "normalize": (lambda x: functional.normalize(x, dim=1), SEQUENCE), "diff": (lambda x: x.diff(dim=1), SEQUENCE),
    "views": (lambda x: x.flatten(1).view(2, 4, 72).transpose(1, 2).unsqueeze(1).squeeze(1), IMAGE),
    "permute": (lambda x: x.permute(0, 2, 3, 1).contiguous().mT, IMAGE),
    "unflatten": (lambda x: x.unflatten(1, (2, 2)).flatten(2, 3), IMAGE),
    "expand": (lambda x: x[:, :1].expand(-1, 4, 9, -1) + x, IMAGE), "repeat": (lambda x: x.repeat(2, 1, 2), MATRIX),
    "select": (lambda x: x[:, 1] + x[:, -1], IMAGE), "slices": (lambda x: x[:, 1:-1, ::2], SEQUENCE),
    "narrow": (lambda x: x.narrow(1, 1, 3), SEQUENCE), "cat": (lambda x: torch.cat([x, x[:, :2]], 1), SEQUENCE),
    "stack": (lambda x: torch.stack([x, -x], -1), SEQUENCE), "chunk": (lambda x: x.chunk(3, 2)[1], SEQUENCE),
    "split": (lambda x: torch.cat(x.split([1, 4], 1)[::-1], 1), SEQUENCE),
    "uneven split": (lambda x: x.split(2, 1)[2], SEQUENCE), "unbind": (lambda x: x.unbind(1)[2], SEQUENCE),
    "roll": (lambda x: x.roll((2, -1), (1, 2)), SEQUENCE), "flip": (lambda x: x.flip([1, 2]), SEQUENCE),
    "take": (lambda x: x[:, INDEX], SEQUENCE), "two indices": (lambda x: x[INDEX % 2, INDEX], SEQUENCE),
    "indices behind": (lambda x: x[:, INDEX, INDEX], SEQUENCE),
    "index_select": (lambda x: x.index_select(1, INDEX[1]), SEQUENCE),
    "gather": (lambda x: x.gather(1, INDEX % 3), (5, 3)), "one_hot": (lambda x: functional.one_hot(INDEX, 5) + x, (2, 3, 5)),
    "arange": (lambda x: x + torch.arange(1, 6), MATRIX), "fills": (lambda x: x + torch.full_like(x, 2) + x.new_ones(5), MATRIX),
    "written": (lambda x: x.clone().add_(1).mul_(x), MATRIX),
    "mask": (lambda x: x + torch.ones(5, 5).tril().masked_fill(torch.eye(5) == 1, 2.0)[1:4], MATRIX),
    "conv1d": (lambda x: functional.conv1d(x, KERNEL, padding="same"), SEQUENCE),
    "computed weight": (lambda x: functional.conv2d(x, x[:, :, :3, :3].relu(), padding=1), (3, 3, 9, 9)),
    "max_pool": (lambda x: functional.max_pool2d(x, 3, 2, 1), IMAGE), "ceil": (lambda x: functional.max_pool2d(x, 2, ceil_mode=True), IMAGE),
    "avg_pool": (lambda x: functional.avg_pool2d(x, 3, 2, 1, count_include_pad=False), IMAGE),
    "avg_pool1d": (lambda x: functional.avg_pool1d(x, 2), SEQUENCE), "max_pool1d": (lambda x: functional.max_pool1d(x, 2), SEQUENCE),
    "adaptive": (lambda x: functional.adaptive_avg_pool2d(x, (3, 2)) + functional.adaptive_max_pool2d(x, 1), IMAGE),
    "nearest": (lambda x: functional.interpolate(x, scale_factor=2), IMAGE),
    "bilinear": (lambda x: functional.interpolate(x, (12, 5), mode="bilinear", align_corners=True), IMAGE),
    "pixel_shuffle": (lambda x: functional.pixel_unshuffle(functional.pixel_shuffle(x, 2), 2), IMAGE),
    "pad": (lambda x: functional.pad(x, (1, 2, 0, 3), value=0.5), IMAGE), "reflect": (lambda x: functional.pad(x, (2, 1), mode="reflect"), SEQUENCE),
    "edge": (lambda x: functional.pad(x, (2, 1, 1, 1), mode="replicate"), IMAGE),
    "channel_shuffle": (lambda x: functional.channel_shuffle(x, 2), IMAGE), "unfold": (lambda x: functional.unfold(x, 3, padding=1), IMAGE),
    "grid_sample": (lambda x: functional.grid_sample(x, x[:, :2].permute(0, 2, 3, 1), align_corners=True), IMAGE),
    "matmul": (lambda x: x @ x.mT, SEQUENCE), "bmm": (lambda x: torch.bmm(x, x.mT), SEQUENCE),
    "einsum": (lambda x: torch.einsum("bij,bkj->bik", x, x), SEQUENCE),
    "einsum of three": (lambda x: torch.einsum("b...i,bji,ki->b...jk", x, x + 1, x[0]), SEQUENCE),
    "einsum of one": (lambda x: torch.einsum("bij->jb", x), SEQUENCE),
    "einsum without a sum": (lambda x: torch.einsum("bi,bj->bij", x, x), MATRIX),
    "einsum without an arrow": (lambda x: torch.einsum("bi,jb", x, x.T), MATRIX),
    "einsum of four": (lambda x: torch.einsum("bchw,bdhw->bdc", x, x + 1), IMAGE),
    "attention": (lambda x: functional.scaled_dot_product_attention(x, x, x * 2, is_causal=True), IMAGE),
    "masked attention": (lambda x: functional.scaled_dot_product_attention(x, x, x, attn_mask=MASK.expand(5, 5), scale=0.3), SEQUENCE),
    "layer_norm": (lambda x: functional.layer_norm(x, (9, 8)), IMAGE), "rms_norm": (lambda x: functional.rms_norm(x, (8,)), IMAGE),
    "group_norm": (lambda x: functional.group_norm(x, 2), IMAGE), "instance_norm": (functional.instance_norm, IMAGE),
}  # fmt: skip

MODULES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "conv": (lambda: nn.Conv2d(4, 6, 3, 2, 1, groups=2), IMAGE), "conv3d": (lambda: nn.Conv3d(2, 3, 2), (1, 2, 3, 4, 4)),
    "transposed": (lambda: nn.ConvTranspose2d(4, 6, 3, 2, 1, output_padding=1, groups=2), IMAGE),
    "batch_norm": (lambda: nn.BatchNorm2d(4), IMAGE), "batch_norm1d": (lambda: nn.BatchNorm1d(5), MATRIX),
    "plain batch_norm": (lambda: nn.BatchNorm2d(4, affine=False), IMAGE),
    "group_norm": (lambda: nn.GroupNorm(2, 4), IMAGE), "layer_norm": (lambda: nn.LayerNorm(6), SEQUENCE),
    "rms_norm": (lambda: nn.RMSNorm(6), SEQUENCE), "linear": (lambda: nn.Linear(6, 3), SEQUENCE),
    "vector": (lambda: nn.Linear(6, 3), (6,)), "prelu": (lambda: nn.PReLU(4), IMAGE),
    "weight_norm": (lambda: nn.utils.parametrizations.weight_norm(nn.Conv1d(5, 4, 3)), SEQUENCE),
    "lstm": (lambda: nn.LSTM(6, 4, 2, batch_first=True, bidirectional=True), SEQUENCE),
    "gru": (lambda: nn.GRU(6, 4), SEQUENCE), "rnn": (lambda: nn.RNN(6, 4, nonlinearity="relu", bias=False), SEQUENCE),
    "transformer": (lambda: nn.TransformerEncoderLayer(6, 2, 8, batch_first=True), SEQUENCE),
}  # fmt: skip


def compared(module: nn.Module, inputs: tuple[torch.Tensor, ...], path: Path) -> archdsl.Graph:
    """The graph, whose outputs are those of PyTorch."""
    graph = foreign.read(exported(module, inputs, path))
    with torch.no_grad():
        wanted = module(*inputs)
    found = archdsl.run(graph, {value.name: one.numpy() for value, one in zip(graph.inputs, inputs)})
    for ours, theirs in zip(found.values(), flat(wanted), strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=2e-4, atol=2e-5)
    return graph


def flat(found: Any) -> list[torch.Tensor]:
    return [found] if isinstance(found, torch.Tensor) else [each for one in found for each in flat(one)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str, tmp_path: Path) -> None:
    function, shape = FUNCTIONS[name]
    graph = compared(Function(function), (drawn(*shape),), tmp_path / "it.pt2")
    assert not any(node.op.foreign for node in graph.nodes)


@pytest.mark.parametrize("name", MODULES)
def test_modules(name: str, tmp_path: Path) -> None:
    make, shape = MODULES[name]
    torch.manual_seed(0)
    module = make().eval()
    for buffer in module.buffers():
        if buffer.is_floating_point():
            buffer.data.uniform_(0.5, 1.5)
    graph = compared(module, (drawn(*shape),), tmp_path / "it.pt2")
    assert not any(node.op.foreign for node in graph.nodes)
    trained = sum(one.type.elements for one in graph.parameters().values() if not one.buffer)
    assert trained == sum(one.numel() for one in module.parameters())
