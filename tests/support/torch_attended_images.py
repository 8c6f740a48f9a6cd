"""Attention between the places of maps, and networks that see videos frame by frame, written from their papers.

Attention-augmented convolution (arXiv:1904.09925), double attention (arXiv:1810.11579), SAGAN's generator (arXiv:1805.08318),
Accuracy Booster (arXiv:1903.04407) and LRCN (arXiv:1411.4389). Names and sizes stand at each class.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch_recurrent import OneBias


class AugmentedConv(nn.Module):
    """[N, c, h, w] to [N, out, h, w]: a convolution, and beside it attention of all places to all (equations 1 to 4).

    `conv` (kernel x kernel, out - dv), `qkv` (2 dk + dv), `out` (dv), `rel_h` [2 h - 1, dk / heads], `rel_w` [2 w - 1, dk / heads].
    """

    def __init__(
        self, inputs: int, outputs: int, dk: int, dv: int, heads: int, size: tuple[int, int], kernel: int = 3, stride: int = 1,
        bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.heads, self.parts = heads, (dk, dk, dv)
        self.conv = nn.Conv2d(inputs, outputs - dv, kernel, stride, kernel // 2, bias=bias)
        self.qkv, self.out = nn.Conv2d(inputs, 2 * dk + dv, 1, stride, bias=bias), nn.Conv2d(dv, dv, 1, bias=bias)
        self.rel_h, self.rel_w = (nn.Parameter(torch.zeros(2 * s - 1, dk // heads)) for s in size)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (y.unflatten(1, (self.heads, -1)) for y in self.qkv(x).split(self.parts, 1))
        n, _, d, high, wide = q.shape
        y, z = torch.arange(high), torch.arange(wide)
        rows, columns = self.rel_h[y - y[:, None] + high - 1], self.rel_w[z - z[:, None] + wide - 1]
        scores = torch.einsum("nhcyz,nhcYZ->nhyzYZ", q, k)
        scores = scores + torch.einsum("nhcyz,yYc->nhyzY", q, rows)[..., None]
        scores = scores + torch.einsum("nhcyz,zZc->nhyzZ", q, columns)[..., None, :]
        weights = (scores.flatten(4).flatten(2, 3) / math.sqrt(d)).softmax(3)
        found = (weights @ v.flatten(3).transpose(2, 3)).transpose(2, 3).reshape(n, self.parts[2], high, wide)
        return torch.cat([self.conv(x), self.out(found)], 1)


class DoubleAttention(nn.Module):
    """x to x + `project`(G softmax(V)), G = A softmax(B): maps `b` gather over places, maps `v` give back to each place."""

    def __init__(self, c: int, m: int, n: int) -> None:
        super().__init__()
        self.a, self.b, self.v = nn.Conv2d(c, m, 1), nn.Conv2d(c, n, 1), nn.Conv2d(c, n, 1)
        self.project = nn.Conv2d(m, c, 1)

    def forward(self, x: Tensor) -> Tensor:
        gathered = self.a(x).flatten(2) @ self.b(x).flatten(2).softmax(2).transpose(1, 2)
        given = gathered @ self.v(x).flatten(2).softmax(1)
        return x + self.project(given.unflatten(2, x.shape[2:]))


class ConditionalNorm(nn.Module):
    """`norm` without parameters, `gamma` and `beta` of each class."""

    def __init__(self, c: int, classes: int) -> None:
        super().__init__()
        self.norm, self.gamma, self.beta = (
            nn.BatchNorm2d(c, affine=False),
            nn.Embedding(classes, c),
            nn.Embedding(classes, c),
        )

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        return self.norm(x) * self.gamma(label)[:, :, None, None] + self.beta(label)[:, :, None, None]


def doubled(x: Tensor) -> Tensor:
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


class GeneratorBlock(nn.Module):
    """`norm1 conv1 norm2 conv2` and `shortcut`; twice the resolution."""

    def __init__(self, inputs: int, outputs: int, classes: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = ConditionalNorm(inputs, classes), ConditionalNorm(outputs, classes)
        self.conv1, self.conv2 = nn.Conv2d(inputs, outputs, 3, padding=1), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        y = self.conv1(doubled(self.norm1(x, label).relu()))
        return self.conv2(self.norm2(y, label).relu()) + self.shortcut(doubled(x))


class PlaceAttention(nn.Module):
    """Section 3: `f`, `g`, `h` to an eighth of the channels, `v` back, `gamma` [1]; place j weighs all places i."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.f, self.g, self.h = (nn.Conv2d(c, c // 8, 1, bias=False) for _ in range(3))
        self.v, self.gamma = nn.Conv2d(c // 8, c, 1, bias=False), nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        f, g, h = (part(x).flatten(2) for part in (self.f, self.g, self.h))
        weights = (f.transpose(1, 2) @ g).softmax(1)
        return x + self.gamma * self.v((h @ weights).unflatten(2, x.shape[2:]))


class SaganGenerator(nn.Module):
    """Random numbers [N, z] and classes [N] to pictures [N, 3, 128, 128]; no spectral norm, which divides weights.

    `fc`, `blocks.{i}`, `attention` behind the third (32 x 32), `norm`, `conv`; width 64, z = 128, 1000 classes.
    """

    def __init__(self, width: int = 64, z: int = 128, classes: int = 1000) -> None:
        super().__init__()
        widths = [16 * width, 16 * width, 8 * width, 4 * width, 2 * width, width]
        self.fc = nn.Linear(z, 16 * widths[0])
        self.blocks = nn.ModuleList([GeneratorBlock(a, b, classes) for a, b in pairwise(widths)])
        self.attention = PlaceAttention(4 * width)
        self.norm, self.conv = nn.BatchNorm2d(width), nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        x = self.fc(z).unflatten(1, (-1, 4, 4))
        for i, block in enumerate(self.blocks):
            x = block(x, label)
            x = self.attention(x) if i == 2 else x
        return self.conv(self.norm(x).relu()).tanh()


class Gate(nn.Module):
    """`dw`, `bn`: each channel's mean, scaled and normed, decides how much of it passes."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.dw, self.bn = nn.Conv2d(c, c, 1, groups=c, bias=False), nn.BatchNorm2d(c)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.bn(self.dw(x.mean((2, 3), keepdim=True))).sigmoid()


def booster_resnet(depths: Sequence[int] = (3, 4, 6, 3), classes: int = 1000) -> Any:
    """Torchvision's ResNet of bottlenecks, with `layer{i}.{j}.se.dw/bn` behind `bn3`."""
    from torch_models import torchvision_models

    resnet = torchvision_models().resnet

    class Boosted(resnet.Bottleneck):  # type: ignore[misc, name-defined]
        def __init__(self, *given: Any, **settings: Any) -> None:
            super().__init__(*given, **settings)
            self.se = Gate(self.bn3.num_features)

        def forward(self, x: Tensor) -> Tensor:
            y = self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))))
            y = self.se(self.bn3(self.conv3(y)))
            return self.relu(y + (x if self.downsample is None else self.downsample(x)))

    return resnet.ResNet(Boosted, list(depths), num_classes=classes)


class Lrcn(nn.Module):
    """Videos [N, T, 3, side, side] to scores [N, T, classes]: `frames.conv1` to `frames.conv5`, `frames.fc6`, `lstm1`, `fc8`.

    96, 384, 512, 512 and 384 channels, 4096, 256, 101 classes, side 227.
    """

    def __init__(
        self, widths: Sequence[int] = (96, 384, 512, 512, 384), hidden: int = 4096, lstm: int = 256, classes: int = 101, side: int = 227
    ) -> None:  # fmt: skip
        super().__init__()
        shapes = [
            (7, 2, 0, 1),
            (5, 2, 0, 2),
            (3, 1, 1, 1),
            (3, 1, 1, 2),
            (3, 1, 1, 2),
        ]  # kernel, stride, padding, groups
        parts: dict[str, nn.Module] = {}
        for i, (a, b, (kernel, stride, padding, groups)) in enumerate(zip([3, *widths], widths, shapes, strict=False)):
            parts[f"conv{i + 1}"] = nn.Conv2d(a, b, kernel, stride, padding, groups=groups)
            side = (side + 2 * padding - kernel) // stride + 1
            side = math.ceil((side - 3) / 2) + 1 if i in (0, 1, 4) else side
        self.frames = nn.ModuleDict({**parts, "fc6": nn.Linear(widths[-1] * side * side, hidden)})
        self.lstm1, self.fc8 = OneBias(hidden, lstm), nn.Linear(lstm, classes)

    def forward(self, video: Tensor) -> Tensor:
        x = video.flatten(0, 1)
        for i in range(1, 6):
            x = self.frames[f"conv{i}"](x).relu()
            x = F.max_pool2d(x, 3, 2, ceil_mode=True) if i in (1, 2, 5) else x
            x = F.local_response_norm(x, 5, 1e-4, 0.75, 1.0) if i in (1, 2) else x
        x = self.frames["fc6"](x.flatten(1)).relu()
        return self.fc8(self.lstm1(x.unflatten(0, video.shape[:2]))[0])
