"""SiamFC (arXiv:1606.09549), written from its paper: table 1, sections 2.2 and 3.

An AlexNet without padding on both pictures, `backbone.conv{i}.0` with a bias, two groups in the second, fourth and fifth, and
behind all but the last `backbone.conv{i}.1` (norm) and a ReLU; 3, 8, 12, 12 and 8 times 32 channels, an exemplar of 127 and a
search picture of 255 pixels. The response is the correlation of the two maps, times one number and plus one: `adjust`, which
is the authors'; in the paper (equation 1) the factor is 1. 2,336,322 parameters.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


class SiamFC(nn.Module):
    """Exemplars [N, 3, h, w] and search pictures [N, 3, H, W] to responses [N, 1, R, R]."""

    def __init__(self, c: int = 32) -> None:
        super().__init__()
        self.backbone, inputs = nn.Sequential(), 3
        shapes = [
            (3, 11, 2, 1),
            (8, 5, 1, 2),
            (12, 3, 1, 1),
            (12, 3, 1, 2),
            (8, 3, 1, 2),
        ]  # widths, kernel, stride, groups
        for i, (width, kernel, stride, groups) in enumerate(shapes):
            parts: list[nn.Module] = [nn.Conv2d(inputs, width * c, kernel, stride, groups=groups)]
            parts += [nn.BatchNorm2d(width * c), nn.ReLU()] * (i < 4) + [nn.MaxPool2d(3, 2)] * (i < 2)
            self.backbone.add_module(f"conv{i + 1}", nn.Sequential(*parts))
            inputs = width * c
        self.adjust = nn.Conv2d(1, 1, 1)

    def forward(self, exemplar: Tensor, search: Tensor) -> Tensor:
        pairs = zip(self.backbone(exemplar), self.backbone(search), strict=True)
        return self.adjust(torch.cat([F.conv2d(x[None], z[None]) for z, x in pairs]))
