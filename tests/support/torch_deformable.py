"""A ResNet whose 3x3 convolutions are deformable (arXiv:1811.11168), of PyTorch alone, named as mmdetection does."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from drawn.sampling import read_at
from torch import Tensor, nn


class Deformable(nn.Conv2d):
    def __init__(self, inputs: int, c: int, stride: int, bias: bool = False) -> None:
        super().__init__(inputs, c, 3, stride, 1, bias=bias)
        self.conv_offset = nn.Conv2d(inputs, 27, 3, stride, 1)

    def forward(self, x: Tensor) -> Tensor:
        said = self.conv_offset(x)
        rows, columns = (torch.arange(n, dtype=x.dtype) * self.stride[0] - 1 for n in said.shape[2:])
        total = 0
        for tap in range(9):
            y = rows[:, None] + tap // 3 + said[:, 2 * tap]
            at = columns + tap % 3 + said[:, 2 * tap + 1]
            read = read_at(x, y, at) * said[:, 18 + tap].sigmoid()[:, None]
            total = total + F.conv2d(read, self.weight[:, :, tap // 3, tap % 3, None, None])
        return total if self.bias is None else total + self.bias[:, None, None]


class Unit(nn.Module):
    def __init__(self, inputs: int, c: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, c, 1, bias=False), nn.BatchNorm2d(c)
        plain = nn.Conv2d(c, c, 3, stride, 1, bias=False)
        self.conv2, self.bn2 = plain if c == 64 else Deformable(c, c, stride), nn.BatchNorm2d(c)
        self.conv3, self.bn3 = nn.Conv2d(c, 4 * c, 1, bias=False), nn.BatchNorm2d(4 * c)
        self.downsample = None
        if stride != 1 or inputs != 4 * c:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, 4 * c, 1, stride, bias=False), nn.BatchNorm2d(4 * c))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y)).relu()
        return (self.bn3(self.conv3(y)) + (x if self.downsample is None else self.downsample(x))).relu()


class DeformableResNet(nn.Module):
    def __init__(self, depths: Sequence[int], classes: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        inputs = 64
        for i, (n, c) in enumerate(zip(depths, (64, 128, 256, 512))):
            units = []
            for j in range(n):
                units.append(Unit(inputs, c, 2 if i > 0 and j == 0 else 1))
                inputs = 4 * c
            self.add_module(f"layer{i + 1}", nn.Sequential(*units))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.bn1(self.conv1(x)).relu(), 3, 2, 1)
        for i in range(4):
            x = self.get_submodule(f"layer{i + 1}")(x)
        return self.fc(x.mean((2, 3)))  # type: ignore[no-any-return]
