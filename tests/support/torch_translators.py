"""Translators after the Transformer, written from their papers: source [N, S] and target [N, T] to logits [N, T, words].

Random Synthesizer (arXiv:2005.00743), Universal Transformer (arXiv:1807.03819, without halting) and area attention
(arXiv:1810.10126) have the names of ``torch_transformer``; the Evolved Transformer (arXiv:1901.11117, figure 3) and networks of
light and dynamic convolutions (arXiv:1901.10430) their own, which stand at each class.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch_transformer import Attention as Plain, FeedForward, Sublayer


def waves(at: Tensor, d: int) -> Tensor:
    """Of positions [L]: sine and cosine in turn, [L, d]."""
    angles = at[:, None] / 10_000 ** (torch.arange(0, d, 2, dtype=at.dtype) / d)
    return torch.stack([angles.sin(), angles.cos()], 2).flatten(1)


def placed(embed: nn.Embedding, tokens: Tensor) -> Tensor:
    x = embed(tokens) * math.sqrt(embed.embedding_dim)
    return x + waves(torch.arange(x.shape[1], dtype=x.dtype), x.shape[2])


def split(x: Tensor, heads: int) -> Tensor:
    return x.unflatten(2, (heads, -1)).transpose(1, 2)


def joined(x: Tensor) -> Tensor:
    return x.transpose(1, 2).flatten(2)


def later(rows: int, columns: int) -> Tensor:
    return torch.ones(rows, columns, dtype=torch.bool).triu(1)


class Attention(nn.Module):
    """`q_proj`, `k_proj`, `v_proj`, `out_proj`."""

    def __init__(self, d: int, heads: int, bias: bool = False) -> None:
        super().__init__()
        self.heads = heads
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            setattr(self, name, nn.Linear(d, d, bias))

    def forward(self, x: Tensor, memory: Tensor, causal: bool = False) -> Tensor:
        q, k, v = (split(y, self.heads) for y in (self.q_proj(x), self.k_proj(memory), self.v_proj(memory)))
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[3])
        scores = scores.masked_fill(later(*scores.shape[2:]), -math.inf) if causal else scores
        return self.out_proj(joined(scores.softmax(3) @ v))


class AreaAttention(Attention):
    """Keys are means and values sums of up to ``most`` neighbours; an area is seen when its last position is."""

    def __init__(self, d: int, heads: int, most: int = 3) -> None:
        super().__init__(d, heads)
        self.most = most

    def forward(self, x: Tensor, memory: Tensor, causal: bool = False) -> Tensor:
        q, k, v = (split(y, self.heads) for y in (self.q_proj(x), self.k_proj(memory), self.v_proj(memory)))
        sizes = range(1, min(self.most, k.shape[2]) + 1)
        keys = torch.cat([k.unfold(2, size, 1).mean(4) for size in sizes], 2)
        values = torch.cat([v.unfold(2, size, 1).sum(4) for size in sizes], 2)
        scores = q @ keys.transpose(2, 3) / math.sqrt(q.shape[3])
        if causal:
            last = torch.cat([torch.arange(size - 1, k.shape[2]) for size in sizes])
            scores = scores.masked_fill(last > torch.arange(x.shape[1])[:, None], -math.inf)
        return self.out_proj(joined(scores.softmax(3) @ values))


class RandomAttention(nn.Module):
    """Weights that no token has a say in: softmax of `scores`, or of the product of `rows` and `columns`."""

    def __init__(self, d: int, heads: int, length: int, rank: int = 0) -> None:
        super().__init__()
        self.heads, self.rank = heads, rank
        self.v_proj, self.out_proj = nn.Linear(d, d, bias=False), nn.Linear(d, d, bias=False)
        if rank:
            self.rows, self.columns = (nn.Parameter(torch.zeros(heads, length, rank)) for _ in range(2))
        else:
            self.scores = nn.Parameter(torch.zeros(heads, length, length))

    def forward(self, x: Tensor, memory: Tensor, causal: bool = False) -> Tensor:
        t = x.shape[1]
        scores = self.rows[:, :t] @ self.columns[:, :t].transpose(1, 2) if self.rank else self.scores[:, :t, :t]
        scores = scores.masked_fill(later(t, t), -math.inf) if causal else scores
        return self.out_proj(joined(scores.softmax(2) @ split(self.v_proj(x), self.heads)))


def layer(d: int, hidden: int, *attentions: nn.Module) -> nn.ModuleDict:
    """Each with its norm behind, and a feed-forward network after them: `sublayer`, `sublayer_2`, `sublayer_3`."""
    parts = [*(("attention", part) for part in attentions), ("feed_forward", FeedForward(d, hidden))]
    return nn.ModuleDict(
        {f"sublayer{f'_{i + 1}' if i else ''}": Sublayer(name, part, d) for i, (name, part) in enumerate(parts)}
    )


def encoded(parts: nn.ModuleDict, x: Tensor) -> Tensor:
    return parts["sublayer_2"](parts["sublayer"](x, x))


def decoded(parts: nn.ModuleDict, x: Tensor, memory: Tensor) -> Tensor:
    return parts["sublayer_3"](parts["sublayer_2"](parts["sublayer"](x, x, True), memory))


class Altered(nn.Module):
    """The Transformer with other attention: `own()` to oneself, `cross()` to the source. One table for all words."""

    def __init__(
        self, words: int, d: int, hidden: int, depth: int, own: Callable[[], nn.Module], cross: Callable[[], nn.Module]
    ) -> None:
        super().__init__()
        self.embed = nn.Embedding(words, d)
        self.encoder = nn.ModuleList([layer(d, hidden, own()) for _ in range(depth)])
        self.decoder = nn.ModuleList([layer(d, hidden, own(), cross()) for _ in range(depth)])

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        memory, x = placed(self.embed, source), placed(self.embed, target)
        for parts in self.encoder:
            memory = encoded(parts, memory)
        for parts in self.decoder:
            x = decoded(parts, x, memory)
        return F.linear(x, self.embed.weight)


def synthesizer(
    words: int = 32_000, d: int = 512, hidden: int = 2048, depth: int = 6, heads: int = 8, length: int = 256, rank: int = 0
) -> Altered:  # fmt: skip
    """Random, or with a rank of 8 factorised random; attention to the source as usual."""
    return Altered(words, d, hidden, depth, lambda: RandomAttention(d, heads, length, rank), lambda: Plain(d, heads))


def area_transformer(
    words: int = 32_000, d: int = 128, hidden: int = 512, depth: int = 2, heads: int = 4, most: int = 3
) -> Altered:
    return Altered(
        words, d, hidden, depth, lambda: AreaAttention(d, heads, most), lambda: AreaAttention(d, heads, most)
    )


class UniversalTransformer(nn.Module):
    """One layer of each kind, `encoder` and `decoder`, `steps` times; before each, sines of position and step, both from 1."""

    def __init__(
        self, words: int = 32_000, d: int = 1024, hidden: int = 4096, heads: int = 16, steps: int = 6, first: int = 1
    ) -> None:
        super().__init__()
        self.steps, self.first, self.embed = steps, first, nn.Embedding(words, d)
        self.encoder, self.decoder = (
            layer(d, hidden, Plain(d, heads)),
            layer(d, hidden, Plain(d, heads), Plain(d, heads)),
        )

    def placed(self, x: Tensor, step: int) -> Tensor:
        at = torch.arange(self.first, self.first + x.shape[1], dtype=x.dtype)
        return x + waves(at, x.shape[2]) + waves(torch.tensor([float(step)], dtype=x.dtype), x.shape[2])

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        memory, x = (self.embed(tokens) * math.sqrt(self.embed.embedding_dim) for tokens in (source, target))
        for step in range(1, self.steps + 1):
            memory = encoded(self.encoder, self.placed(memory, step))
        for step in range(1, self.steps + 1):
            x = decoded(self.decoder, self.placed(x, step), memory)
        return F.linear(x, self.embed.weight)


def around(x: Tensor, kernel: int, causal: bool) -> Tensor:
    """[N, T, d] with zeros to the left, or to both sides, as [N, d, T + kernel - 1]."""
    left = kernel - 1 if causal else kernel // 2
    return F.pad(x.transpose(1, 2), (left, kernel - 1 - left))


def appended(x: Tensor, width: int) -> Tensor:
    return F.pad(x, (0, width - x.shape[-1]))


class Separable(nn.Module):
    """`depthwise` without bias, `pointwise` with one."""

    def __init__(self, inputs: int, outputs: int, kernel: int, causal: bool) -> None:
        super().__init__()
        self.kernel, self.causal = kernel, causal
        self.depthwise = nn.Conv1d(inputs, inputs, kernel, groups=inputs, bias=False)
        self.pointwise = nn.Conv1d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.depthwise(around(x, self.kernel, self.causal))).transpose(1, 2)


class EvolvedEncoder(nn.Module):
    """`norm1 glu_value glu_gate`, `norm2 left right norm3 depthwise pointwise`, `norm4 attention`, `norm5 fc1 fc2`."""

    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        for i, width in enumerate((d, d, 4 * d, d, d)):
            setattr(self, f"norm{i + 1}", nn.LayerNorm(width))
        self.glu_value, self.glu_gate = nn.Linear(d, d), nn.Linear(d, d)
        self.left, self.right = nn.Linear(d, 4 * d), nn.Conv1d(d, d // 2, 3)
        separable = Separable(4 * d, d // 2, 9, causal=False)
        self.depthwise, self.pointwise = separable.depthwise, separable.pointwise
        self.attention = Attention(d, heads)
        self.fc1, self.fc2 = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(x)
        x = x + self.glu_value(y) * self.glu_gate(y).sigmoid()
        y = self.norm2(x)
        left, right = self.left(y).relu(), self.right(around(y, 3, causal=False)).transpose(1, 2).relu()
        y = self.depthwise(around(self.norm3(left + appended(right, left.shape[2])), 9, causal=False))
        x = x + appended(self.pointwise(y).transpose(1, 2), x.shape[2])
        y = self.norm4(x)
        x = x + self.attention(y, y)
        return x + self.fc2(self.fc1(self.norm5(x)).relu())


class EvolvedDecoder(nn.Module):
    """`norm1 self1 cross1`, `norm2 left right norm3 depthwise pointwise`, `norm4 self2`, `norm5 cross2`, `norm6 fc1 fc2`."""

    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        for i, width in enumerate((d, d, 2 * d, d, d, d)):
            setattr(self, f"norm{i + 1}", nn.LayerNorm(width))
        self.self1, self.cross1 = Attention(d, 2 * heads), Attention(d, heads)
        self.left, self.right = Separable(d, 2 * d, 11, causal=True), Separable(d, d // 2, 7, causal=True)
        separable = Separable(2 * d, d, 7, causal=True)
        self.depthwise, self.pointwise = separable.depthwise, separable.pointwise
        self.self2, self.cross2 = Attention(d, heads), Attention(d, heads)
        self.fc1, self.fc2 = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        y = self.norm1(x)
        x = x + self.self1(y, y, causal=True) + self.cross1(y, memory)
        y = self.norm2(x)
        left = self.left(y).relu()
        y = self.depthwise(around(self.norm3(left + appended(self.right(y), left.shape[2])), 7, causal=True))
        x = x + self.pointwise(y).transpose(1, 2)
        y = self.norm4(x)
        x = x + self.self2(y, y, causal=True)
        x = x + self.cross2(self.norm5(x), memory)
        return x + self.fc2(F.silu(self.fc1(self.norm6(x))))


class EvolvedTransformer(nn.Module):
    """`embed`, `encoder.{i}`, `encoder_norm`, `decoder.{i}`, `decoder_norm`; base: 3 layers each, a cell being two of before."""

    def __init__(self, words: int = 32_000, d: int = 512, heads: int = 8, depth: int = 3) -> None:
        super().__init__()
        self.embed = nn.Embedding(words, d)
        self.encoder = nn.ModuleList([EvolvedEncoder(d, heads) for _ in range(depth)])
        self.decoder = nn.ModuleList([EvolvedDecoder(d, heads) for _ in range(depth)])
        self.encoder_norm, self.decoder_norm = nn.LayerNorm(d), nn.LayerNorm(d)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        memory, x = placed(self.embed, source), placed(self.embed, target)
        for part in self.encoder:
            memory = part(memory)
        memory = self.encoder_norm(memory)
        for part in self.decoder:
            x = part(x, memory)
        return F.linear(self.decoder_norm(x), self.embed.weight)


class LightConv(nn.Module):
    """`linear1` and a gated linear unit, a convolution whose H kernels sum to 1, `linear2`; kernels: `weight` [H, 1, K], or
    by `weight_linear` of each position.
    """

    def __init__(self, d: int, heads: int, kernel: int, causal: bool, dynamic: bool) -> None:
        super().__init__()
        self.heads, self.kernel, self.causal, self.dynamic = heads, kernel, causal, dynamic
        self.linear1, self.linear2 = nn.Linear(d, 2 * d), nn.Linear(d, d)
        if dynamic:
            self.weight_linear = nn.Linear(d, heads * kernel, bias=False)
        else:
            self.weight = nn.Parameter(torch.zeros(heads, 1, kernel))

    def forward(self, x: Tensor) -> Tensor:
        x = F.glu(self.linear1(x), 2)
        near = around(x, self.kernel, self.causal).unfold(2, self.kernel, 1).unflatten(1, (self.heads, -1))
        kernels = (
            self.weight_linear(x).unflatten(2, (self.heads, -1)) if self.dynamic else self.weight[None, None, :, 0]
        )
        return self.linear2(
            torch.einsum("nhctk,nthk->nthc", near, kernels.softmax(3).expand(*x.shape[:2], -1, -1)).flatten(2)
        )


class ConvolutionLayer(nn.Module):
    """`conv conv_norm`, in the decoder `cross cross_norm`, `fc1 fc2 ff_norm`; norms behind the sums."""

    def __init__(self, d: int, hidden: int, heads: int, kernel: int, decoder: bool, dynamic: bool) -> None:
        super().__init__()
        self.conv, self.conv_norm = LightConv(d, heads, kernel, decoder, dynamic), nn.LayerNorm(d)
        if decoder:
            self.cross, self.cross_norm = Attention(d, heads, bias=True), nn.LayerNorm(d)
        self.fc1, self.fc2, self.ff_norm = nn.Linear(d, hidden), nn.Linear(hidden, d), nn.LayerNorm(d)

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        x = self.conv_norm(x + self.conv(x))
        x = x if memory is None else self.cross_norm(x + self.cross(x, memory))
        return self.ff_norm(x + self.fc2(self.fc1(x).relu()))


class ConvolutionTranslator(nn.Module):
    """`source_embed`, `target_embed` (also the head), `encoder.{i}`, `decoder.{i}`; positions: all sines, then all cosines."""

    def __init__(
        self, source: int, target: int, d: int = 512, hidden: int = 1024, heads: int = 4, dynamic: bool = False,
        encoder: Sequence[int] = (3, 7, 15, 31, 31, 31, 31), decoder: Sequence[int] = (3, 7, 15, 31, 31, 31),
    ) -> None:  # fmt: skip
        super().__init__()
        self.source_embed, self.target_embed = nn.Embedding(source, d), nn.Embedding(target, d)
        self.encoder = nn.ModuleList([ConvolutionLayer(d, hidden, heads, k, False, dynamic) for k in encoder])
        self.decoder = nn.ModuleList([ConvolutionLayer(d, hidden, heads, k, True, dynamic) for k in decoder])

    def placed(self, embed: nn.Embedding, tokens: Tensor) -> Tensor:
        x = embed(tokens) * math.sqrt(embed.embedding_dim)
        code = waves(torch.arange(x.shape[1], dtype=x.dtype), x.shape[2])
        return x + torch.cat([code[:, 0::2], code[:, 1::2]], 1)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        memory, x = self.placed(self.source_embed, source), self.placed(self.target_embed, target)
        for part in self.encoder:
            memory = part(memory)
        for part in self.decoder:
            x = part(x, memory)
        return F.linear(x, self.target_embed.weight)
