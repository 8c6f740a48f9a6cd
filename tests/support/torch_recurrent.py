"""Recurrent networks of ``torch.nn``'s modules, under the names of PyTorch's examples and of deepspeech.pytorch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Tagger(nn.Module):
    """Layers one above the other, and scores at each step, or at the last."""

    def __init__(
        self, kind: str, features: int, width: int, layers: int, classes: int, *, both: bool, last: bool
    ) -> None:
        super().__init__()
        self.last = last
        self.rnn = getattr(nn, kind)(features, width, layers, batch_first=True, bidirectional=both)
        self.fc = nn.Linear(2 * width if both else width, classes)

    def forward(self, x: Tensor) -> Tensor:
        y = self.rnn(x)[0]
        return self.fc(y[:, -1] if self.last else y)  # type: ignore[no-any-return]


class LanguageModel(nn.Module):
    """PyTorch's example ``word_language_model``."""

    def __init__(self, width: int, words: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.rnn = nn.LSTM(width, width, 2, batch_first=True)
        self.decoder = nn.Linear(width, words)

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.rnn(self.embedding(x))[0])  # type: ignore[no-any-return]


class OneBias(nn.LSTM):
    """`nn.LSTM` of one layer with one bias a gate, as TensorFlow has it: the second is zeros, and no parameter."""

    def __init__(self, features: int, width: int, both: bool = False) -> None:
        super().__init__(features, width, batch_first=True, bidirectional=both)
        for name in [name for name, _ in self.named_parameters() if name.startswith("bias_hh")]:
            zeros = torch.zeros_like(getattr(self, name))
            delattr(self, name)
            self.register_buffer(name, zeros, persistent=False)
        self._init_flat_weights()


class Layers(nn.Module):
    """Layers of one kind, whose results are added to what they read, or joined with it; under the zoo's paths."""

    def __init__(self, features: int, width: int, layers: int, classes: int, *, joined: bool) -> None:
        super().__init__()
        self.joined, self.rnn = joined, nn.ModuleList()
        for _ in range(layers):
            unit = nn.Module()
            unit.lstm = nn.LSTM(features, width, batch_first=True, bidirectional=joined)
            self.rnn.append(unit)
            features += 2 * width if joined else 0
        self.fc = nn.Linear(features, classes)

    def forward(self, x: Tensor) -> Tensor:
        for unit in self.rnn:
            y = unit.lstm(x)[0]
            x = torch.cat([y, x], 2) if self.joined else x + y
        return self.fc(x)  # type: ignore[no-any-return]


class Listener(nn.Module):
    """Equation 5 of arXiv:1508.01211: a layer reads two neighbours of what the one below it says."""

    def __init__(self, features: int, width: int, layers: int) -> None:
        super().__init__()
        self.bottom = OneBias(features, width, both=True)
        self.pyramid = nn.ModuleList(
            [nn.ModuleDict({"lstm": OneBias(4 * width, width, both=True)}) for _ in range(layers)]
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.bottom(x)[0]
        for layer in self.pyramid:
            x = layer["lstm"](torch.cat([x[:, ::2], x[:, 1::2]], 2))[0]  # type: ignore[index]
        return x


class Zaremba(nn.Module):
    """Section 4.1 of arXiv:1409.2329, without dropout, one bias a gate; under the zoo's paths."""

    def __init__(self, width: int, words: int) -> None:
        super().__init__()
        self.embedding, self.decoder = nn.Embedding(words, width), nn.Linear(width, words)
        self.rnn = nn.ModuleList([nn.ModuleDict({"lstm": OneBias(width, width)}) for _ in range(2)])

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embedding(tokens)
        for layer in self.rnn:
            x = layer["lstm"](x)[0]  # type: ignore[index]
        return self.decoder(x)  # type: ignore[no-any-return]


class OverTime(nn.Module):
    """A norm of the features over batch and time."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        n, t = x.shape[:2]
        return self.module(x.flatten(0, 1)).unflatten(0, (n, t))  # type: ignore[no-any-return]


class SummedGru(nn.Module):
    def __init__(self, inputs: int, width: int, norm: bool) -> None:
        super().__init__()
        self.batch_norm = OverTime(nn.BatchNorm1d(inputs)) if norm else None
        self.rnn = nn.GRU(inputs, width, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.rnn(self.batch_norm(x) if self.batch_norm is not None else x)[0]
        return y.unflatten(2, (2, -1)).sum(2)  # type: ignore[no-any-return]


class DeepSpeech2(nn.Module):
    def __init__(self, width: int, letters: int = 29) -> None:
        super().__init__()
        parts: list[Any] = [nn.Conv2d(1, 32, (41, 11), 2, (20, 5)), nn.BatchNorm2d(32), nn.Hardtanh(0, 20)]
        parts += [nn.Conv2d(32, 32, (21, 11), (2, 1), (10, 5)), nn.BatchNorm2d(32), nn.Hardtanh(0, 20)]
        self.conv = nn.Module()
        self.conv.seq_module = nn.Sequential(*parts)
        self.rnns = nn.Sequential(*[SummedGru(32 * 41 if i == 0 else width, width, i > 0) for i in range(5)])
        self.fc = nn.Sequential(OverTime(nn.Sequential(nn.BatchNorm1d(width), nn.Linear(width, letters, bias=False))))

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv.seq_module(x)  # type: ignore[operator]
        return self.fc(self.rnns(x.flatten(1, 2).transpose(1, 2)))  # type: ignore[no-any-return]
