"""Coordinate attention (arXiv:2103.02907) in MobileNetV2, written from the paper's figure 2c and equations 4 to 9.

`features.0` and `features.18` convolution and norm, `features.{i}.conv.{n}` the layers of a bottleneck in their order (`conv.6` is
the attention of those that expand: `conv1`, `bn1`, `conv_h`, `conv_w`), `classifier`; width 1, reduction 32, 1000 classes.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


class CoordinateAttention(nn.Module):
    def __init__(self, c: int, reduction: int) -> None:
        super().__init__()
        few = max(8, c // reduction)
        self.conv1, self.bn1 = nn.Conv2d(c, few, 1), nn.BatchNorm2d(few)
        self.conv_h, self.conv_w = nn.Conv2d(few, c, 1), nn.Conv2d(few, c, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = x.shape[2]
        rows, columns = x.mean(3, keepdim=True), x.mean(2, keepdim=True).transpose(2, 3)
        y = F.hardswish(self.bn1(self.conv1(torch.cat([rows, columns], 2))))
        by_row, by_column = self.conv_h(y[:, :, :h]).sigmoid(), self.conv_w(y[:, :, h:].transpose(2, 3)).sigmoid()
        return x * by_row * by_column


def conv_bn(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs)]


class Bottleneck(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, expand: int, reduction: int) -> None:
        super().__init__()
        wide, self.same = inputs * expand, stride == 1 and inputs == outputs
        parts = [*conv_bn(inputs, wide, 1), nn.ReLU6()] * (expand > 1)
        parts += [*conv_bn(wide, wide, 3, stride, wide), nn.ReLU6()]
        parts += [CoordinateAttention(wide, reduction)] * (expand > 1)
        self.conv = nn.Sequential(*parts, *conv_bn(wide, outputs, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.same else self.conv(x)


class CoordinateMobileNetV2(nn.Module):
    """Pictures to [N, classes]; what has no expansion (the first bottleneck) has no attention."""

    def __init__(self, width: float = 1.0, classes: int = 1000, reduction: int = 32) -> None:
        super().__init__()

        def wide(c: float) -> int:
            near = max(8, int(c * width + 4) // 8 * 8)
            return near + 8 * (near < 0.9 * c * width)

        rows = (
            (1, 16, 1, 1),
            (6, 24, 2, 2),
            (6, 32, 3, 2),
            (6, 64, 4, 2),
            (6, 96, 3, 1),
            (6, 160, 3, 2),
            (6, 320, 1, 1),
        )
        c = wide(32)
        parts: list[nn.Module] = [nn.Sequential(*conv_bn(3, c, 3, 2), nn.ReLU6())]
        for expand, out, times, stride in rows:
            for j in range(times):
                parts.append(Bottleneck(c, wide(out), 1 if j else stride, expand, reduction))
                c = wide(out)
        last = max(1280, wide(1280))
        self.features = nn.Sequential(*parts, nn.Sequential(*conv_bn(c, last, 1), nn.ReLU6()))
        self.classifier = nn.Linear(last, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).mean((2, 3)))
