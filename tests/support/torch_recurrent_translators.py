"""Translators of recurrent layers, and the convolutional reader of letters, from their papers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_recurrent import OneBias


class Seq2Seq(nn.Module):
    """arXiv:1409.3215, sections 2 and 3.4: the source is read backwards, and the last states of each layer begin that of
    the decoder. ``source_embedding``, ``encoder.{i}``, ``target_embedding``, ``decoder.{i}``, ``head``.
    """

    def __init__(self, d: int, layers: int, source: int, target: int) -> None:
        super().__init__()
        self.source_embedding, self.target_embedding = nn.Embedding(source, d), nn.Embedding(target, d)
        self.encoder, self.decoder = (nn.ModuleList([OneBias(d, d) for _ in range(layers)]) for _ in range(2))
        self.head = nn.Linear(d, target)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        x, states = self.source_embedding(source.flip(1)), []
        for layer in self.encoder:
            x, state = layer(x)
            states.append(state)
        y = self.target_embedding(target)
        for layer, state in zip(self.decoder, states, strict=True):
            y, _ = layer(y, state)
        return self.head(y)  # type: ignore[no-any-return]


class Gnmt(nn.Module):
    """arXiv:1609.08144, section 3 and figure 1: what a layer says is added to what it reads from the third on; the decoder's
    bottom layer looks at the encoder one word ago, and what it saw enters all layers above it.
    """

    def __init__(self, d: int, layers: int, words: int) -> None:
        super().__init__()
        self.source_embedding, self.target_embedding = nn.Embedding(words, d), nn.Embedding(words, d)
        self.ends = OneBias(d, d, both=True)
        self.encoder = nn.ModuleList(
            [nn.ModuleDict({"lstm": OneBias(d if i else 2 * d, d)}) for i in range(layers - 1)]
        )
        self.bottom = OneBias(d, d)
        self.decoder = nn.ModuleList([nn.ModuleDict({"lstm": OneBias(2 * d, d)}) for _ in range(layers - 1)])
        self.keys, self.query = nn.Linear(d, d), nn.Linear(d, d, bias=False)
        self.score, self.head = nn.Linear(d, 1, bias=False), nn.Linear(d, words)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        x = self.ends(self.source_embedding(source))[0]
        for i, layer in enumerate(self.encoder):
            y = layer["lstm"](x)[0]  # type: ignore[index]
            x = x + y if i > 0 else y
        flow = self.bottom(self.target_embedding(target))[0]
        keys, seen = self.keys(x), []
        for i in range(target.shape[1]):
            before = flow[:, i - 1] if i > 0 else torch.zeros_like(flow[:, 0])
            share = torch.softmax(self.score(torch.tanh(keys + self.query(before)[:, None])), 1)
            seen.append((share.transpose(1, 2) @ x)[:, 0])
        context = torch.stack(seen, 1)
        for i, layer in enumerate(self.decoder):
            y = layer["lstm"](torch.cat([flow, context], 2))[0]  # type: ignore[index]
            flow = flow + y if i > 0 else y
        return self.head(flow)  # type: ignore[no-any-return]


class CharCnn(nn.Module):
    """arXiv:1509.01626, tables 1 and 2: six convolutions over letters, three layers behind them."""

    def __init__(self, features: int, hidden: int, letters: int, length: int, classes: int) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        inputs = letters
        for i, k in enumerate((7, 7, 3, 3, 3, 3)):
            parts += [nn.Conv1d(inputs, features, k), nn.ReLU()]
            parts += [nn.MaxPool1d(3)] if i in (0, 1, 5) else []
            inputs = features
        self.features = nn.Sequential(*parts)
        last = features * ((length - 96) // 27)
        self.classifier = nn.Sequential(
            nn.Linear(last, hidden), nn.ReLU(), nn.Dropout(0.5), nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(0.5),
            nn.Linear(hidden, classes),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).flatten(1))  # type: ignore[no-any-return]
