"""AWD-LSTM, the character-level network of Zhang et al., Kim's character-aware model and the neural Turing machine.

AWD-LSTM (arXiv:1708.02182), section 5, as it runs: `encoder`, `rnns.{i}` (torch's two biases), `decoder` (tied); embeddings of
400, 3 layers of 1150, 1150 and 400, 10,000 words: 24,221,600 parameters (24 M). Zhang et al. (arXiv:1509.01626), tables 1
and 2: `convs.{i}`, `fcs.{i}`; 70 characters, 1014 of them; large: 1024 channels and 2048, 95,940,612 parameters with 4
classes; small: 256 and 1024, 11,339,780. Kim (arXiv:1508.06615), table 2: `embedding`, `convs.{i}`, `highway.{i}.transform/gate`, `lstm.{i}` (one bias), `head`;
characters of 15 numbers; small: widths 1 to 6 of 25 filters a place, one highway layer, 300; large: 1 to 7 of min(200, 50 a
place), two, 650; 51 characters and 10,000 words: 5,310,115 and 19,367,965 (5 M and 19 M). Turing machine (arXiv:1410.5401), section 3 and table 2:
`controller.ih/hh` (one bias), `read_head`, `write_head` (key, strength, gate, shifts, sharpness; erase and add), `head` of
controller and read vector, and learnt beginnings `memory`, `hidden`, `cell`; controller 100, memory 128 x 20, one head, 10 inputs
and 9 outputs: 65,541 with shifts by -1, 0 and 1; the paper's 67,561 are -6 to 6, but then not its other tasks' figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch_recurrent import OneBias
from torch_seq2seq_paper import Cell


class AwdLstm(nn.Module):
    """Words [N, T] to logits [N, T, words]."""

    def __init__(self, embedding: int = 400, width: int = 1150, layers: int = 3, words: int = 10_000) -> None:
        super().__init__()
        widths = [embedding, *[width] * (layers - 1), embedding]
        self.encoder = nn.Embedding(words, embedding)
        self.rnns = nn.ModuleList([nn.LSTM(a, b, batch_first=True) for a, b in pairwise(widths)])
        self.decoder = nn.Linear(embedding, words)
        self.decoder.weight = self.encoder.weight

    def forward(self, words: Tensor) -> Tensor:
        x = self.encoder(words)
        for rnn in self.rnns:
            x = rnn(x)[0]
        return self.decoder(x)


class CharCnn(nn.Module):
    """Characters as one-hot vectors [N, alphabet, length] to logits [N, classes]; the first two and the last convolution are
    followed by the largest of three places.
    """

    def __init__(
        self, channels: int = 1024, width: int = 2048, alphabet: int = 70, length: int = 1014, classes: int = 4
    ) -> None:
        super().__init__()
        kernels = [7, 7, 3, 3, 3, 3]
        self.convs = nn.ModuleList(
            [nn.Conv1d(channels if i else alphabet, channels, k) for i, k in enumerate(kernels)]
        )  # fmt: skip
        left = (length - 96) // 27
        self.fcs = nn.ModuleList(
            [nn.Linear(left * channels, width), nn.Linear(width, width), nn.Linear(width, classes)]
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        for i, conv in enumerate(self.convs):
            x = conv(x).relu()
            x = F.max_pool1d(x, 3) if i in (0, 1, 5) else x
        x = x.flatten(1)
        for fc in self.fcs[:2]:
            x = fc(x).relu()
        return self.fcs[2](x)


class Highway(nn.Module):
    """What passes is a mixture of the input and of a layer of it (arXiv:1505.00387)."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.transform, self.gate = nn.Linear(d, d), nn.Linear(d, d)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.gate(x).sigmoid()
        return gate * self.transform(x).relu() + (1 - gate) * x


class CharAware(nn.Module):
    """Characters of words, [N, T, L], to logits of the words that follow, [N, T, words]."""

    def __init__(
        self, filters: Sequence[int] = (25, 50, 75, 100, 125, 150), highways: int = 1, width: int = 300,
        characters: int = 51, embedding: int = 15, words: int = 10_000,
    ) -> None:  # fmt: skip
        super().__init__()
        self.embedding = nn.Embedding(characters, embedding)
        self.convs = nn.ModuleList([nn.Conv1d(embedding, count, i + 1) for i, count in enumerate(filters)])
        self.highway = nn.ModuleList([Highway(sum(filters)) for _ in range(highways)])
        self.lstm = nn.ModuleList([OneBias(sum(filters), width), OneBias(width, width)])
        self.head = nn.Linear(width, words)

    def forward(self, characters: Tensor) -> Tensor:
        x = self.embedding(characters.flatten(0, 1)).transpose(1, 2)
        x = torch.cat([conv(x).tanh().amax(2) for conv in self.convs], 1)
        for highway in self.highway:
            x = highway(x)
        x = x.unflatten(0, characters.shape[:2])
        for lstm in self.lstm:
            x = lstm(x)[0]
        return self.head(x)


class TuringMachine(nn.Module):
    """Vectors [N, T, inputs] to probabilities [N, T, outputs]. A step: the controller reads the input and what was read before;
    the writing head changes the memory (equations 3 and 4), and the reading head reads that (equation 2).
    """

    def __init__(
        self, inputs: int = 10, outputs: int = 9, width: int = 100, rows: int = 128, columns: int = 20, shifts: int = 3
    ) -> None:
        super().__init__()
        self.columns, self.shifts = columns, shifts
        self.controller = Cell(inputs + columns, width, 4)
        self.read_head = nn.Linear(width, columns + 3 + shifts)
        self.write_head = nn.Linear(width, 3 * columns + 3 + shifts)
        self.head = nn.Linear(width + columns, outputs)
        self.memory = nn.Parameter(torch.zeros(rows, columns))
        self.hidden, self.cell = nn.Parameter(torch.zeros(width)), nn.Parameter(torch.zeros(width))

    def address(self, said: Tensor, memory: Tensor, before: Tensor) -> Tensor:
        """Equations 5 to 9: by content, then from where the head was, shifted around the end, and sharpened."""
        key, strength, gate, shift, sharp = said.split([self.columns, 1, 1, self.shifts, 1], 1)
        alike = F.cosine_similarity(key[:, None], memory, 2, 1e-8)
        content = (F.softplus(strength) * alike).softmax(1)
        weights = gate.sigmoid() * content + (1 - gate.sigmoid()) * before
        half, amounts = self.shifts // 2, shift.softmax(1)
        weights = sum(amounts[:, i, None] * weights.roll(i - half, 1) for i in range(self.shifts))
        weights = weights ** (1 + F.softplus(sharp))
        return weights / weights.sum(1, keepdim=True)

    def forward(self, x: Tensor) -> Tensor:
        n, said = len(x), []
        memory, h, c = (v.expand(n, *v.shape) for v in (self.memory, self.hidden, self.cell))
        reading = writing = F.one_hot(torch.zeros(n, dtype=torch.long), len(self.memory)).to(x)
        read = x.new_zeros(n, self.columns)
        for step in x.unbind(1):
            h, c = self.controller.lstm(torch.cat([step, read], 1), h, c)
            where, erase, add = self.write_head(h).tensor_split([-2 * self.columns, -self.columns], 1)
            writing = self.address(where, memory, writing)
            memory = memory * (1 - writing[:, :, None] * erase.sigmoid()[:, None])
            memory = memory + writing[:, :, None] * add[:, None]
            reading = self.address(self.read_head(h), memory, reading)
            read = torch.einsum("nr,nrc->nc", reading, memory)
            said.append(self.head(torch.cat([h, read], 1)).sigmoid())
        return torch.stack(said, 1)
