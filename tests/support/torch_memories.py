"""Networks that attend to memories, to what they have read or to pictures, written from their papers.

SNAIL (arXiv:1707.03141, appendix), MemN2N (arXiv:1503.08895, section 4.1), pointer networks (arXiv:1506.03134, section 2.3),
structured self-attention (arXiv:1703.03130), LSTMN (arXiv:1601.06733, section 3.1), Show, Attend and Tell (arXiv:1502.03044,
soft attention), the recurrent mixture of experts (arXiv:1701.06538, appendix C.1) and product-key memory (arXiv:1907.05242,
section 3). Names and sizes stand at each class; parameters at these sizes.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch_recurrent import OneBias
from torch_seq2seq_paper import Cell


class SnailAttention(nn.Module):
    """`query`, `key`, `value`; what it reads stands beside the input."""

    def __init__(self, inputs: int, keys: int, values: int) -> None:
        super().__init__()
        self.query, self.key, self.value = nn.Linear(inputs, keys), nn.Linear(inputs, keys), nn.Linear(inputs, values)

    def forward(self, x: Tensor) -> Tensor:
        scores = self.query(x) @ self.key(x).transpose(1, 2) / math.sqrt(self.query.out_features)
        later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        return torch.cat([x, scores.masked_fill(later, -math.inf).softmax(2) @ self.value(x)], 2)


class SnailConvolutions(nn.ModuleList):
    """`{i}.filter`, `{i}.gate`, dilation 2^(i + 1); as many as the logarithm of the length."""

    def __init__(self, inputs: int, length: int, filters: int) -> None:
        super().__init__()
        for i in range(math.ceil(math.log2(length))):
            convs = {k: nn.Conv1d(inputs + i * filters, filters, 2, dilation=2 ** (i + 1)) for k in ("filter", "gate")}
            self.append(nn.ModuleDict(convs))

    def forward(self, x: Tensor) -> Tensor:
        for pair in self:
            past = F.pad(x.transpose(1, 2), (pair["filter"].dilation[0], 0))
            x = torch.cat([x, (pair["filter"](past).tanh() * pair["gate"](past).sigmoid()).transpose(1, 2)], 2)
        return x


class Snail(nn.Module):
    """Images [N, T, 1, 28, 28] and labels [N, T, ways], T = ways * shots + 1, to scores [N, ways] of the last image.

    `embedding.{i}.conv/batch_norm`, `embedding.fc`, `snail.{i}`, `head`; `c`: channels of the embedding, 64.
    """

    def __init__(
        self, ways: int = 5, shots: int = 1, c: int = 64, filters: int = 128, sizes: tuple[int, ...] = (64, 32, 256, 128, 512, 256),
        bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.embedding = nn.ModuleDict({
            str(i): nn.ModuleDict({
                "conv": nn.Conv2d(c if i else 1, c, 3, padding=1, bias=bias), "batch_norm": nn.BatchNorm2d(c)
            })
            for i in range(4)
        })  # fmt: skip
        self.embedding["fc"] = nn.Linear(c, c)
        length, width = ways * shots + 1, c + ways
        self.snail = nn.ModuleList()
        for i in range(5):
            if i % 2:
                self.snail.append(SnailConvolutions(width, length, filters))
                width += len(self.snail[-1]) * filters
            else:
                self.snail.append(SnailAttention(width, sizes[i], sizes[i + 1]))
                width += sizes[i + 1]
        self.head = nn.Linear(width, ways)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        x = images.flatten(0, 1)
        for i in range(4):
            unit = self.embedding[str(i)]
            x = F.max_pool2d(unit["batch_norm"](unit["conv"](x)).relu(), 2)
        x = torch.cat([self.embedding["fc"](x.flatten(1)).unflatten(0, labels.shape[:2]), labels], 2)
        for part in self.snail:
            x = part(x)
        return self.head(x)[:, -1]


class MemN2N(nn.Module):
    """Story [N, M, J] and question [N, J] to scores [N, words]: `embedding.{0..hops}`, `temporal.{0..hops}`, neighbours tied.

    Word 0 is zeros in every table, also where the last one gives the scores; 177 words, 20 numbers, 3 hops, 50 sentences.
    """

    def __init__(self, words: int = 177, d: int = 20, hops: int = 3, sentences: int = 50) -> None:
        super().__init__()
        self.embedding = nn.ModuleList([nn.Embedding(words, d) for _ in range(hops + 1)])
        self.temporal = nn.ParameterList([nn.Parameter(torch.zeros(sentences, d)) for _ in range(hops + 1)])

    def table(self, k: int) -> Tensor:
        weight = self.embedding[k].weight
        return torch.cat([torch.zeros_like(weight[:1]), weight[1:]])

    def sentence(self, k: int, words: Tensor) -> Tensor:
        """Words weighted by their place: `(1 - j / J) - (k / d) (1 - 2 j / J)`, both from 1."""
        found = F.embedding(words, self.table(k))
        j = torch.arange(1, words.shape[-1] + 1, dtype=found.dtype)[:, None] / words.shape[-1]
        part = torch.arange(1, found.shape[-1] + 1, dtype=found.dtype) / found.shape[-1]
        return (found * ((1 - j) - part * (1 - 2 * j))).sum(-2)

    def forward(self, story: Tensor, question: Tensor) -> Tensor:
        u, count = self.sentence(0, question), story.shape[1]
        for k in range(len(self.embedding) - 1):
            memory = self.sentence(k, story) + self.temporal[k][:count]
            output = self.sentence(k + 1, story) + self.temporal[k + 1][:count]
            weights = torch.einsum("nd,nmd->nm", u, memory).softmax(1)
            u = u + torch.einsum("nm,nmd->nd", weights, output)
        return u @ self.table(len(self.embedding) - 1).T


class PointerNet(nn.Module):
    """Points [N, S, 2] and chosen places [N, T] to scores [N, T, S]; step t sees the points chosen before it.

    `encoder`, `decoder`, `go` [1, 1, 2], `keys`, `query`, `score`; width 256.
    """

    def __init__(self, width: int = 256, features: int = 2) -> None:
        super().__init__()
        self.encoder, self.decoder = OneBias(features, width), OneBias(features, width)
        self.go = nn.Parameter(torch.zeros(1, 1, features))
        self.keys, self.query = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.score = nn.Linear(width, 1, bias=False)

    def forward(self, points: Tensor, chosen: Tensor) -> Tensor:
        memory, state = self.encoder(points)
        before = points.gather(1, chosen[:, :-1, None].expand(-1, -1, points.shape[2]))
        steps, _ = self.decoder(torch.cat([self.go.expand(len(points), -1, -1), before], 1), state)
        return self.score((self.keys(memory)[:, None] + self.query(steps)[:, :, None]).tanh())[..., 0]


class StructuredSelfAttention(nn.Module):
    """Words as vectors [N, T, d] to scores [N, classes] and what each of r rows attends to, [N, r, T].

    `rnn`, `attention.fc1`, `attention.fc2`, `fc1`, `fc2`; d = 100, u = 300 a direction, 350, r = 30, 3000, 5 classes.
    """

    def __init__(
        self, d: int = 100, u: int = 300, inner: int = 350, rows: int = 30, hidden: int = 3000, classes: int = 5
    ) -> None:
        super().__init__()
        self.rnn = nn.LSTM(d, u, batch_first=True, bidirectional=True)
        parts = {"fc1": nn.Linear(2 * u, inner, bias=False), "fc2": nn.Linear(inner, rows, bias=False)}
        self.attention = nn.ModuleDict(parts)
        self.fc1, self.fc2 = nn.Linear(rows * 2 * u, hidden), nn.Linear(hidden, classes)

    def forward(self, words: Tensor) -> tuple[Tensor, Tensor]:
        h = self.rnn(words)[0]
        weights = self.attention["fc2"](self.attention["fc1"](h).tanh()).softmax(1).transpose(1, 2)
        return self.fc2(self.fc1((weights @ h).flatten(1)).relu()), weights


class Lstmn(nn.Module):
    """Words [N, T] to logits [N, T, words]; in the place of the state before, what attention finds on the tapes of h and c.

    `embedding`, `h_query`, `x_query`, `tilde_query`, `score`, `gates`, `head`; embedding 150, width 300, 10,000 words.
    """

    def __init__(self, embedding: int = 150, width: int = 300, words: int = 10_000) -> None:
        super().__init__()
        self.width, self.embedding = width, nn.Embedding(words, embedding)
        self.h_query, self.x_query = nn.Linear(width, width, bias=False), nn.Linear(embedding, width, bias=False)
        self.tilde_query, self.score = nn.Linear(width, width, bias=False), nn.Linear(width, 1, bias=False)
        self.gates, self.head = nn.Linear(width + embedding, 4 * width), nn.Linear(width, words)

    def forward(self, words: Tensor) -> Tensor:
        hs, cs = list[Tensor](), list[Tensor]()
        h = c = torch.zeros(len(words), self.width).to(self.head.weight)
        for x in self.embedding(words).unbind(1):
            if hs:
                tape = torch.stack(hs, 1)
                asked = self.h_query(tape) + (self.x_query(x) + self.tilde_query(h))[:, None]
                weights = self.score(asked.tanh()).softmax(1)
                h, c = (weights * tape).sum(1), (weights * torch.stack(cs, 1)).sum(1)
            i, f, g, o = self.gates(torch.cat([h, x], 1)).chunk(4, 1)
            cs.append(f.sigmoid() * c + i.sigmoid() * g.tanh())
            hs.append(o.sigmoid() * cs[-1].tanh())
        return self.head(torch.stack(hs, 1))


class ShowAttendTell(nn.Module):
    """Features [N, L, D] and words [N, T] to logits [N, T, words]; step t sees the words before it, the first one zeros.

    `embedding`, `init_h`, `init_c`, `cell.ih/hh`, `att_features`, `att_hidden`, `att_score`, `beta`, `out_h`, `out_z`, `head`;
    D = 512, m = 512, n = 1000, 10,000 words.
    """

    def __init__(self, features: int = 512, m: int = 512, n: int = 1000, words: int = 10_000, inner: int = 0) -> None:
        super().__init__()
        inner = inner or features
        self.embedding, self.cell = nn.Embedding(words, m), Cell(m + features, n, 4)
        self.init_h, self.init_c = nn.Linear(features, n), nn.Linear(features, n)
        self.att_features, self.att_hidden = nn.Linear(features, inner, bias=False), nn.Linear(n, inner)
        self.att_score, self.beta = nn.Linear(inner, 1), nn.Linear(n, 1)
        self.out_h, self.out_z = nn.Linear(n, m, bias=False), nn.Linear(features, m, bias=False)
        self.head = nn.Linear(m, words)

    def forward(self, features: Tensor, words: Tensor) -> Tensor:
        h, c = self.init_h(features.mean(1)).tanh(), self.init_c(features.mean(1)).tanh()
        seen, said = F.pad(self.embedding(words[:, :-1]), (0, 0, 1, 0)), []
        for y in seen.unbind(1):
            asked = self.att_features(features) + self.att_hidden(h)[:, None]
            weights = self.att_score(asked.tanh()).softmax(1)
            z = self.beta(h).sigmoid() * (weights * features).sum(1)
            h, c = self.cell.lstm(torch.cat([y, z], 1), h, c)
            said.append(self.head(y + self.out_h(h) + self.out_z(z)))
        return torch.stack(said, 1)


class Expert(nn.Module):
    def __init__(self, d: int, hidden: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(d, hidden), nn.Linear(hidden, d)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.fc1(x).relu())


class RecurrentExperts(nn.Module):
    """Words [N, T] to scores [N, T, words]; all experts run here, and the k of the largest gates are read.

    `embedding`, `bottom`, `moe.gate`, `moe.{i}.fc1/fc2`, `top`, `head`; width 512, experts of 1024, k = 4.
    """

    def __init__(
        self, experts: int = 4, width: int = 512, hidden: int = 1024, k: int = 4, words: int = 793_471
    ) -> None:
        super().__init__()
        self.k, self.embedding, self.head = k, nn.Embedding(words, width), nn.Linear(width, words)
        self.bottom, self.top = OneBias(width, width), OneBias(width, width)
        self.moe = nn.ModuleDict({str(i): Expert(width, hidden) for i in range(experts)})
        self.moe["gate"] = nn.Linear(width, experts, bias=False)

    def forward(self, words: Tensor) -> Tensor:
        x = self.embedding(words)
        x = x + self.bottom(x)[0]
        best, where = self.moe["gate"](x).topk(self.k, 2)
        gates = torch.zeros_like(self.moe["gate"](x)).scatter(2, where, best.softmax(2))
        mixed = sum(gates[..., i, None] * self.moe[str(i)](x) for i in range(gates.shape[2]))
        x = x + mixed.sigmoid()
        return self.head(x + self.top(x)[0])


class ProductKeyMemory(nn.Module):
    """x [N, T, d] to x + memory(x): `query`, `norm`, `keys` [heads, 2, count, query / 2], `values`.

    d = 1024, 4 heads, 512 keys a half, queries of 512, k = 32; value `first * count + second`.
    """

    def __init__(self, d: int = 1024, heads: int = 4, count: int = 512, query: int = 512, k: int = 32) -> None:
        super().__init__()
        self.heads, self.count, self.k = heads, count, k
        self.query, self.norm = nn.Linear(d, heads * query), nn.BatchNorm1d(heads * query)
        self.keys = nn.Parameter(torch.zeros(heads, 2, count, query // 2))
        self.values = nn.Embedding(count * count, d)

    def forward(self, x: Tensor) -> Tensor:
        q = self.norm(self.query(x).flatten(0, 1)).view(*x.shape[:2], self.heads, 2, -1)
        best, at = torch.einsum("nthpc,hpkc->nthpk", q, self.keys).topk(self.k, 4)
        sums = (best[:, :, :, 0, :, None] + best[:, :, :, 1, None]).flatten(3)
        rows = (at[:, :, :, 0, :, None] * self.count + at[:, :, :, 1, None]).flatten(3)
        weights, which = sums.topk(self.k, 3)
        return x + (weights.softmax(3)[..., None] * self.values(rows.gather(3, which))).sum((2, 3))


class Writer(nn.Module):
    """x [N, features] to what is written, [N, length, features]: what a step says is what the next one reads, at first x.

    `lower.ih/hh`, `upper.ih/hh` (two biases), `fc`.
    """

    def __init__(self, features: int, width: int, length: int) -> None:
        super().__init__()
        self.width, self.length = width, length
        for name, inputs in (("lower", features), ("upper", width)):
            parts = {"ih": nn.Linear(inputs, 4 * width), "hh": nn.Linear(width, 4 * width)}
            setattr(self, name, nn.ModuleDict(parts))
        self.fc = nn.Linear(width, features)

    def forward(self, x: Tensor) -> Tensor:
        states = {name: (x.new_zeros(len(x), self.width),) * 2 for name in ("lower", "upper")}
        said = []
        for _ in range(self.length):
            for name, (h, c) in states.items():
                part = getattr(self, name)
                i, f, g, o = (part["ih"](x) + part["hh"](h)).chunk(4, 1)
                c = f.sigmoid() * c + i.sigmoid() * g.tanh()
                x = o.sigmoid() * c.tanh()
                states[name] = (x, c)
            x = self.fc(x)
            said.append(x)
        return torch.stack(said, 1)
