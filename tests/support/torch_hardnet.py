"""HarDNet (arXiv:1909.00948) with torch.nn, under the names of the authors' code.

Written beside the zoo's; pytorchcv's, which is nobody's here, counts the same parameters and multiply-accumulates, and gave the
same numbers at native size.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Layer(nn.Module):
    def __init__(self, a: int, b: int, k: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(a, b, k, stride, k // 2, bias=False), nn.BatchNorm2d(b)
        self.act = nn.ReLU6()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.act(self.norm(self.conv(x)))
        return y


class Harmonic(nn.Module):
    """Layer l sees l - 1, l - 2, l - 4 …, as long as the power of two divides l."""

    def __init__(self, n: int, growth: int, m: float, inputs: int) -> None:
        super().__init__()
        self.sees: list[list[int]] = []
        self.layers, widths = nn.ModuleList(), [inputs]
        for number in range(1, n + 1):
            seen, width, power = [number - 1], float(growth), 2
            while number % power == 0:
                seen.append(number - power)
                width, power = width * m, power * 2
            self.layers.append(Layer(sum(widths[i] for i in seen), int(int(width + 1) / 2) * 2))
            widths.append(int(int(width + 1) / 2) * 2)
            self.sees.append(seen)
        self.kept = [i for i in range(1, n + 1) if i == n or i % 2 == 1]
        self.outputs = sum(widths[i] for i in self.kept)

    def forward(self, x: Tensor) -> Tensor:
        found = [x]
        for layer, seen in zip(self.layers, self.sees, strict=True):
            found.append(layer(torch.cat([found[i] for i in seen], 1)))
        return torch.cat([found[i] for i in self.kept], 1)


class HarDNet(nn.Module):
    """Each block is (layers, growth, channels behind it, whether a pool follows)."""

    def __init__(
        self, blocks: Sequence[tuple[int, int, int, bool]], stem: tuple[int, int], m: float, classes: int
    ) -> None:
        super().__init__()
        parts: list[nn.Module] = [Layer(3, stem[0], stride=2), Layer(stem[0], stem[1]), nn.MaxPool2d(3, 2, 1)]
        c = stem[1]
        for n, growth, out, pool in blocks:
            block = Harmonic(n, growth, m, c)
            parts += [block, Layer(block.outputs, out, 1)]
            parts += [nn.MaxPool2d(2)] if pool else []
            c = out
        parts.append(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.1), nn.Linear(c, classes)))
        self.base = nn.Sequential(*parts)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.base(x)
        return y
