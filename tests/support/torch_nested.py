"""Hourglass and U-Net with torch.nn: the second implementation that the zoo's are held against.

Modules and names of the hourglass are those of bearpaw/pytorch-pose, whose checkpoints the zoo's map reads.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


class Bottleneck(nn.Module):
    def __init__(self, inputs: int, planes: int) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, planes, 1)
        self.bn2, self.conv2 = nn.BatchNorm2d(planes), nn.Conv2d(planes, planes, 3, padding=1)
        self.bn3, self.conv3 = nn.BatchNorm2d(planes), nn.Conv2d(planes, 2 * planes, 1)
        self.downsample = nn.Sequential(nn.Conv2d(inputs, 2 * planes, 1)) if inputs != 2 * planes else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.relu(self.bn1(x)))
        y = self.conv3(F.relu(self.bn3(self.conv2(F.relu(self.bn2(y))))))
        return y + (x if self.downsample is None else self.downsample(x))


class Level(nn.Module):
    def __init__(self, planes: int, depth: int) -> None:
        super().__init__()
        self.depth = depth
        rows = [[nn.Sequential(Bottleneck(2 * planes, planes)) for _ in range(4 - (i > 0))] for i in range(depth)]
        self.hg = nn.ModuleList([nn.ModuleList(row) for row in rows])

    def at(self, n: int, x: Tensor) -> Tensor:
        row = self.hg[n - 1]
        low = row[1](F.max_pool2d(x, 2))
        low = self.at(n - 1, low) if n > 1 else row[3](low)
        return row[0](x) + F.interpolate(row[2](low), scale_factor=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.at(self.depth, x)


class Hourglass(nn.Module):
    def __init__(self, stacks: int, c: int, joints: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, c // 4, 7, 2, 3), nn.BatchNorm2d(c // 4)
        self.layer1 = nn.Sequential(Bottleneck(c // 4, c // 4))
        self.layer2 = nn.Sequential(Bottleneck(c // 2, c // 4))
        self.layer3 = nn.Sequential(Bottleneck(c // 2, c // 2))
        self.hg = nn.ModuleList([Level(c // 2, 4) for _ in range(stacks)])
        self.res = nn.ModuleList([nn.Sequential(Bottleneck(c, c // 2)) for _ in range(stacks)])
        heads = [nn.Sequential(nn.Conv2d(c, c, 1), nn.BatchNorm2d(c), nn.ReLU()) for _ in range(stacks)]
        self.fc = nn.ModuleList(heads)
        self.score = nn.ModuleList([nn.Conv2d(c, joints, 1) for _ in range(stacks)])
        self.fc_ = nn.ModuleList([nn.Conv2d(c, c, 1) for _ in range(stacks - 1)])
        self.score_ = nn.ModuleList([nn.Conv2d(joints, c, 1) for _ in range(stacks - 1)])

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.layer1(F.relu(self.bn1(self.conv1(x)))), 2)
        x = self.layer3(self.layer2(x))
        found: list[Tensor] = []
        for i in range(len(self.hg)):
            y = self.fc[i](self.res[i](self.hg[i](x)))
            found.append(self.score[i](y))
            if i < len(self.fc_):
                x = x + self.fc_[i](y) + self.score_[i](found[-1])
        return torch.stack(found, 1)


def drawn(net: nn.Module) -> dict[str, Tensor]:
    """Weights like those of a trained network, set and given by name."""
    generator = torch.Generator().manual_seed(0)
    for name, tensor in net.state_dict().items():
        if tensor.is_floating_point():
            values = torch.rand(tensor.shape, generator=generator)
            fan = max(tensor[0].numel(), 1) if tensor.dim() > 1 else 1
            tensor.copy_(
                values + 0.5 if tensor.dim() == 1 and "bias" not in name else (values - 0.5) * (3 / fan) ** 0.5
            )
    return {name: tensor for name, tensor in net.state_dict().items() if tensor.is_floating_point()}
