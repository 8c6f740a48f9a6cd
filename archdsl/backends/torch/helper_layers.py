"""Helpers that PyTorch does not have. They do not run here: those that a module uses are copied into its file.

So a definition stands for itself: it needs nothing but PyTorch and the definitions above it that it names. Lines have
88 columns, as in the files they are copied to.
"""
# fmt: off

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def same_pad(
    x: Tensor,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    upper: bool,
    value: float = 0.0,
) -> Tensor:
    """Pad for ceil(size / stride) outputs; the odd position at the end if upper."""
    pads: list[int] = []
    for size, k, s, d in zip(x.shape[2:], kernel, stride, dilation):
        total = max((-(-size // s) - 1) * s + d * (k - 1) + 1 - size, 0)
        small, large = total // 2, total - total // 2
        pads = [*((small, large) if upper else (large, small)), *pads]
    return F.pad(x, pads, value=value)


def avg_pool(
    x: Tensor,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    pads: tuple[int, ...],
    beyond: tuple[int, ...],
    count_pad: bool,
) -> Tensor:
    """The mean over windows; positions beyond the padding never count."""
    pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(kernel) - 1]
    counted = F.pad(torch.ones_like(x), pads, value=float(count_pad))
    total = pool(F.pad(F.pad(x, pads), beyond), kernel, stride)
    return total / pool(F.pad(counted, beyond), kernel, stride)


def max_pool_indices(
    x: Tensor,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    pads: tuple[int, ...],
    dilation: tuple[int, ...],
) -> tuple[Tensor, Tensor]:
    """The maxima, and where they were in the whole input, flattened."""
    pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[len(kernel) - 1]
    wide = F.pad(x, pads, value=float("-inf"))
    y, at = pool(wide, kernel, stride, 0, dilation, return_indices=True)
    maps = torch.arange(x.shape[0] * x.shape[1], device=x.device)
    place, unit = maps.reshape(*x.shape[:2], *[1] * len(kernel)) * x[0, 0].numel(), 1
    for axis, begin in zip(range(x.dim() - 1, 1, -1), pads[::2]):
        place = place + (at % wide.shape[axis] - begin) * unit
        at = at // wide.shape[axis]
        unit *= x.shape[axis]
    return y, place


def max_unpool(x: Tensor, at: Tensor, size: tuple[int, ...]) -> Tensor:
    """The elements at their places in zeros of this size."""
    count = 1
    for n in size:
        count *= n
    return x.new_zeros(count).scatter(0, at.flatten(), x.flatten()).reshape(size)


def lrn(x: Tensor, size: int, alpha: float, beta: float, k: float) -> Tensor:
    """Local response normalisation over c - (size - 1) // 2 to c + size // 2."""
    square = (x * x).unsqueeze(1).flatten(3)
    square = F.pad(square, (0, 0, (size - 1) // 2, size // 2))
    total = F.avg_pool2d(square, (size, 1), 1).reshape(x.shape) * size
    return x / (k + alpha / size * total) ** beta


def pad_inside(x: Tensor, axis: int, begin: int, end: int, mode: str) -> Tensor:
    """Pad one axis with its border (edge), or with the mirrored inside (reflect)."""
    last = x.shape[axis] - 1
    place = torch.arange(-begin, last + 1 + end, device=x.device)
    if mode == "reflect":
        place = last - (last - place.abs()).abs()
    return x.index_select(axis, place.clamp(0, last))


def centre_crop(x: Tensor, size: tuple[int, ...]) -> Tensor:
    """The middle of the spatial axes, rounded towards the start."""
    for axis, n in enumerate(size, 2):
        x = x.narrow(axis, (x.shape[axis] - n) // 2, n)
    return x


def depth_to_space(x: Tensor, block: int) -> Tensor:
    """Blocks of channels become blocks of pixels, the place in the block first."""
    n, c, h, w = x.shape
    x = x.reshape(n, block, block, c // (block * block), h, w)
    return x.permute(0, 3, 4, 1, 5, 2).reshape(n, -1, h * block, w * block)


def space_to_depth(x: Tensor, block: int) -> Tensor:
    """Blocks of pixels become blocks of channels, the place in the block first."""
    n, c, h, w = x.shape
    x = x.reshape(n, c, h // block, block, w // block, block)
    return x.permute(0, 3, 5, 1, 2, 4).reshape(n, -1, h // block, w // block)


def one_hot(x: Tensor, depth: int, axis: int) -> Tensor:
    """True at the position that is named; negative ones count from the end."""
    x = torch.where(x < 0, x + depth, x).unsqueeze(axis)
    shape = [1] * x.dim()
    shape[axis] = depth
    return x == torch.arange(depth, device=x.device).reshape(shape)


def starting(layer: nn.Module, start: Tensor) -> nn.Module:
    """The layer with a weight that begins so; numbers are repeated along leading axes."""
    with torch.no_grad():
        layer.get_parameter("weight").copy_(start)
    return layer


class TurnedLinear(nn.Module):
    """``nn.Linear`` with a weight that is stored [in, out]."""

    def __init__(self, inputs: int, features: int, bias: bool = True, dtype: torch.dtype | None = None) -> None:
        super().__init__()
        bound = max(inputs, 1) ** -0.5
        self.weight = nn.Parameter(torch.empty(inputs, features, dtype=dtype).uniform_(-bound, bound))
        shift = nn.Parameter(torch.empty(features, dtype=dtype).uniform_(-bound, bound)) if bias else None
        self.register_parameter("bias", shift)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.t(), self.bias)


class DropPath(nn.Module):
    """Stochastic depth (arXiv:1603.09382): in training, all of a sample is dropped."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        if self.p == 1:
            return x * 0
        keep = torch.rand(x.shape[0], *[1] * (x.dim() - 1), device=x.device) >= self.p
        return x * keep.to(x.dtype) / (1 - self.p)


class Noise(nn.Module):
    """Random numbers from a seed, which go on from call to call."""

    def __init__(self, seed: int, normal: bool) -> None:
        super().__init__()
        self.normal = normal
        self.generator = torch.Generator().manual_seed(seed)

    def forward(self, size: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        draw = torch.randn if self.normal else torch.rand
        return draw(size, generator=self.generator, dtype=dtype)


class Affine(nn.Module):
    """The optional learned scale and shift of a normalisation."""

    def __init__(
        self,
        shape: tuple[int, ...],
        scale: bool,
        shift: bool,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        weight = nn.Parameter(torch.ones(shape, dtype=dtype)) if scale else None
        bias = nn.Parameter(torch.zeros(shape, dtype=dtype)) if shift else None
        self.register_parameter("weight", weight)
        self.register_parameter("bias", bias)


class BatchNorm(Affine):
    """Batch normalisation with a scale or a shift alone."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(
        self,
        channels: int,
        scale: bool,
        shift: bool,
        eps: float = 1e-5,
        momentum: float = 0.1,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__((channels,), scale, shift, dtype)
        self.eps = eps
        self.momentum = momentum
        self.register_buffer("running_mean", torch.zeros(channels, dtype=dtype))
        self.register_buffer("running_var", torch.ones(channels, dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        mean, var = self.running_mean, self.running_var
        training = self.training
        return F.batch_norm(
            x, mean, var, self.weight, self.bias, training, self.momentum, self.eps
        )


class GroupNorm(Affine):
    """Group normalisation with a scale or a shift alone."""

    def __init__(
        self,
        groups: int,
        channels: int,
        scale: bool,
        shift: bool,
        eps: float = 1e-5,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__((channels,), scale, shift, dtype)
        self.groups = groups
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return F.group_norm(x, self.groups, self.weight, self.bias, self.eps)


class RmsNorm(Affine):
    """Division by the root mean square over some axes, then scale and shift."""

    def __init__(
        self,
        axes: tuple[int, ...],
        shape: tuple[int, ...],
        rank: int,
        eps: float,
        scale: bool,
        shift: bool,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(shape, scale, shift, dtype)
        self.axes = axes
        self.eps = eps
        sizes = dict(zip(axes, shape))
        self.along = tuple(sizes.get(axis, 1) for axis in range(rank))

    def forward(self, x: Tensor) -> Tensor:
        dtype = x.dtype
        x = x if dtype == torch.float64 else x.float()
        x = self.centred(x)
        square = (x * x).mean(self.axes, keepdim=True)
        x = (x / torch.sqrt(square + self.eps)).to(dtype)
        if self.weight is not None:
            x = x * self.weight.reshape(self.along)
        return x if self.bias is None else x + self.bias.reshape(self.along)

    def centred(self, x: Tensor) -> Tensor:
        return x


class LayerNorm(RmsNorm):
    """Normalisation over some axes, then scale and shift."""

    def centred(self, x: Tensor) -> Tensor:
        return x - x.mean(self.axes, keepdim=True)
