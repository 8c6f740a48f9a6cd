"""Hourglass, U-Net and RepVGG with torch.nn: the second implementations that the zoo's are held against.

Modules and names of the hourglass are those of bearpaw/pytorch-pose, whose checkpoints the zoo's map reads.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch_scans import put


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


class DoubleConv(nn.Module):
    def __init__(self, inputs: int, c: int) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for n in (inputs, c):
            parts += [nn.Conv2d(n, c, 3, padding=1, bias=False), nn.BatchNorm2d(c), nn.ReLU()]
        self.double_conv = nn.Sequential(*parts)

    def forward(self, x: Tensor) -> Tensor:
        return self.double_conv(x)  # type: ignore[no-any-return]


class Up(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.up, self.conv = nn.ConvTranspose2d(2 * c, c, 2, 2), DoubleConv(2 * c, c)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        return self.conv(torch.cat([seen, self.up(x)], 1))  # type: ignore[no-any-return]


class UNet(nn.Module):
    """With padding and norms, modules and names of milesial/Pytorch-UNet, not bilinear."""

    def __init__(self, c: int, channels: int = 3, classes: int = 2) -> None:
        super().__init__()
        self.inc = DoubleConv(channels, c)
        for i in range(1, 5):
            down = nn.Module()
            down.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), DoubleConv(c << i - 1, c << i))
            self.add_module(f"down{i}", down)
            self.add_module(f"up{i}", Up(c << 4 - i))
        self.outc = nn.Module()
        self.outc.conv = nn.Conv2d(c, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        seen: list[Tensor] = [self.inc(x)]
        for i in range(1, 5):
            seen.append(self.get_submodule(f"down{i}.maxpool_conv")(seen[-1]))
        y = seen.pop()
        for i in range(1, 5):
            y = self.get_submodule(f"up{i}")(y, seen.pop())
        return self.outc.conv(y)  # type: ignore[operator, no-any-return]


class PaperUNet(nn.Module):
    """Figure 1 of arXiv:1505.04597, without padding, under the zoo's paths."""

    def __init__(self, c: int, depth: int = 4, channels: int = 1, classes: int = 2) -> None:
        super().__init__()
        self.depth = depth
        for n in range(depth + 1):
            at, wide = "level" + ".below" * n, c << n
            put(self, f"{at}.down.0", nn.Conv2d(channels if n == 0 else wide // 2, wide, 3))
            put(self, f"{at}.down.2", nn.Conv2d(wide, wide, 3))
            if n < depth:
                put(self, f"{at}.up", nn.ConvTranspose2d(2 * wide, wide, 2, 2))
                put(self, f"{at}.join.0", nn.Conv2d(2 * wide, wide, 3))
                put(self, f"{at}.join.2", nn.Conv2d(wide, wide, 3))
        self.outc = nn.Conv2d(c, classes, 1)

    def twice(self, path: str, x: Tensor) -> Tensor:
        for i in (0, 2):
            x = F.relu(self.get_submodule(f"{path}.{i}")(x))
        return x

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for n in range(self.depth + 1):
            x = self.twice("level" + ".below" * n + ".down", F.max_pool2d(x, 2) if n else x)
            kept.append(x)
        for n in reversed(range(self.depth)):
            at = "level" + ".below" * n
            y = self.get_submodule(f"{at}.up")(x)
            top, left = ((kept[n].shape[i] - y.shape[i]) // 2 for i in (2, 3))
            cropped = kept[n][:, :, top : top + y.shape[2], left : left + y.shape[3]]
            x = self.twice(f"{at}.join", torch.cat([cropped, y], 1))
        return self.outc(x)


class RepUnit(nn.Module):
    """Names of DingXiaoH/RepVGG."""

    def __init__(self, inputs: int, c: int, stride: int, groups: int) -> None:
        super().__init__()
        for name, k in (("rbr_dense", 3), ("rbr_1x1", 1)):
            put(self, f"{name}.conv", nn.Conv2d(inputs, c, k, stride, k // 2, groups=groups, bias=False))
            put(self, f"{name}.bn", nn.BatchNorm2d(c))
        self.rbr_identity = nn.BatchNorm2d(c) if inputs == c and stride == 1 else None

    def forward(self, x: Tensor) -> Tensor:
        branches = [
            self.get_submodule(f"{name}.bn")(self.get_submodule(f"{name}.conv")(x)) for name in ("rbr_dense", "rbr_1x1")
        ]
        return F.relu(sum(branches, 0 if self.rbr_identity is None else self.rbr_identity(x)))


class RepVGG(nn.Module):
    """Section 3.4 and table 2 of arXiv:2101.03697, while it is trained."""

    def __init__(self, depths: Sequence[int], a: float, b: float, groups: int, classes: int) -> None:
        super().__init__()
        widths = [int(64 * a), int(128 * a), int(256 * a), int(512 * b)]
        before, layer = min(64, widths[0]), 1
        self.stage0 = RepUnit(3, before, 2, 1)
        for i, (n, c) in enumerate(zip(depths, widths)):
            units = []
            for j in range(n):
                units.append(RepUnit(before, c, 1 if j else 2, 1 if layer % 2 else groups))
                before, layer = c, layer + 1
            self.add_module(f"stage{i + 1}", nn.Sequential(*units))
        self.linear = nn.Linear(before, classes)

    def forward(self, x: Tensor) -> Tensor:
        for i in range(5):
            x = self.get_submodule(f"stage{i}")(x)
        return self.linear(x.mean((2, 3)))
