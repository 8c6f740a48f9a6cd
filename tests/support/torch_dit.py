"""DiT (arXiv:2212.09748), the diffusion Transformer with adaLN-Zero, written from its paper.

Sections 3.2 and 4, figure 3, under the names of the published checkpoints: `x_embedder.proj`, `t_embedder.mlp.0/2`,
`y_embedder.embedding_table` (one row more than classes: no class), `pos_embed` (fixed), `blocks.{i}.attn.qkv/proj`,
`blocks.{i}.mlp.fc1/fc2`, `blocks.{i}.adaLN_modulation.1`, `final_layer.linear/adaLN_modulation.1`. DiT-S/2 for latents
4 x 32 x 32 and 1000 classes: 12 layers of 384, 6 heads, 32,865,056 parameters that are learnt and 98,304 that are not (table 4:
33 M together); DiT-XL/2: 28 layers of 1152, 16 heads, 674,834,720 and 294,912 (675 M).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


def waves(at: Tensor, width: int) -> Tensor:
    """Sines, then cosines, of positions [L] at width / 2 frequencies from 1 down to almost 1 / 10000: [L, width]."""
    angles = at[:, None] * 10_000.0 ** (-torch.arange(width // 2, dtype=at.dtype) / (width // 2))
    return torch.cat([angles.sin(), angles.cos()], 1)


def places(side: int, width: int) -> Tensor:
    """Of the patches of a square, row by row, [1, side * side, width]: first half the column, second half the row."""
    steps = torch.arange(side, dtype=torch.float64)
    columns, rows = waves(steps.repeat(side), width // 2), waves(steps.repeat_interleave(side), width // 2)
    return torch.cat([columns, rows], 1)[None].float()


def modulated(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """A norm without parameters, then the scale and the shift of each picture."""
    return F.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + scale[:, None]) + shift[:, None]


class Attention(nn.Module):
    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(d, 3 * d), nn.Linear(d, d)

    def forward(self, x: Tensor) -> Tensor:
        n, length, d = x.shape
        q, k, v = self.qkv(x).view(n, length, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(2, 3) * (d // self.heads) ** -0.5).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(n, length, d))


class Mlp(nn.Module):
    def __init__(self, d: int, hidden: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(d, hidden), nn.Linear(hidden, d)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


def modulation(d: int, parts: int) -> nn.Sequential:
    return nn.Sequential(nn.SiLU(), nn.Linear(d, parts * d))


class Block(nn.Module):
    """Both residual branches are shifted, scaled and gated by the condition."""

    def __init__(self, d: int, heads: int, ratio: int) -> None:
        super().__init__()
        self.attn, self.mlp, self.adaLN_modulation = Attention(d, heads), Mlp(d, ratio * d), modulation(d, 6)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        shift, scale, gate, shift_2, scale_2, gate_2 = self.adaLN_modulation(c).chunk(6, 1)
        x = x + gate[:, None] * self.attn(modulated(x, shift, scale))
        return x + gate_2[:, None] * self.mlp(modulated(x, shift_2, scale_2))


class FinalLayer(nn.Module):
    def __init__(self, d: int, outputs: int) -> None:
        super().__init__()
        self.linear, self.adaLN_modulation = nn.Linear(d, outputs), modulation(d, 2)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        return self.linear(modulated(x, *self.adaLN_modulation(c).chunk(2, 1)))


class DiT(nn.Module):
    """Noisy latents [N, channels, side, side], steps [N] and classes [N] (`classes` itself: none) to the noise and its
    variance, [N, 2 * channels, side, side].
    """

    def __init__(
        self, d: int = 384, layers: int = 12, heads: int = 6, patch: int = 2, side: int = 32, channels: int = 4,
        classes: int = 1000, ratio: int = 4, frequencies: int = 256,
    ) -> None:  # fmt: skip
        super().__init__()
        self.patch, self.frequencies, self.outputs = patch, frequencies, 2 * channels
        self.x_embedder = nn.ModuleDict({"proj": nn.Conv2d(channels, d, patch, patch)})
        mlp = nn.Sequential(nn.Linear(frequencies, d), nn.SiLU(), nn.Linear(d, d))
        self.t_embedder = nn.ModuleDict({"mlp": mlp})
        self.y_embedder = nn.ModuleDict({"embedding_table": nn.Embedding(classes + 1, d)})
        self.register_buffer("pos_embed", places(side // patch, d))
        self.blocks = nn.ModuleList([Block(d, heads, ratio) for _ in range(layers)])
        self.final_layer = FinalLayer(d, patch * patch * self.outputs)

    def step(self, t: Tensor, kind: torch.dtype) -> Tensor:
        half = self.frequencies // 2
        angles = t[:, None].to(kind) * torch.exp(-math.log(10_000) * torch.arange(half, dtype=kind) / half)
        return self.t_embedder["mlp"](torch.cat([angles.cos(), angles.sin()], 1))

    def forward(self, x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        n, _, high, wide = x.shape
        c = self.step(t, x.dtype) + self.y_embedder["embedding_table"](y)
        tokens = self.x_embedder["proj"](x).flatten(2).transpose(1, 2) + self.pos_embed
        for block in self.blocks:
            tokens = block(tokens, c)
        patch = self.patch
        cut = self.final_layer(tokens, c).view(n, high // patch, wide // patch, patch, patch, self.outputs)
        return cut.permute(0, 5, 1, 3, 2, 4).reshape(n, self.outputs, high, wide)
