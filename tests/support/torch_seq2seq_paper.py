"""Translation by recurrent networks: Sutskever's (arXiv:1409.3215), that of the courses, PyTorch's tutorial and GNMT.

Sutskever, sections 2 and 3.4: `source_embedding`, `encoder.{i}`, `target_embedding`, `decoder.{i}`, `head`; 4 layers of 1000,
embeddings of 1000, 160,000 words to 80,000: 384,112,000 parameters (384 M). Courses: tanh networks with dot-product
attention, `source_embedding`, `encoder.ih/hh`, `target_embedding`, `decoder.ih/hh`, `head`; embeddings of 300, width 500,
9000 words to 10,000: 11,761,000. Tutorial: `encoder.embedding/gru`, `decoder.embedding/attn/attn_combine/gru/out`; width
256, 4345 words to 2803, length 10: 3,476,221. GNMT (arXiv:1609.08144), section 3 and figure 1: `source_embedding`, `ends`
(both directions), `encoder.{i}.lstm`, `target_embedding`, `bottom`, `decoder.{i}.lstm`, `keys`, `query`, `score`, `head`;
8 layers of 1024 in each half, 32,000 word pieces: 276,665,600.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch_recurrent import OneBias


class Sutskever(nn.Module):
    """Source [N, S], read backwards, and target [N, T] to logits [N, T, target words]; the decoder begins with the states that
    the encoder ends with, in each layer.
    """

    def __init__(self, width: int = 1000, layers: int = 4, source: int = 160_000, target: int = 80_000) -> None:
        super().__init__()
        self.source_embedding, self.target_embedding = nn.Embedding(source, width), nn.Embedding(target, width)
        self.encoder, self.decoder = (nn.ModuleList([OneBias(width, width) for _ in range(layers)]) for _ in range(2))
        self.head = nn.Linear(width, target)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        x, y = self.source_embedding(source.flip(1)), self.target_embedding(target)
        for below, above in zip(self.encoder, self.decoder, strict=True):
            x, last = below(x)
            y, _ = above(y, last)
        return self.head(y)


class Cell(nn.Module):
    """The sum of two linear maps, of what is read and of the state; one bias."""

    def __init__(self, inputs: int, width: int, gates: int = 1) -> None:
        super().__init__()
        self.ih, self.hh = nn.Linear(inputs, gates * width), nn.Linear(width, gates * width, bias=False)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        return self.ih(x) + self.hh(h)

    def lstm(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Rows: input, forget, new, output."""
        i, f, g, o = self(x, h).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c


class CourseSeq2Seq(nn.Module):
    """Source [N, S] and target [N, T] to logits [N, T, target words]; a step reads what its state before it attends to."""

    def __init__(self, width: int = 500, embedding: int = 300, source: int = 9000, target: int = 10_000) -> None:
        super().__init__()
        self.source_embedding, self.target_embedding = nn.Embedding(source, embedding), nn.Embedding(target, embedding)
        self.encoder, self.decoder = Cell(embedding, width), Cell(embedding + width, width)
        self.head = nn.Linear(width, target)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        h, seen, said = torch.zeros(len(source), self.head.in_features).to(self.head.weight), [], []
        for x in self.source_embedding(source).unbind(1):
            h = self.encoder(x, h).tanh()
            seen.append(h)
        memory = torch.stack(seen, 1)
        for x in self.target_embedding(target).unbind(1):
            weights = torch.einsum("nd,nsd->ns", h, memory).softmax(1)
            h = self.decoder(torch.cat([x, torch.einsum("ns,nsd->nd", weights, memory)], 1), h).tanh()
            said.append(h)
        return self.head(torch.stack(said, 1))


class TutorialSeq2Seq(nn.Module):
    """Source [N, length] and target [N, T] to logarithms of probabilities, [N, T, target words]; weights of the source's
    places are a linear function of the word and the state before it.
    """

    def __init__(self, width: int = 256, source: int = 4345, target: int = 2803, length: int = 10) -> None:
        super().__init__()

        def gru() -> nn.GRU:
            return nn.GRU(width, width, batch_first=True)

        self.encoder = nn.ModuleDict({"embedding": nn.Embedding(source, width), "gru": gru()})
        self.decoder = nn.ModuleDict({
            "embedding": nn.Embedding(target, width), "attn": nn.Linear(2 * width, length),
            "attn_combine": nn.Linear(2 * width, width), "gru": gru(), "out": nn.Linear(width, target),
        })  # fmt: skip

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        part, said = self.decoder, []
        memory, h = self.encoder["gru"](self.encoder["embedding"](source))
        for x in part["embedding"](target).unbind(1):
            weights = part["attn"](torch.cat([x, h[0]], 1)).softmax(1)
            context = (weights[:, None] @ memory)[:, 0]
            x = part["attn_combine"](torch.cat([x, context], 1)).relu()
            y, h = part["gru"](x[:, None], h)
            said.append(part["out"](y[:, 0]))
        return F.log_softmax(torch.stack(said, 1), 2)


class Gnmt(nn.Module):
    """Source [N, S] and target [N, T] to logits [N, T, words]. The encoder's first layer reads in both directions; from the third
    on, a layer's input is added to its output. What the decoder's bottom layer said a step ago asks for a context, which all
    layers above it read (section 3.3).
    """

    def __init__(self, width: int = 1024, layers: int = 8, words: int = 32_000) -> None:
        super().__init__()
        self.width = width
        self.source_embedding, self.target_embedding = nn.Embedding(words, width), nn.Embedding(words, width)
        self.ends, self.bottom = OneBias(width, width, both=True), OneBias(width, width)
        self.encoder, self.decoder = nn.ModuleList(), nn.ModuleList()
        for i in range(layers - 1):
            self.encoder.append(nn.ModuleDict({"lstm": OneBias(width if i else 2 * width, width)}))
            self.decoder.append(nn.ModuleDict({"lstm": OneBias(2 * width, width)}))
        self.keys, self.query = nn.Linear(width, width), nn.Linear(width, width, bias=False)
        self.score, self.head = nn.Linear(width, 1, bias=False), nn.Linear(width, words)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        memory = self.ends(self.source_embedding(source))[0]
        for i, part in enumerate(self.encoder):
            memory = part["lstm"](memory)[0] + (memory if i else 0)
        keys, said = self.keys(memory), []
        below, states = memory.new_zeros(len(source), 1, self.width), [None] * (len(self.decoder) + 1)
        for word in self.target_embedding(target).split(1, 1):
            weights = self.score((keys + self.query(below)).tanh()).softmax(1)
            context = weights.transpose(1, 2) @ memory
            below, states[0] = self.bottom(word, states[0])
            x = below
            for i, part in enumerate(self.decoder):
                y, states[i + 1] = part["lstm"](torch.cat([x, context], 2), states[i + 1])
                x = y + (x if i else 0)
            said.append(x)
        return self.head(torch.cat(said, 1))
