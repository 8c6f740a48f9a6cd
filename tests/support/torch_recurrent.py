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


def lively(net: nn.Module) -> nn.Module:
    """Weights and statistics that matter, in float64."""
    torch.manual_seed(1)
    net = net.double().eval()
    for name, value in net.state_dict().items():
        if value.is_floating_point():
            value.uniform_(0.5, 1.5) if name.endswith("running_var") else value.normal_(0, value.shape[-1] ** -0.5)
    return net
