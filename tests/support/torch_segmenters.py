"""Networks that give every pixel a class, written from their papers with ``torch.nn`` before anyone had seen the zoo's.

| class | names | sizes |
|---|---|---|
| ``DeconvNet`` | ``conv1_1``, ``bnconv1_1`` … ``fc6``, ``bnfc6``, ``fc7``, ``deconv_fc6``, ``deconv5_1`` … ``deconv1_2``, ``seg_score`` | 224 |
| ``SegNet`` | ``encoder.{stage}.{3 n}`` (convolution, norm, ReLU in turn), ``decoder.{stage}.{3 n}`` (stage 0 is the lowest) | multiples of 32 |
| ``FCN8s`` | ``conv1_1`` … ``conv5_3``, ``fc6``, ``fc7``, ``score_fr``, ``score_pool3``, ``score_pool4``, ``upscore2``, ``upscore_pool4``, ``upscore8`` | any |
| ``PSPNet`` | ``backbone.`` as torchvision's ResNet, ``stages.{i}.{0 1}``, ``bottleneck.{0 1 4}`` | any |
| ``DeepLabV3Plus`` | ``backbone.`` as torchvision's ResNet, ``aspp.convs.{i}``, ``aspp.pool.{0 1}``, ``aspp.project.{0 1}``, ``low.{0 1}``, ``decoder.{0 1 3 4 6}`` | any |

``width`` makes all channels ``width`` / 64 of the paper's; fc6 and fc7 have ``wide``.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

VGG16 = ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3))
"""Channels as multiples of the first stage's, and convolutions, of each stage."""


class DeconvNet(nn.Module):
    """arXiv:1505.04366, table 2: VGG16, and its mirror with unpooling by the switches; a norm behind every layer but the last."""

    def __init__(self, classes: int = 21, width: int = 64, wide: int = 4096, side: int = 7) -> None:
        super().__init__()
        before = 3
        for stage, (m, n) in enumerate(VGG16, 1):
            for i in range(1, n + 1):
                setattr(self, f"conv{stage}_{i}", nn.Conv2d(before, m * width, 3, padding=1))
                setattr(self, f"bnconv{stage}_{i}", nn.BatchNorm2d(m * width))
                before = m * width
        self.fc6, self.bnfc6 = nn.Conv2d(before, wide, side), nn.BatchNorm2d(wide)
        self.fc7, self.bnfc7 = nn.Conv2d(wide, wide, 1), nn.BatchNorm2d(wide)
        self.deconv_fc6, self.bndeconv_fc6 = nn.ConvTranspose2d(wide, before, side), nn.BatchNorm2d(before)
        for stage, (m, n) in reversed([*enumerate(VGG16, 1)]):
            last = VGG16[stage - 2][0] if stage > 1 else 1
            for i in range(1, n + 1):
                out = (last if i == n else m) * width
                setattr(self, f"deconv{stage}_{i}", nn.ConvTranspose2d(before, out, 3, padding=1))
                setattr(self, f"bndeconv{stage}_{i}", nn.BatchNorm2d(out))
                before = out
        self.seg_score = nn.Conv2d(before, classes, 1)

    def layer(self, name: str, x: Tensor) -> Tensor:
        return F.relu(getattr(self, f"bn{name}")(getattr(self, name)(x)))

    def forward(self, x: Tensor) -> Tensor:
        switches = []
        for stage, (_, n) in enumerate(VGG16, 1):
            for i in range(1, n + 1):
                x = self.layer(f"conv{stage}_{i}", x)
            x, places = F.max_pool2d(x, 2, return_indices=True)
            switches.append(places)
        for name in ("fc6", "fc7", "deconv_fc6"):
            x = self.layer(name, x)
        for stage, (_, n) in reversed([*enumerate(VGG16, 1)]):
            x = F.max_unpool2d(x, switches[stage - 1], [2, 2])
            for i in range(1, n + 1):
                x = self.layer(f"deconv{stage}_{i}", x)
        score: Tensor = self.seg_score(x)
        return score


class SegNet(nn.Module):
    """arXiv:1511.00561, section 3: VGG16's 13 convolutions with norms, and a mirror of convolutions behind each unpooling."""

    def __init__(self, classes: int = 11, width: int = 64) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.ModuleList(), nn.ModuleList()
        before = 3
        for m, n in VGG16:
            self.encoder.append(self.stage([before] + [m * width] * n))
            before = m * width
        for stage in range(len(VGG16) - 1, -1, -1):
            m, n = VGG16[stage]
            last = VGG16[stage - 1][0] * width if stage else classes
            mirror = self.stage([m * width] * n + [last])
            self.decoder.append(mirror if stage else mirror[:-2])

    @staticmethod
    def stage(widths: Sequence[int]) -> nn.Sequential:
        layers: list[nn.Module] = []
        for a, b in itertools.pairwise(widths):
            layers += [nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU()]
        return nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        switches = []
        for stage in self.encoder:
            x, places = F.max_pool2d(stage(x), 2, return_indices=True)
            switches.append(places)
        for stage in self.decoder:
            x = stage(F.max_unpool2d(x, switches.pop(), [2, 2]))
        return x


class FCN8s(nn.Module):
    """arXiv:1411.4038, section 4: VGG16 as convolutions, 100 pixels of padding in the first, pools in Caffe's ceil mode;
    scores of pool4 and pool3 are cut at 5 and 9, what is upsampled at 31.
    """

    def __init__(self, classes: int = 21, width: int = 64, wide: int = 4096) -> None:
        super().__init__()
        before = 3
        for stage, (m, n) in enumerate(VGG16, 1):
            for i in range(1, n + 1):
                padding = 100 if (stage, i) == (1, 1) else 1
                setattr(self, f"conv{stage}_{i}", nn.Conv2d(before, m * width, 3, padding=padding))
                before = m * width
        self.fc6, self.fc7 = nn.Conv2d(before, wide, 7), nn.Conv2d(wide, wide, 1)
        self.score_fr = nn.Conv2d(wide, classes, 1)
        self.score_pool4, self.score_pool3 = nn.Conv2d(8 * width, classes, 1), nn.Conv2d(4 * width, classes, 1)
        self.upscore2 = nn.ConvTranspose2d(classes, classes, 4, 2, bias=False)
        self.upscore_pool4 = nn.ConvTranspose2d(classes, classes, 4, 2, bias=False)
        self.upscore8 = nn.ConvTranspose2d(classes, classes, 16, 8, bias=False)

    def forward(self, image: Tensor) -> Tensor:
        x, pools = image, []
        for stage, (_, n) in enumerate(VGG16, 1):
            for i in range(1, n + 1):
                x = F.relu(getattr(self, f"conv{stage}_{i}")(x))
            x = F.max_pool2d(x, 2, ceil_mode=True)
            pools.append(x)
        x = F.relu(self.fc7(F.relu(self.fc6(x))))
        x = self.upscore2(self.score_fr(x))
        x = x + self.cut(self.score_pool4(pools[3]), 5, x)
        x = self.upscore_pool4(x)
        x = x + self.cut(self.score_pool3(pools[2]), 9, x)
        return self.cut(self.upscore8(x), 31, image)

    @staticmethod
    def cut(x: Tensor, start: int, like: Tensor) -> Tensor:
        return x[:, :, start : start + like.shape[2], start : start + like.shape[3]]


class Bottleneck(nn.Module):
    def __init__(self, inputs: int, c: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, c, 1, bias=False), nn.BatchNorm2d(c)
        self.conv2 = nn.Conv2d(c, c, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.conv3, self.bn3 = nn.Conv2d(c, 4 * c, 1, bias=False), nn.BatchNorm2d(4 * c)
        self.downsample: nn.Module | None = None
        if stride > 1 or inputs != 4 * c:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, 4 * c, 1, stride, bias=False), nn.BatchNorm2d(4 * c))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        short = x if self.downsample is None else self.downsample(x)
        return F.relu(self.bn3(self.conv3(y)) + short)


class DilatedResNet(nn.Module):
    """ResNet whose maps are never smaller than 1 / ``stride``: later stages dilate, their first unit by what is before.

    ``grid`` multiplies the dilations of the last stage's units (DeepLabV3's multi-grid).
    """

    def __init__(self, depths: Sequence[int], width: int, stride: int, grid: Sequence[int] = ()) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
        before, now, dilation = width, 4, 1
        for i, n in enumerate(depths):
            c, units = width * 2**i, []
            step, first = (2 if i else 1), dilation
            if now * step > stride:
                step, dilation = 1, dilation * step
            now *= step
            for j in range(n):
                rate = first if j == 0 and not grid else dilation
                if grid and i == len(depths) - 1:
                    rate = dilation * grid[j]
                units.append(Bottleneck(before, c, step if j == 0 else 1, rate))
                before = 4 * c
            setattr(self, f"layer{i + 1}", nn.Sequential(*units))

    def forward(self, x: Tensor) -> list[Tensor]:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        found = []
        for i in range(1, 5):
            x = getattr(self, f"layer{i}")(x)
            found.append(x)
        return found


def conv_bn(a: int, b: int, k: int = 1, dilation: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(a, b, k, padding=dilation * (k // 2), dilation=dilation, bias=False),
        nn.BatchNorm2d(b),
        nn.ReLU(),
    ]


def up(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, like.shape[2:], mode="bilinear")


class PSPNet(nn.Module):
    """arXiv:1612.01105, figure 3: ResNet-50 at 1/8, its last maps averaged in 1, 4, 9 and 36 bins. The published stem of
    three 3x3 convolutions is not in the paper; half-pixel bilinear resizing.
    """

    def __init__(self, classes: int = 21, depths: Sequence[int] = (3, 4, 6, 3), width: int = 64) -> None:
        super().__init__()
        c, self.bins = 32 * width, (1, 2, 3, 6)
        self.backbone = DilatedResNet(depths, width, 8)
        self.stages = nn.ModuleList([nn.Sequential(*conv_bn(c, c // 4)) for _ in self.bins])
        head = [*conv_bn(2 * c, c // 4, 3), nn.Dropout(0.1), nn.Conv2d(c // 4, classes, 1)]
        self.bottleneck = nn.Sequential(*head)

    def forward(self, image: Tensor) -> Tensor:
        x = self.backbone(image)[-1]
        views = [up(stage(F.adaptive_avg_pool2d(x, n)), x) for n, stage in zip(self.bins, self.stages, strict=True)]
        return up(self.bottleneck(torch.cat([x, *views], 1)), image)


class ASPP(nn.Module):
    def __init__(self, inputs: int, c: int, rates: Sequence[int]) -> None:
        super().__init__()
        views = [conv_bn(inputs, c), *(conv_bn(inputs, c, 3, rate) for rate in rates)]
        self.convs = nn.ModuleList([nn.Sequential(*view) for view in views])
        self.pool = nn.Sequential(*conv_bn(inputs, c))
        self.project = nn.Sequential(*conv_bn(c * (len(views) + 1), c), nn.Dropout(0.5))

    def forward(self, x: Tensor) -> Tensor:
        views = [view(x) for view in self.convs]
        y: Tensor = self.project(torch.cat([*views, up(self.pool(x.mean((2, 3), keepdim=True)), x)], 1))
        return y


class DeepLabV3Plus(nn.Module):
    """arXiv:1802.02611, figure 2, with ResNet-50 at 1/16, ordinary convolutions (the separable ones are Xception's), no
    multi-grid by default; half-pixel bilinear resizing.
    """

    def __init__(
        self, classes: int = 21, depths: Sequence[int] = (3, 4, 6, 3), width: int = 64,
        rates: Sequence[int] = (6, 12, 18), grid: Sequence[int] = (),
    ) -> None:  # fmt: skip
        super().__init__()
        c, low = 4 * width, 3 * width // 4
        self.backbone = DilatedResNet(depths, width, 16, grid)
        self.aspp = ASPP(32 * width, c, rates)
        self.low = nn.Sequential(*conv_bn(4 * width, low))
        self.decoder = nn.Sequential(*conv_bn(c + low, c, 3), *conv_bn(c, c, 3), nn.Conv2d(c, classes, 1))

    def forward(self, image: Tensor) -> Tensor:
        early, *_, x = self.backbone(image)
        low = self.low(early)
        x = self.decoder(torch.cat([up(self.aspp(x), low), low], 1))
        return up(x, image)
