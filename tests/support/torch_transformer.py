"""The Transformer of arXiv:1706.03762 of PyTorch's own parts, with the paths of the zoo's."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Attention(nn.Module):
    """`nn.MultiheadAttention` without biases, whose projections have the zoo's names."""

    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            setattr(self, name, nn.Linear(d, d, bias=False))

    def forward(self, x: Tensor, memory: Tensor, causal: bool = False) -> Tensor:
        inner = nn.MultiheadAttention(x.shape[-1], self.heads, bias=False, batch_first=True, dtype=x.dtype)
        with torch.no_grad():
            inner.in_proj_weight.copy_(torch.cat([self.q_proj.weight, self.k_proj.weight, self.v_proj.weight]))
            inner.out_proj.weight.copy_(self.out_proj.weight)
        hidden = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1) if causal else None
        found: Tensor = inner(x, memory, memory, attn_mask=hidden, need_weights=False)[0]
        return found


class Sublayer(nn.Module):
    """A part of a layer, and the norm behind it."""

    def __init__(self, name: str, part: nn.Module, d: int) -> None:
        super().__init__()
        self.part = name
        setattr(self, name, part)
        self.layer_norm = nn.LayerNorm(d)

    def forward(self, x: Tensor, *given: object) -> Tensor:
        found: Tensor = self.layer_norm(x + getattr(self, self.part)(x, *given))
        return found


class FeedForward(nn.Module):
    def __init__(self, d: int, hidden: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(d, hidden), nn.Linear(hidden, d)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.fc2(self.fc1(x).relu())
        return found


def layer(d: int, hidden: int, heads: int, attentions: int) -> nn.ModuleDict:
    parts: list[tuple[str, nn.Module]] = [("attention", Attention(d, heads)) for _ in range(attentions)]
    parts.append(("feed_forward", FeedForward(d, hidden)))
    return nn.ModuleDict(
        {f"sublayer{f'_{i + 1}' if i else ''}": Sublayer(name, part, d) for i, (name, part) in enumerate(parts)}
    )


class Transformer(nn.Module):
    def __init__(self, words: int, d: int, hidden: int, heads: int, depth: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(words, d)
        self.encoder = nn.ModuleList([layer(d, hidden, heads, 1) for _ in range(depth)])
        self.decoder = nn.ModuleList([layer(d, hidden, heads, 2) for _ in range(depth)])

    def placed(self, tokens: Tensor) -> Tensor:
        x = self.embed(tokens) * math.sqrt(self.embed.embedding_dim)
        t, d = x.shape[1:]
        angle = torch.arange(t, dtype=x.dtype)[:, None] / 10000 ** (torch.arange(0, d, 2, dtype=x.dtype) / d)
        code = torch.zeros(t, d, dtype=x.dtype)
        code[:, 0::2], code[:, 1::2] = angle.sin(), angle.cos()
        return x + code

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        memory = self.placed(source)
        for parts in self.encoder:
            memory = parts["sublayer"](memory, memory)
            memory = parts["sublayer_2"](memory)
        x = self.placed(target)
        for parts in self.decoder:
            x = parts["sublayer"](x, x, True)
            x = parts["sublayer_2"](x, memory)
            x = parts["sublayer_3"](x)
        return nn.functional.linear(x, self.embed.weight)
