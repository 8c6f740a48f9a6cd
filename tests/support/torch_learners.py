"""Networks of ``torch.nn``'s parts that learn the same as generated modules, which are given their weights."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from paths import ROOT
from torch import Tensor, nn


def sums(net: Any, steps: int, rate: float) -> list[float]:
    """The losses of the adding problem (Hochreiter and Schmidhuber 1997): the sum of two marked numbers among a hundred."""
    draw = torch.Generator().manual_seed(3)

    def batches() -> Iterable[Tensor]:
        for _ in range(steps):
            numbers, marks = torch.rand(16, 100, generator=draw), torch.zeros(16, 100)
            for half in (0, 50):
                marks[torch.arange(16), half + torch.randint(50, (16,), generator=draw)] = 1
            yield ((net(torch.stack([numbers, marks], 2)).squeeze(1) - (numbers * marks).sum(1)) ** 2).mean()

    return _learned(net, batches(), rate, clip=1.0)


class Characters:
    """A text as the numbers of its characters; the next one of each is to be told."""

    def __init__(self) -> None:
        text = (ROOT / "LICENSE").read_text(encoding="utf-8").lower()[:4000]
        signs = sorted(set(text))
        self.signs = len(signs)
        self.codes = torch.tensor([signs.index(c) for c in text])

    def learn(self, net: Any, steps: int, batch: int) -> list[float]:
        """The losses of a language model, on stretches of 32 characters."""
        draw = torch.Generator().manual_seed(5)

        def batches() -> Iterable[Tensor]:
            for _ in range(steps):
                starts = torch.randint(len(self.codes) - 33, (batch,), generator=draw)
                drawn = torch.stack([self.codes[s : s + 33] for s in starts])
                yield F.cross_entropy(net(drawn[:, :-1]).flatten(0, 1), drawn[:, 1:].flatten())

        return _learned(net, batches(), 0.01)


def _learned(net: Any, losses: Iterable[Tensor], rate: float, clip: float = 0.0) -> list[float]:
    """A step for each loss; ``losses`` asks the network for one only when the step before it has been taken."""
    optimiser, found = torch.optim.Adam(net.parameters(), rate), []
    for loss in losses:
        optimiser.zero_grad()
        loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(net.parameters(), clip)
        optimiser.step()
        found.append(loss.item())
    return found


class LastOf(nn.Module):
    """The last output of recurrent layers, and one number from it: for the adding problem."""

    def __init__(self, kind: str, width: int, layers: int, both: bool) -> None:
        super().__init__()
        self.rnn = getattr(nn, kind)(2, width, layers, batch_first=True, bidirectional=both)
        self.fc = nn.Linear(2 * width if both else width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.rnn(x)[0].mean(1) if self.rnn.bidirectional else self.rnn(x)[0][:, -1])  # type: ignore[no-any-return]


class Cell(nn.Module):
    """Long short-term memory, a cell called step by step."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(2, width)
        self.fc = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        state = None
        for step in x.unbind(1):
            state = self.cell(step, state)
        assert state is not None
        return self.fc(state[0])  # type: ignore[no-any-return]


class RecurrentWords(nn.Module):
    """A language model of recurrent layers."""

    def __init__(self, kind: str, width: int, words: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.rnn = getattr(nn, kind)(width, width, 1, batch_first=True)
        self.decoder = nn.Linear(width, words)

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.rnn(self.embedding(x))[0])  # type: ignore[no-any-return]


class Decoder(nn.Module):
    """GPT-2 of ``nn.TransformerEncoderLayer``: norms in front, the mask causal, the head tied."""

    def __init__(self, d: int, depth: int, heads: int, words: int, longest: int) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(words, d), nn.Embedding(longest, d)
        gelu = partial(F.gelu, approximate="tanh")
        layers = [
            nn.TransformerEncoderLayer(d, heads, 4 * d, 0.0, gelu, batch_first=True, norm_first=True)
            for _ in range(depth)
        ]
        self.h, self.ln_f = nn.ModuleList(layers), nn.LayerNorm(d)
        for table in (self.wte, self.wpe):
            nn.init.normal_(table.weight, 0, 0.1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.wte(x) + self.wpe.weight[: x.shape[1]]
        hidden = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        for layer in self.h:
            y = layer(y, src_mask=hidden)
        return F.linear(self.ln_f(y), self.wte.weight)

    def named(self) -> dict[str, Tensor]:
        """Its weights by the zoo's names."""
        words = {"self_attn.in_proj_": "attn.qkv.", "self_attn.out_proj.": "attn.proj.", "linear1": "mlp.fc1",
                 "linear2": "mlp.fc2", "norm1": "ln_1", "norm2": "ln_2"}  # fmt: skip
        found = {}
        for name, value in self.state_dict().items():
            for theirs, ours in words.items():
                name = name.replace(theirs, ours)
            found[name] = value
        return found


class Mixer(nn.Module):
    """Mamba's mixer, step by step (arXiv:2312.00752, algorithm 2), with the zoo's names."""

    def __init__(self, d: int, size: int = 16, width: int = 4) -> None:
        super().__init__()
        inner, self.rank, self.size = 2 * d, (d + 15) // 16, size
        self.in_proj = nn.Linear(d, 2 * inner, bias=False)
        self.conv1d = nn.Conv1d(inner, inner, width, groups=inner, padding=width - 1)
        self.x_proj = nn.Linear(inner, self.rank + 2 * size, bias=False)
        self.dt_proj = nn.Linear(self.rank, inner)
        self.A_log = nn.Parameter(torch.log(torch.arange(1.0, size + 1)).repeat(inner, 1))
        self.D = nn.Parameter(torch.ones(inner))
        self.out_proj = nn.Linear(inner, d, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        u, gate = self.in_proj(x).chunk(2, -1)
        u = F.silu(self.conv1d(u.transpose(1, 2))[..., : x.shape[1]]).transpose(1, 2)
        low, b, c = self.x_proj(u).split([self.rank, self.size, self.size], -1)
        dt, a = F.softplus(self.dt_proj(low)), -torch.exp(self.A_log)
        h, found = torch.zeros(x.shape[0], u.shape[2], self.size), []
        for t in range(x.shape[1]):
            h = torch.exp(dt[:, t, :, None] * a) * h + (dt[:, t] * u[:, t])[..., None] * b[:, t, None]
            found.append((h * c[:, t, None]).sum(-1))
        return self.out_proj((torch.stack(found, 1) + u * self.D) * F.silu(gate))  # type: ignore[no-any-return]


class Selective(nn.Module):
    """Mamba, with the zoo's names."""

    def __init__(self, d: int, depth: int, words: int) -> None:
        super().__init__()
        self.backbone = nn.Module()
        self.backbone.embeddings = nn.Embedding(words, d)
        parts = [nn.ModuleDict({"norm": nn.RMSNorm(d, 1e-5), "mixer": Mixer(d)}) for _ in range(depth)]
        self.backbone.layers, self.backbone.norm_f = nn.ModuleList(parts), nn.RMSNorm(d, 1e-5)
        nn.init.normal_(self.backbone.embeddings.weight, 0, 0.1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.backbone.embeddings(x)  # type: ignore[operator]
        for layer in self.backbone.layers:  # type: ignore[union-attr]
            y = y + layer["mixer"](layer["norm"](y))  # type: ignore[index]
        return F.linear(self.backbone.norm_f(y), self.backbone.embeddings.weight)  # type: ignore[operator,union-attr,arg-type]
