"""Language models of long contexts, written from their papers; names and sizes stand at each class.

Gated convolutions (arXiv:1612.08083, table 1), the Sparse Transformer (arXiv:1904.10509), adaptive spans (arXiv:1905.07799)
and persistent memory (arXiv:1907.01470).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch_translators import joined, split


class GatedConvolutions(nn.Module):
    """GCNN-8 below its softmax: words [N, T] to features [N, T, width]; `embedding`, `layers.{i}`.

    A layer's input is added where its width is the output's; zeros in front. Lookup 280, eight layers of 900, kernel 4.
    """

    def __init__(
        self, words: int = 793_471, lookup: int = 280, width: int = 900, depth: int = 8, kernel: int = 4
    ) -> None:
        super().__init__()
        self.kernel, self.embedding = kernel, nn.Embedding(words, lookup)
        self.layers = nn.ModuleList([nn.Conv1d(width if i else lookup, 2 * width, kernel) for i in range(depth)])

    def forward(self, words: Tensor) -> Tensor:
        x = self.embedding(words).transpose(1, 2)
        for layer in self.layers:
            y = F.glu(layer(F.pad(x, (self.kernel - 1, 0))), 1)
            x = y + x if y.shape == x.shape else y
        return x.transpose(1, 2)


class SparseLayer(nn.Module):
    """`norm1 q k v out norm2 fc1 fc2`; half as many numbers for queries, keys and the hidden layer as usual."""

    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads, self.norm1, self.norm2 = heads, nn.LayerNorm(d), nn.LayerNorm(d)
        self.q, self.k = nn.Linear(d, d // 2), nn.Linear(d, d // 2)
        self.v, self.out = nn.Linear(d, d), nn.Linear(d, d)
        self.fc1, self.fc2 = nn.Linear(d, 2 * d), nn.Linear(2 * d, d)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        y = self.norm1(x)
        q, k, v = (split(z, self.heads) for z in (self.q(y), self.k(y), self.v(y)))
        scores = (q @ k.transpose(2, 3) / math.sqrt(q.shape[3])).masked_fill(~seen, -math.inf)
        a = self.out(joined(scores.softmax(3) @ v))
        hidden = self.fc1(self.norm2(x + a))
        return x + a + self.fc2(hidden * (1.702 * hidden).sigmoid())


class SparseTransformer(nn.Module):
    """Bytes of pictures [N, side * side * 3] to logits [N, side * side * 3, 256], each from the bytes before it.

    `embedding`, `start`, `row`, `column`, `channel`, `layers.{i}`, `norm`, `head`; even layers see the last `stride` positions
    and themselves, odd ones every `stride`-th. CIFAR-10: 128 layers of 256, 2 heads, stride 128, 32 x 32.
    """

    def __init__(
        self, d: int = 256, depth: int = 128, heads: int = 2, stride: int = 128, side: int = 32, values: int = 256
    ) -> None:
        super().__init__()
        self.stride, self.side = stride, side
        self.embedding, self.start = nn.Embedding(values, d), nn.Parameter(torch.zeros(1, 1, d))
        self.row, self.column = nn.Parameter(torch.zeros(side, d)), nn.Parameter(torch.zeros(side, d))
        self.channel = nn.Parameter(torch.zeros(3, d))
        self.layers = nn.ModuleList([SparseLayer(d, heads) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, values, bias=False)

    def forward(self, pixels: Tensor) -> Tensor:
        x = torch.cat([self.start.expand(len(pixels), 1, -1), self.embedding(pixels[:, :-1])], 1)
        x = x + (self.row[:, None, None] + self.column[:, None] + self.channel).flatten(0, 2)
        far = torch.arange(x.shape[1])[:, None] - torch.arange(x.shape[1])
        near, every = (far >= 0) & (far <= self.stride), (far >= 0) & (far % self.stride == 0)
        for i, layer in enumerate(self.layers):
            x = layer(x, every if i % 2 else near)
        return self.head(self.norm(x))


class SpannedAttention(nn.Module):
    """`q k v out` without biases and `span` [heads, 1, 1]: each head looks back as far as its part of the longest span.

    With ``persistent`` vectors, `keys` and `values` [heads, persistent, e] stand beside the context, without positions.
    """

    def __init__(self, d: int, heads: int, longest: int, ramp: int, persistent: int) -> None:
        super().__init__()
        self.heads, self.longest, self.ramp, self.persistent = heads, longest, ramp, persistent
        for name in ("q", "k", "v", "out"):
            setattr(self, name, nn.Linear(d, d, bias=False))
        self.span = nn.Parameter(torch.zeros(heads, 1, 1))
        if persistent:
            self.keys, self.values = (nn.Parameter(torch.zeros(heads, persistent, d // heads)) for _ in range(2))

    def forward(self, x: Tensor, position: Tensor) -> Tensor:
        q, k, v = (split(f(x), self.heads) for f in (self.q, self.k, self.v))
        t, scale = x.shape[1], math.sqrt(q.shape[3])
        far = torch.arange(t)[:, None] - torch.arange(t)
        inside = (far >= 0) & (far < self.longest)
        places = (q @ position).gather(3, far.clamp(0, self.longest - 1).expand(*q.shape[:2], t, t))
        scores = ((q @ k.transpose(2, 3) + places) / scale).masked_fill(~inside, -math.inf)
        share = ((self.ramp + self.span * self.longest - far) / self.ramp).clamp(0, 1).expand_as(scores)
        if self.persistent:
            scores = torch.cat([scores, q @ self.keys.transpose(1, 2) / scale], 3)
            share = torch.cat([share, torch.ones_like(scores[..., t:])], 3)
            v = torch.cat([v, self.values.expand(len(x), -1, -1, -1)], 2)
        weights = share * (scores - scores.amax(3, keepdim=True)).exp()
        return self.out(joined(weights / weights.sum(3, keepdim=True) @ v))


class SpannedLayer(SpannedAttention):
    """And `norm1`, then `fc1 fc2 norm2`, unless the persistent vectors stand for them; norms behind the sums."""

    def __init__(self, d: int, heads: int, hidden: int, longest: int, ramp: int, persistent: int) -> None:
        super().__init__(d, heads, longest, ramp, persistent)
        self.norm1 = nn.LayerNorm(d)
        if not persistent:
            self.fc1, self.fc2, self.norm2 = nn.Linear(d, hidden), nn.Linear(hidden, d), nn.LayerNorm(d)

    def forward(self, x: Tensor, position: Tensor) -> Tensor:
        x = self.norm1(x + super().forward(x, position))
        return x if self.persistent else self.norm2(x + self.fc2(self.fc1(x).relu()))


class SpannedTransformer(nn.Module):
    """Characters [N, T] to logits [N, T, words]: `embedding`, `position` [e, longest], `layers.{i}`, `head`.

    Adaptive span: 12 layers of 512, 8 heads, 2048, up to 8192, ramp 32. Persistent memory: 18 layers, 1024 vectors.
    """

    def __init__(
        self, words: int = 256, d: int = 512, depth: int = 12, heads: int = 8, hidden: int = 2048, longest: int = 8192,
        ramp: int = 32, persistent: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.embedding, self.head = nn.Embedding(words, d), nn.Linear(d, words)
        self.position = nn.Parameter(torch.zeros(d // heads, longest))
        self.layers = nn.ModuleList(
            [SpannedLayer(d, heads, hidden, longest, ramp, persistent) for _ in range(depth)]
        )  # fmt: skip

    def forward(self, words: Tensor) -> Tensor:
        x = self.embedding(words)
        for layer in self.layers:
            x = layer(x, self.position)
        return self.head(x)
