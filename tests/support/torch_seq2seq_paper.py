"""Translation by recurrent networks: Sutskever's (arXiv:1409.3215), that of the courses, PyTorch's tutorial and GNMT.

Sutskever, section 3.4: `encoder.embedding`, `encoder.lstm.{i}`, `decoder.embedding`, `decoder.lstm.{i}`, `head`; 4 layers of
1000, embeddings of 1000, 160,000 words to 80,000: 384,112,000 parameters (384 M). Courses: tanh networks with dot-product
attention, `source_embedding`, `encoder.ih/hh`, `target_embedding`, `decoder.ih/hh`, `head`; embeddings of 300, width 500,
9000 words to 10,000: 11,761,000. Tutorial: `encoder.embedding/gru`, `decoder.embedding/attn/attn_combine/gru/out`; width
256, 4345 words to 2803, length 10: 3,476,221. GNMT (arXiv:1609.08144), section 3 and figure 1: `encoder.embedding`,
`encoder.first` (both directions), `encoder.lstm.{i}`, `decoder.embedding`, `decoder.cells.{i}.ih/hh`, `decoder.keys/query/score`,
`head`; 8 layers of 1024 each, 32,000 word pieces: 280,859,904.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch_recurrent import OneBias


class Stack(nn.Module):
    """Words, and layers of LSTMs above them, which begin with given states and tell their last ones."""

    def __init__(self, words: int, width: int, layers: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.lstm = nn.ModuleList([OneBias(width, width) for _ in range(layers)])

    def forward(
        self, words: Tensor, states: list[tuple[Tensor, Tensor] | None]
    ) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        x, last = self.embedding(words), []
        for lstm, state in zip(self.lstm, states):
            x, state = lstm(x, state)
            last.append(state)
        return x, last


class Sutskever(nn.Module):
    """Source [N, S], which the paper reverses beforehand, and target [N, T] to logits [N, T, target words]; the decoder begins
    with the states that the encoder ends with, in each layer.
    """

    def __init__(self, width: int = 1000, layers: int = 4, source: int = 160_000, target: int = 80_000) -> None:
        super().__init__()
        self.encoder, self.decoder = Stack(source, width, layers), Stack(target, width, layers)
        self.head = nn.Linear(width, target)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        _, states = self.encoder(source, [None] * len(self.encoder.lstm))
        return self.head(self.decoder(target, states)[0])


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


class GnmtEncoder(nn.Module):
    """The first layer reads in both directions; from the third on, a layer's input is added to its output."""

    def __init__(self, words: int, width: int, layers: int) -> None:
        super().__init__()
        self.embedding, self.first = nn.Embedding(words, width), OneBias(width, width, both=True)
        self.lstm = nn.ModuleList([OneBias(width if i else 2 * width, width) for i in range(layers - 1)])

    def forward(self, words: Tensor) -> Tensor:
        x = self.first(self.embedding(words))[0]
        for i, lstm in enumerate(self.lstm):
            x = lstm(x)[0] + (x if i else 0)
        return x


class GnmtDecoder(nn.Module):
    """Each layer reads the context beside the layer below; the bottom layer's output of the step before asks for it."""

    def __init__(self, words: int, width: int, layers: int) -> None:
        super().__init__()
        self.width, self.embedding = width, nn.Embedding(words, width)
        self.cells = nn.ModuleList([Cell(2 * width, width, 4) for _ in range(layers)])
        self.keys, self.query = nn.Linear(width, width, bias=False), nn.Linear(width, width)
        self.score = nn.Linear(width, 1, bias=False)

    def forward(self, memory: Tensor, words: Tensor) -> Tensor:
        keys, said = self.keys(memory), []
        states = [(memory.new_zeros(len(words), self.width),) * 2 for _ in self.cells]
        for x in self.embedding(words).unbind(1):
            weights = self.score((keys + self.query(states[0][0])[:, None]).tanh()).softmax(1)
            context = (weights * memory).sum(1)
            for i, cell in enumerate(self.cells):
                states[i] = cell.lstm(torch.cat([x, context], 1), *states[i])
                x = states[i][0] + (x if i > 1 else 0)
            said.append(x)
        return torch.stack(said, 1)


class Gnmt(nn.Module):
    """Source [N, S] and target [N, T] to logits [N, T, words]."""

    def __init__(self, width: int = 1024, layers: int = 8, words: int = 32_000) -> None:
        super().__init__()
        self.encoder, self.decoder = GnmtEncoder(words, width, layers), GnmtDecoder(words, width, layers)
        self.head = nn.Linear(width, words)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        return self.head(self.decoder(self.encoder(source), target))
