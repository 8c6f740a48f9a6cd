"""The encoder of Conformer (arXiv:2005.08100), with the relative positions of Transformer-XL (arXiv:1901.02860).

Sections 2.1 to 2.4, figures 1 to 4, under the names of NVIDIA NeMo's published checkpoints: `pre_encode.conv.0/2`,
`pre_encode.out`, `layers.{i}.norm_feed_forward1`, `feed_forward1.linear1/linear2`, `norm_self_att`,
`self_attn.linear_q/linear_k/linear_v/linear_out/linear_pos`, `self_attn.pos_bias_u/pos_bias_v`, `norm_conv`,
`conv.pointwise_conv1/depthwise_conv/batch_norm/pointwise_conv2`, `norm_feed_forward2`, `feed_forward2`, `norm_out`. Table 1:
S has 16 layers of 144, 4 heads; M 16 of 256, 4 heads; L 17 of 512, 8 heads; kernel 32, 80 frequencies. With kernel 31, as
those who publish weights have it (an even one has no middle), 8,710,848, 27,327,488 and 115,111,424 parameters, and with 32
8,713,152, 27,331,584 and 115,120,128 (table 1, with a decoder: 10.3, 30.7 and 118.8 M).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


class Subsampling(nn.Module):
    """Two convolutions of stride 2 over time and frequency, then a linear layer: [N, T, features] to [N, T / 4, d]."""

    def __init__(self, features: int, d: int, padding: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(1, d, 3, 2, padding), nn.ReLU(), nn.Conv2d(d, d, 3, 2, padding), nn.ReLU()
        )  # fmt: skip
        for _ in range(2):
            features = (features + 2 * padding - 3) // 2 + 1
        self.out = nn.Linear(d * features, d)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.conv(x[:, None]).transpose(1, 2).flatten(2))


def waves(length: int, d: int, like: Tensor) -> Tensor:
    """Of the distances length - 1 down to 1 - length, sine and cosine in turn, [2 * length - 1, d]."""
    far = torch.arange(length - 1, -length, -1, dtype=like.dtype)
    angles = far[:, None] / 10_000 ** (torch.arange(0, d, 2, dtype=like.dtype) / d)
    return torch.stack([angles.sin(), angles.cos()], 2).flatten(1)


class RelativeAttention(nn.Module):
    """Scores of step i for step j: `(q_i + u) k_j + (q_i + v) r(i - j)`, section 3.3 of Transformer-XL."""

    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.linear_q, self.linear_k, self.linear_v = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d)
        self.linear_out, self.linear_pos = nn.Linear(d, d), nn.Linear(d, d, bias=False)
        self.pos_bias_u, self.pos_bias_v = (nn.Parameter(torch.zeros(heads, d // heads)) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        n, length, d = x.shape
        q, k, v = (f(x).view(n, length, self.heads, -1) for f in (self.linear_q, self.linear_k, self.linear_v))
        r = self.linear_pos(waves(length, d, x)).view(2 * length - 1, self.heads, -1)
        content = torch.einsum("nihc,njhc->nhij", q + self.pos_bias_u, k)
        far = torch.einsum("nihc,rhc->nhir", q + self.pos_bias_v, r)
        i = torch.arange(length)
        at = length - 1 - (i[:, None] - i)  # the distance i - j has this row of r
        far = far.gather(3, at.expand(n, self.heads, length, length))
        weights = ((content + far) * (d // self.heads) ** -0.5).softmax(-1)
        return self.linear_out(torch.einsum("nhij,njhc->nihc", weights, v).flatten(2))


class FeedForward(nn.Module):
    def __init__(self, d: int, hidden: int) -> None:
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(d, hidden), nn.Linear(hidden, d)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear2(F.silu(self.linear1(x)))


class ConvModule(nn.Module):
    """Figure 2, behind its norm; an even kernel has one place more to the right."""

    def __init__(self, d: int, kernel: int) -> None:
        super().__init__()
        self.around = ((kernel - 1) // 2, kernel // 2)
        self.pointwise_conv1, self.pointwise_conv2 = nn.Conv1d(d, 2 * d, 1), nn.Conv1d(d, d, 1)
        self.depthwise_conv, self.batch_norm = nn.Conv1d(d, d, kernel, groups=d), nn.BatchNorm1d(d)

    def forward(self, x: Tensor) -> Tensor:
        x = F.glu(self.pointwise_conv1(x.transpose(1, 2)), 1)
        x = self.batch_norm(self.depthwise_conv(F.pad(x, self.around)))
        return self.pointwise_conv2(F.silu(x)).transpose(1, 2)


class Layer(nn.Module):
    """Half a step of a feed-forward network, attention, convolution, half a step again, and a norm (equation 1)."""

    def __init__(self, d: int, heads: int, kernel: int, ratio: int) -> None:
        super().__init__()
        for name in ("feed_forward1", "self_att", "conv", "feed_forward2", "out"):
            setattr(self, f"norm_{name}", nn.LayerNorm(d))
        self.feed_forward1, self.feed_forward2 = FeedForward(d, ratio * d), FeedForward(d, ratio * d)
        self.self_attn, self.conv = RelativeAttention(d, heads), ConvModule(d, kernel)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.feed_forward1(self.norm_feed_forward1(x)) / 2
        x = x + self.self_attn(self.norm_self_att(x))
        x = x + self.conv(self.norm_conv(x))
        x = x + self.feed_forward2(self.norm_feed_forward2(x)) / 2
        return self.norm_out(x)


class Conformer(nn.Module):
    """Frames [N, T, features] to what is heard, [N, T / 4, d]; `padding`: of the two convolutions that subsample."""

    def __init__(
        self, d: int = 144, layers: int = 16, heads: int = 4, kernel: int = 31, features: int = 80, ratio: int = 4,
        padding: int = 1,
    ) -> None:  # fmt: skip
        super().__init__()
        self.pre_encode = Subsampling(features, d, padding)
        self.layers = nn.ModuleList([Layer(d, heads, kernel, ratio) for _ in range(layers)])

    def forward(self, x: Tensor) -> Tensor:
        x = self.pre_encode(x)
        for layer in self.layers:
            x = layer(x)
        return x
