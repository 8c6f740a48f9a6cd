"""Networks from pictures and volumes to maps of the same size, written from their papers with ``torch.nn`` before anyone had
seen the zoo's.

| class | names | sizes |
|---|---|---|
| ``UNetPP`` | ``conv{i}_{j}.{0 2}`` (``{0 1 3 4}`` with norms), ``up{i}_{j}`` where learned, ``final{j}`` | multiples of 16 |
| ``UNet3D`` | ``down.{i}.{0 1 3 4}``, ``up.{i}`` (from below), ``join.{i}.{0 1 3 4}``, ``out`` | 116 x 132 x 132 gives 28 x 44 x 44; at least 92 |
| ``ESPCN`` | ``conv1``, ``conv2``, ``conv3`` | any |
| ``EDSR`` | ``head``, ``body.{i}.{0 2}``, ``last``, ``up.{i}``, ``tail`` | any |
| ``DnCNN`` | ``layers.{i}`` in turn: convolution, (norm,) ReLU | any |
| ``SEUNet`` | ``down.{i}.{0 1 3 4}``, ``bottom``, ``up.{i}`` (from below), ``join.{i}``, ``se_down.{i}``, ``se_join.{i}`` each with ``cse.{0 2}`` and ``sse``, ``out`` | multiples of 16 |
| ``SDNet`` | ``down.{i}.{0 1}``, ``bottom``, ``join.{i}``, ``se_down.{i}``, ``se_join.{i}``, ``out`` | multiples of 16 |
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


def unit(*widths: int, kernel: int = 3, norm: bool = True, bias: bool = True) -> nn.Sequential:
    """3x3 convolutions, each with a norm if asked for, and a ReLU."""
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(widths):
        layers.append(nn.Conv2d(a, b, kernel, padding=kernel // 2, bias=bias))
        layers += [nn.BatchNorm2d(b)] if norm else []
        layers.append(nn.ReLU())
    return nn.Sequential(*layers)


class UNetPP(nn.Module):
    """arXiv:1807.10165, figure 1 and equation 1: node (i, j) sees the row before it and what is below, upsampled. Table 3's
    9.04 million parameters are those of learned upsampling without norms (``learned``, ``norm = False``).
    """

    def __init__(
        self, channels: int = 3, classes: int = 1, widths: Sequence[int] = (32, 64, 128, 256, 512),
        learned: bool = True, norm: bool = False, corners: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.widths, self.corners = widths, corners
        for i, c in enumerate(widths):
            for j in range(len(widths) - i):
                below = widths[i + 1] if j else 0
                if j and learned:
                    setattr(self, f"up{i}_{j}", nn.ConvTranspose2d(below, c, 2, 2))
                    below = c
                entering = j * c + below if j else widths[i - 1] if i else channels
                setattr(self, f"conv{i}_{j}", unit(entering, c, c, norm=norm))
        for j in range(1, len(widths)):
            setattr(self, f"final{j}", nn.Conv2d(widths[0], classes, 1))

    def forward(self, x: Tensor) -> list[Tensor]:
        """What the four nodes of the first row that may be the last say, before the sigmoid."""
        found: dict[tuple[int, int], Tensor] = {}
        for i in range(len(self.widths)):
            x = getattr(self, f"conv{i}_0")(F.max_pool2d(x, 2) if i else x)
            found[i, 0] = x
        for j in range(1, len(self.widths)):
            for i in range(len(self.widths) - j):
                below, learned = found[i + 1, j - 1], getattr(self, f"up{i}_{j}", None)
                above = (
                    F.interpolate(below, scale_factor=2, mode="bilinear", align_corners=self.corners)
                    if learned is None
                    else learned(below)
                )
                row = [found[i, k] for k in range(j)]
                found[i, j] = getattr(self, f"conv{i}_{j}")(torch.cat([*row, above], 1))
        return [getattr(self, f"final{j}")(found[0, j]) for j in range(1, len(self.widths))]


class UNet3D(nn.Module):
    """arXiv:1606.06650, figure 2: no padding, a norm before every ReLU. The paper's 19,069,955 parameters are those
    without the norms' 4,672, with no bias in the upsampling."""

    def __init__(self, channels: int = 3, classes: int = 3, c: int = 32, depth: int = 3) -> None:
        super().__init__()
        entering, steps = [channels, 2 * c, 4 * c, 8 * c][: depth + 1], (16, 8, 4)[3 - depth :]
        self.down = nn.ModuleList([self.pair(a, c * 2**i, c * 2 ** (i + 1)) for i, a in enumerate(entering)])
        self.up = nn.ModuleList([nn.ConvTranspose3d(n * c, n * c, 2, 2, bias=False) for n in steps])
        self.join = nn.ModuleList([self.pair(3 * n // 2 * c, n // 2 * c, n // 2 * c) for n in steps])
        self.out = nn.Conv3d(2 * c, classes, 1)

    @staticmethod
    def pair(a: int, b: int, c: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv3d(a, b, 3), nn.BatchNorm3d(b), nn.ReLU(), nn.Conv3d(b, c, 3), nn.BatchNorm3d(c), nn.ReLU()
        )

    def forward(self, x: Tensor) -> Tensor:
        copied: list[Tensor] = []
        for i, down in enumerate(self.down):
            x = down(F.max_pool3d(x, 2) if i else x)
            copied.append(x)
        copied.pop()
        for up, join in zip(self.up, self.join, strict=True):
            x, whole = up(x), copied.pop()
            starts = [(a - b) // 2 for a, b in zip(whole.shape[2:], x.shape[2:], strict=True)]
            cut = [slice(s, s + n) for s, n in zip(starts, x.shape[2:], strict=True)]
            x = join(torch.cat([whole[:, :, cut[0], cut[1], cut[2]], x], 1))
        score: Tensor = self.out(x)
        return score


class ESPCN(nn.Module):
    """arXiv:1609.05158, section 3: (5, 64), (3, 32), 3 and a shuffle of pixels; tanh."""

    def __init__(self, factor: int = 3, channels: int = 1, c: int = 64) -> None:
        super().__init__()
        self.factor = factor
        self.conv1, self.conv2 = nn.Conv2d(channels, c, 5, padding=2), nn.Conv2d(c, c // 2, 3, padding=1)
        self.conv3 = nn.Conv2d(c // 2, channels * factor**2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(self.conv3(torch.tanh(self.conv2(torch.tanh(self.conv1(x))))), self.factor)


class EDSR(nn.Module):
    """arXiv:1707.02921, figures 2 and 3, table 1: the baseline has 16 units of 64 channels and no scaling; the mean colour of
    DIV2K, of 255, is taken off and put on again.
    """

    MEAN = (0.4488 * 255, 0.4371 * 255, 0.4040 * 255)

    def __init__(self, factor: int = 2, c: int = 64, units: int = 16, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale
        self.steps = [3] if factor == 3 else [2] * (factor.bit_length() - 1)
        self.head, self.last = nn.Conv2d(3, c, 3, padding=1), nn.Conv2d(c, c, 3, padding=1)
        pairs = [[nn.Conv2d(c, c, 3, padding=1), nn.ReLU(), nn.Conv2d(c, c, 3, padding=1)] for _ in range(units)]
        self.body = nn.ModuleList([nn.Sequential(*pair) for pair in pairs])
        self.up = nn.ModuleList([nn.Conv2d(c, n * n * c, 3, padding=1) for n in self.steps])
        self.tail = nn.Conv2d(c, 3, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        mean = torch.tensor(self.MEAN, dtype=image.dtype, device=image.device).reshape(3, 1, 1)
        first = x = self.head(image - mean)
        for body in self.body:
            x = x + self.scale * body(x)
        x = self.last(x) + first
        for conv, n in zip(self.up, self.steps, strict=True):
            x = F.pixel_shuffle(conv(x), n)
        y: Tensor = self.tail(x) + mean
        return y


class DnCNN(nn.Module):
    """arXiv:1608.03981, section 3.2: conv + ReLU, 15 of conv + norm + ReLU, conv; what they say is the noise. Only the first
    convolution has a bias, and the last if asked for.
    """

    def __init__(self, depth: int = 17, c: int = 64, channels: int = 1, last_bias: bool = False) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, c, 3, padding=1), nn.ReLU()]
        for _ in range(depth - 2):
            layers += [nn.Conv2d(c, c, 3, padding=1, bias=False), nn.BatchNorm2d(c), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(c, channels, 3, padding=1, bias=last_bias))

    def forward(self, noisy: Tensor) -> Tensor:
        clean: Tensor = noisy - self.layers(noisy)
        return clean


class SCSE(nn.Module):
    """arXiv:1803.02579, figure 1 d: channels by what is in all of the map, places by their channels; the two are added (the
    paper), or the larger of both is taken (the authors' code).
    """

    def __init__(self, c: int, r: int = 2, join: str = "add") -> None:
        super().__init__()
        self.join = join
        self.cse = nn.Sequential(nn.Linear(c, c // r), nn.ReLU(), nn.Linear(c // r, c), nn.Sigmoid())
        self.sse = nn.Conv2d(c, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        channels = x * self.cse(x.mean((2, 3)))[:, :, None, None]
        places = x * torch.sigmoid(self.sse(x))
        return channels + places if self.join == "add" else torch.maximum(channels, places)


class SEUNet(nn.Module):
    """U-Net with padding and norms (arXiv:1505.04597) whose every encoder and decoder block ends in an scSE; the block at the
    bottom where asked for.
    """

    def __init__(
        self, channels: int = 1, classes: int = 2, c: int = 64, join: str = "add", bottom: bool = False
    ) -> None:
        super().__init__()
        n = [c, 2 * c, 4 * c, 8 * c]
        before = [channels, *n]
        self.down = nn.ModuleList([unit(a, b, b, bias=False) for a, b in zip(before, n, strict=False)])
        self.bottom = unit(8 * c, 16 * c, 16 * c, bias=False)
        self.se_bottom = SCSE(16 * c, join=join) if bottom else nn.Identity()
        self.up = nn.ModuleList([nn.ConvTranspose2d(2 * b, b, 2, 2) for b in reversed(n)])
        self.join = nn.ModuleList([unit(2 * b, b, b, bias=False) for b in reversed(n)])
        self.se_down = nn.ModuleList([SCSE(b, join=join) for b in n])
        self.se_join = nn.ModuleList([SCSE(b, join=join) for b in reversed(n)])
        self.out = nn.Conv2d(c, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        copied = []
        for down, se in zip(self.down, self.se_down, strict=True):
            copied.append(se(down(x)))
            x = F.max_pool2d(copied[-1], 2)
        x = self.se_bottom(self.bottom(x))
        for up, join, se in zip(self.up, self.join, self.se_join, strict=True):
            x = se(join(torch.cat([copied.pop(), up(x)], 1)))
        score: Tensor = self.out(x)
        return score


class SDNet(nn.Module):
    """The skip-deconvolution net of arXiv:1705.00938 as arXiv:1803.02579 has it: four blocks of one 7x7 convolution of 64,
    unpooling by the places of the maxima, what was before the pool beside it; an scSE behind every block but the bottom.
    """

    def __init__(self, channels: int = 1, classes: int = 28, c: int = 64, kernel: int = 7, join: str = "add") -> None:
        super().__init__()
        self.down = nn.ModuleList([unit(channels if i == 0 else c, c, kernel=kernel) for i in range(4)])
        self.bottom = unit(c, c, kernel=kernel)
        self.join = nn.ModuleList([unit(2 * c, c, kernel=kernel) for _ in range(4)])
        self.se_down = nn.ModuleList([SCSE(c, join=join) for _ in range(4)])
        self.se_join = nn.ModuleList([SCSE(c, join=join) for _ in range(4)])
        self.out = nn.Conv2d(c, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        copied, switches = [], []
        for down, se in zip(self.down, self.se_down, strict=True):
            copied.append(se(down(x)))
            x, places = F.max_pool2d(copied[-1], 2, return_indices=True)
            switches.append(places)
        x = self.bottom(x)
        for join, se in zip(self.join, self.se_join, strict=True):
            x = F.max_unpool2d(x, switches.pop(), [2, 2])
            x = se(join(torch.cat([copied.pop(), x], 1)))
        score: Tensor = self.out(x)
        return score
