"""AWD-LSTM, the character-level network of Zhang et al., Kim's character-aware model and the neural Turing machine.

AWD-LSTM (arXiv:1708.02182), section 5, as it runs: `encoder`, `rnns.{i}` (torch's two biases), `decoder` (tied); embeddings of
400, 3 layers of 1150, 1150 and 400, 10,000 words: 24,221,600 parameters (24 M). Zhang et al. (arXiv:1509.01626), tables 1
and 2: `features.{i}`, `classifier.{i}`; 70 characters, 1014 of them; large: 1024 channels and 2048, 95,940,612 parameters with
4 classes; small: 256 and 1024, 11,339,780. Kim (arXiv:1508.06615), table 2: `embedding`, `convs.{i}`,
`highway.{i}.transform/gate`, `lstm.{i}` (one bias), `head`; characters of 15 numbers; small: widths 1 to 6 of 25 filters a
place, one highway layer, 300; large: 1 to 7 of min(200, 50 a place), two, 650; 51 characters and 10,000 words: 5,310,115
and 19,367,965 (5 M and 19 M). Turing machine (arXiv:1410.5401), section 3 and table 2: `machine.cell.ih/hh` (one bias),
`machine.reader`, `machine.writer` (key, strength, gate, shifts, sharpness; erase and add), `machine.head` of controller and read
vector; the paper says not how it begins: the memory with 1e-6 (arXiv:1807.08518), the heads as `reader_start` and
`writer_start` say. Controller 100, memory 128 x 20, one head, 9 inputs and 8 outputs: 62,516 (the paper counts 67,561).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch_recurrent import OneBias
from torch_scans import put
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
        self.features, self.classifier = nn.Sequential(), nn.Sequential()
        for i, kernel in enumerate((7, 7, 3, 3, 3, 3)):
            self.features.extend([nn.Conv1d(channels if i else alphabet, channels, kernel), nn.ReLU()])
            self.features.extend([nn.MaxPool1d(3)] * (i in (0, 1, 5)))
        for inputs in ((length - 96) // 27 * channels, width):
            self.classifier.extend([nn.Linear(inputs, width), nn.ReLU(), nn.Dropout(0.5)])
        self.classifier.append(nn.Linear(width, classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).flatten(1))


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
    """Vectors [N, T, inputs] to scores [N, T, outputs]. A step: the controller reads the input and what was read before; the
    writing head changes the memory (equations 3 and 4), and the reading head reads what it is then (equation 2).
    """

    def __init__(
        self, inputs: int = 9, outputs: int = 8, width: int = 100, rows: int = 128, columns: int = 20, shifts: int = 3
    ) -> None:
        super().__init__()
        self.width, self.rows, self.columns, self.shifts = width, rows, columns, shifts
        put(self, "machine.cell", Cell(inputs + columns, width, 4))
        put(self, "machine.reader", nn.Linear(width, columns + 3 + shifts))
        put(self, "machine.writer", nn.Linear(width, 3 * columns + 3 + shifts))
        put(self, "machine.head", nn.Linear(width + columns, outputs))
        self.reader_start, self.writer_start = (nn.Parameter(torch.zeros(1, rows)) for _ in range(2))

    def address(self, said: Tensor, memory: Tensor, before: Tensor) -> Tensor:
        """Equations 5 to 9: by content, then from where the head was, shifted around the end, and sharpened."""
        key, strength, gate, shift, sharp = said.split([self.columns, 1, 1, self.shifts, 1], 1)
        alike = (F.normalize(memory, dim=2) @ F.normalize(key, dim=1)[:, :, None])[:, :, 0]
        content = (F.softplus(strength) * alike).softmax(1)
        weights = gate.sigmoid() * content + (1 - gate.sigmoid()) * before
        half, amounts = self.shifts // 2, shift.softmax(1)
        weights = sum(amounts[:, i, None] * weights.roll(i - half, 1) for i in range(self.shifts))
        weights = weights ** (1 + F.softplus(sharp))
        return weights / weights.sum(1, keepdim=True)

    def forward(self, x: Tensor) -> Tensor:
        n, part, said = len(x), self.machine, []
        memory, read = x.new_full((n, self.rows, self.columns), 1e-6), x.new_zeros(n, self.columns)
        h = c = x.new_zeros(n, self.width)
        reading, writing = (start.softmax(1).expand(n, -1) for start in (self.reader_start, self.writer_start))
        for step in x.unbind(1):
            h, c = part.cell.lstm(torch.cat([step, read], 1), h, c)
            where, erase, add = part.writer(h).tensor_split([-2 * self.columns, -self.columns], 1)
            writing = self.address(where, memory, writing)
            memory = memory * (1 - writing[:, :, None] * erase.sigmoid()[:, None])
            memory = memory + writing[:, :, None] * add[:, None]
            reading = self.address(part.reader(h), memory, reading)
            read = torch.einsum("nr,nrc->nc", reading, memory)
            said.append(part.head(torch.cat([h, read], 1)))
        return torch.stack(said, 1)
