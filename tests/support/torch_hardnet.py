"""HarDNet (arXiv:1909.00948), written from its paper under the names of its authors' checkpoints.

Sections 3 and 4, table 1: a layer reads those 1, 2, 4, ... before it as far as they divide its number, and has k * m^(how many
more than one) channels; a block gives its odd layers and its last one. `base.0`, `base.1` (stem, `conv` and `norm`), then a
pool, and of each block `base.{i}.layers.{j}.conv/norm`, behind it a convolution 1 x 1, and where resolution halves, a pool;
at the end `base.{i}.3` (linear). HarDNet-68: k of 14, 16, 20, 40, 160, 8, 16, 16, 16 and 4 layers, 128, 256, 320, 640 and 1024
channels, m = 1.7: 17,565,348 parameters (17.6 M).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Layer(nn.Sequential):
    """`conv`, `norm` and a ReLU up to 6."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.add_module("conv", nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False))
        self.add_module("norm", nn.BatchNorm2d(outputs))
        self.add_module("relu", nn.ReLU6())


def read_by(layer: int) -> list[int]:
    """The layers that one reads, nearest first; 0 is what enters the block."""
    return [layer - 2**n for n in range(layer.bit_length()) if layer % 2**n == 0]


class HarmonicBlock(nn.Module):
    def __init__(self, inputs: int, k: int, m: float, count: int) -> None:
        super().__init__()
        widths = [inputs]
        for i in range(1, count + 1):
            width = k * m ** (len(read_by(i)) - 1)
            widths.append(int(int(width + 1) / 2) * 2)  # even, as the authors round
        self.layers = nn.ModuleList([Layer(sum(widths[j] for j in read_by(i)), widths[i]) for i in range(1, count + 1)])
        self.given = [i for i in range(1, count + 1) if i % 2 or i == count]
        self.width = sum(widths[i] for i in self.given)

    def forward(self, x: Tensor) -> Tensor:
        found = [x]
        for i, layer in enumerate(self.layers, 1):
            found.append(layer(torch.cat([found[j] for j in read_by(i)], 1)))
        return torch.cat([found[i] for i in self.given], 1)


HARDNET68 = [(8, 14, 128, True), (16, 16, 256, False), (16, 20, 320, True), (16, 40, 640, True), (4, 160, 1024, False)]


class HarDNet(nn.Module):
    """Pictures [N, 3, H, W] to logits [N, classes]; blocks are layers, k, channels behind them, and whether a pool follows."""

    def __init__(
        self, blocks: Sequence[tuple[int, int, int, bool]] = HARDNET68, stem: Sequence[int] = (32, 64), m: float = 1.7, classes: int = 1000
    ) -> None:  # fmt: skip
        super().__init__()
        parts: list[nn.Module] = [Layer(3, stem[0], 3, 2), Layer(stem[0], stem[1]), nn.MaxPool2d(3, 2, 1)]
        width = stem[1]
        for count, k, outputs, pooled in blocks:
            block = HarmonicBlock(width, k, m, count)
            parts += [block, Layer(block.width, outputs, 1), *[nn.MaxPool2d(2)] * pooled]
            width = outputs
        end = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.1), nn.Linear(width, classes))
        self.base = nn.ModuleList([*parts, end])

    def forward(self, x: Tensor) -> Tensor:
        for part in self.base:
            x = part(x)
        return x
