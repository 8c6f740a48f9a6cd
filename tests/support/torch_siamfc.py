"""SiamFC (arXiv:1606.09549, table 1 and figure 1) with torch.nn: `backbone.conv1.0/1` … `backbone.conv5.0`, `adjust`.

Each exemplar is correlated with its own search picture, one pair after the other.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


class Trunk(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(nn.Conv2d(3, 3 * c, 11, 2), nn.BatchNorm2d(3 * c), nn.ReLU(), nn.MaxPool2d(3, 2))
        self.conv2 = nn.Sequential(
            nn.Conv2d(3 * c, 8 * c, 5, groups=2), nn.BatchNorm2d(8 * c), nn.ReLU(), nn.MaxPool2d(3, 2)
        )
        self.conv3 = nn.Sequential(nn.Conv2d(8 * c, 12 * c, 3), nn.BatchNorm2d(12 * c), nn.ReLU())
        self.conv4 = nn.Sequential(nn.Conv2d(12 * c, 12 * c, 3, groups=2), nn.BatchNorm2d(12 * c), nn.ReLU())
        self.conv5 = nn.Sequential(nn.Conv2d(12 * c, 8 * c, 3, groups=2))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv5(self.conv4(self.conv3(self.conv2(self.conv1(x)))))
        return y


class SiamFC(nn.Module):
    def __init__(self, c: int = 32) -> None:
        super().__init__()
        self.backbone, self.adjust = Trunk(c), nn.Conv2d(1, 1, 1)

    def forward(self, exemplar: Tensor, search: Tensor) -> Tensor:
        z, x = self.backbone(exemplar), self.backbone(search)
        pairs = zip(z.unbind(), x.unbind(), strict=True)
        y: Tensor = self.adjust(torch.cat([F.conv2d(there[None], here[None]) for here, there in pairs]))
        return y
