"""C3D (arXiv:1412.0767) and X3D-S (arXiv:2004.04730), written from their papers.

C3D: section 3.3, `conv1`, `conv2`, `conv3a` to `conv5b`, `fc6`, `fc7`, `fc8`; 16 frames of 112 x 112, 487 classes. X3D-S: table 1
and section 4, `stem.conv_xy/conv_t/bn`, `res{2..5}.{i}.a/b/c/a_bn/b_bn/c_bn/fc1/fc2/branch/branch_bn`, `conv5`, `conv5_bn`, `fc1`,
`fc2`; 13 frames of 160 x 160, 400 classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


class C3D(nn.Module):
    """Clips [N, 3, 16, 112, 112] to [N, classes]: 3x3x3 convolutions, pools of 2x2x2 (the first 1x2x2)."""

    def __init__(
        self, width: int = 64, hidden: int = 4096, classes: int = 487, frames: int = 16, side: int = 112
    ) -> None:
        super().__init__()
        names = ("conv1", "conv2", "conv3a", "conv3b", "conv4a", "conv4b", "conv5a", "conv5b")
        widths, c = [width * n for n in (1, 2, 4, 4, 8, 8, 8, 8)], 3
        for name, out in zip(names, widths, strict=True):
            self.add_module(name, nn.Conv3d(c, out, 3, padding=1))
            c = out
        left = c * (frames // 16) * ((side // 16 + 1) // 2) ** 2
        self.fc6, self.fc7, self.fc8 = nn.Linear(left, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        for n, names in enumerate(
            (("conv1",), ("conv2",), ("conv3a", "conv3b"), ("conv4a", "conv4b"), ("conv5a", "conv5b"))
        ):
            for name in names:
                x = F.relu(getattr(self, name)(x))
            size = (1, 2, 2) if n == 0 else (2, 2, 2)
            x = F.max_pool3d(x, size, padding=(0, 1, 1) if n == 4 else 0)  # 7 x 7 are left: 4 x 4, as the authors pool
        return self.fc8(F.relu(self.fc7(F.relu(self.fc6(x.flatten(1))))))


class X3DUnit(nn.Module):
    """1x1x1 to 2.25 times the width, a 3x3x3 for each channel, every other one with squeeze and excitation, swish, 1x1x1."""

    def __init__(self, inputs: int, outputs: int, stride: int, excited: bool) -> None:
        super().__init__()
        wide = int(2.25 * outputs)
        self.a, self.a_bn = nn.Conv3d(inputs, wide, 1, bias=False), nn.BatchNorm3d(wide)
        self.b = nn.Conv3d(wide, wide, 3, (1, stride, stride), 1, groups=wide, bias=False)
        self.b_bn = nn.BatchNorm3d(wide)
        self.c, self.c_bn = nn.Conv3d(wide, outputs, 1, bias=False), nn.BatchNorm3d(outputs)
        if excited:
            few = max(8, int(wide / 16 + 4) // 8 * 8)
            few += 8 * (few < 0.9 * wide / 16)
            self.fc1, self.fc2 = nn.Conv3d(wide, few, 1), nn.Conv3d(few, wide, 1)
        self.excited, self.branched = excited, stride > 1 or inputs != outputs
        if self.branched:
            self.branch = nn.Conv3d(inputs, outputs, 1, (1, stride, stride), bias=False)
            # The published weights have no norm where only the stride changes; the paper does not say.
            self.branch_bn = nn.BatchNorm3d(outputs) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.b_bn(self.b(F.relu(self.a_bn(self.a(x)))))
        if self.excited:
            y = y * self.fc2(F.relu(self.fc1(y.mean((2, 3, 4), keepdim=True)))).sigmoid()
        y = self.c_bn(self.c(F.silu(y)))
        return F.relu(y + (self.branch_bn(self.branch(x)) if self.branched else x))


class Stem(nn.Module):
    """A 1x3x3 with stride, then a 5x1x1 for each channel."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.conv_xy = nn.Conv3d(3, c, (1, 3, 3), (1, 2, 2), (0, 1, 1), bias=False)
        self.conv_t = nn.Conv3d(c, c, (5, 1, 1), 1, (2, 0, 0), groups=c, bias=False)
        self.bn = nn.BatchNorm3d(c)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv_t(self.conv_xy(x))))


class X3D(nn.Module):
    """Clips [N, 3, 13, 160, 160] to [N, classes]."""

    def __init__(
        self, depths: Sequence[int] = (3, 5, 11, 7), width: int = 24, hidden: int = 2048, classes: int = 400
    ) -> None:
        super().__init__()
        self.stem, c = Stem(width), width
        for i, depth in enumerate(depths):
            out = width * 2**i
            units = [X3DUnit(out if j else c, out, 1 if j else 2, j % 2 == 0) for j in range(depth)]
            self.add_module(f"res{i + 2}", nn.Sequential(*units))
            c = out
        wide = int(2.25 * c)
        self.conv5, self.conv5_bn = nn.Conv3d(c, wide, 1, bias=False), nn.BatchNorm3d(wide)
        self.fc1, self.fc2 = nn.Linear(wide, hidden, bias=False), nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.res5(self.res4(self.res3(self.res2(self.stem(x)))))
        x = F.relu(self.conv5_bn(self.conv5(x))).mean((2, 3, 4))
        return self.fc2(F.relu(self.fc1(x)))
