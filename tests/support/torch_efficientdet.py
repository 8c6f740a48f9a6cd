"""EfficientDet with torch.nn, from arXiv:1911.09070 (EfficientNet: 1905.11946), with TensorFlow's padding.

Names: ``stem``, ``blocks.{stage}.{j}``, ``lateral.{p}`` (the 1x1 in front of the first BiFPN; ``lateral.4b`` and ``5b`` are
those of the second use), ``fpn.{cell}.{node}`` and ``fpn.{cell}.{node}.weight`` (nodes in the order of figure 2d: p6, p5, p4
on the way down, n3 … n7 on the way up), ``class_net`` and ``box_net`` with ``conv.{k}``, ``norm.{level}.{k}`` and ``predict``.
D0: 64 channels, 3 cells, 3 layers in each head, 512 pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

B0 = [(1, 3, 1, 16, 1), (2, 3, 6, 24, 2), (2, 5, 6, 40, 2), (3, 3, 6, 80, 2), (3, 5, 6, 112, 1), (4, 5, 6, 192, 2),
      (1, 3, 6, 320, 1)]  # fmt: skip
"""EfficientNet-B0: how often, kernel, expansion, channels, stride of the first."""


def norm(c: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(c, eps=1e-3)


def around(x: Tensor, kernel: int, stride: int, value: float = 0.0) -> Tensor:
    """Padded so that the result has ``ceil(size / stride)`` positions, an odd one at the end."""
    sides = [max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in (x.shape[3], x.shape[2])]
    return F.pad(x, [part for n in sides for part in (n // 2, n - n // 2)], value=value)


def halved(x: Tensor) -> Tensor:
    return F.max_pool2d(around(x, 3, 2, float("-inf")), 3, 2)


class Same(nn.Conv2d):
    """A convolution with that padding."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(around(x, self.kernel_size[0], self.stride[0]))


class Inverted(nn.Module):
    """``expand``, ``expand_norm``, ``depthwise``, ``depthwise_norm``, ``squeeze``, ``excite``, ``project``, ``project_norm``."""

    def __init__(self, inputs: int, kernel: int, t: int, c: int, stride: int) -> None:
        super().__init__()
        wide = inputs * t
        self.expand = nn.Conv2d(inputs, wide, 1, bias=False) if t > 1 else None
        self.expand_norm = norm(wide) if t > 1 else None
        self.depthwise, self.depthwise_norm = Same(wide, wide, kernel, stride, groups=wide, bias=False), norm(wide)
        self.squeeze, self.excite = nn.Conv2d(wide, inputs // 4, 1), nn.Conv2d(inputs // 4, wide, 1)
        self.project, self.project_norm = nn.Conv2d(wide, c, 1, bias=False), norm(c)
        self.plus = inputs == c and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else F.silu(self.expand_norm(self.expand(x)))  # type: ignore[misc]
        y = F.silu(self.depthwise_norm(self.depthwise(y)))
        y = y * torch.sigmoid(self.excite(F.silu(self.squeeze(y.mean((2, 3), keepdim=True)))))
        y = self.project_norm(self.project(y))
        return x + y if self.plus else y


class Separable(nn.Module):
    """``depthwise`` 3 x 3 without bias, ``pointwise`` with."""

    def __init__(self, inputs: int, c: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, c, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.depthwise(x))  # type: ignore[no-any-return]


class Node(nn.Module):
    """Maps joined by a fast normalised fusion (section 3.3), SiLU, separable convolution ``conv``, ``norm``."""

    def __init__(self, count: int, c: int) -> None:
        super().__init__()
        self.weight, self.conv, self.norm = nn.Parameter(torch.ones(count)), Separable(c, c), norm(c)

    def forward(self, *maps: Tensor) -> Tensor:
        w = F.relu(self.weight)
        joined = torch.stack(maps, -1) @ (w / (w.sum() + 1e-4))
        return self.norm(self.conv(F.silu(joined)))  # type: ignore[no-any-return]


class Cell(nn.Module):
    """One BiFPN layer on p3 … p7. Where there are seven maps, p4 and p5 are there twice: for the way down and up."""

    def __init__(self, c: int) -> None:
        super().__init__()
        counts = {"p6": 2, "p5": 2, "p4": 2, "n3": 2, "n4": 3, "n5": 3, "n6": 3, "n7": 2}
        for name, count in counts.items():
            self.add_module(name, Node(count, c))

    def forward(self, down: Sequence[Tensor], up: Sequence[Tensor]) -> list[Tensor]:
        def doubled(x: Tensor) -> Tensor:
            return F.interpolate(x, scale_factor=2)

        p3, p4, p5, p6, p7 = down
        q6 = self.p6(p6, doubled(p7))
        q5 = self.p5(p5, doubled(q6))
        q4 = self.p4(p4, doubled(q5))
        n3 = self.n3(p3, doubled(q4))
        n4 = self.n4(up[1], q4, halved(n3))
        n5 = self.n5(up[2], q5, halved(n4))
        n6 = self.n6(p6, q6, halved(n5))
        return [n3, n4, n5, n6, self.n7(p7, halved(n6))]


class Head(nn.Module):
    """One head for all levels, but for its norms."""

    def __init__(self, c: int, depth: int, out: int, levels: int = 5) -> None:
        super().__init__()
        self.conv, self.predict = nn.ModuleList([Separable(c, c) for _ in range(depth)]), Separable(c, out)
        self.norm = nn.ModuleList([nn.ModuleList([norm(c) for _ in range(depth)]) for _ in range(levels)])

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        found = []
        for x, norms in zip(maps, self.norm):
            for conv, one in zip(self.conv, norms):  # type: ignore[arg-type]
                x = F.silu(one(conv(x)))
            found.append(self.predict(x))
        return found


class EfficientDet(nn.Module):
    """[N, 3, H, W], sides multiples of 128, to ten maps: scores [N, 9 * classes, h, w] of the levels 3 to 7, boxes [N, 36, h, w]."""

    def __init__(
        self, classes: int = 90, c: int = 64, cells: int = 3, depth: int = 3, stem: int = 32,
        stages: Sequence[tuple[int, int, int, int, int]] = tuple(B0),
    ) -> None:  # fmt: skip
        super().__init__()
        self.stem, self.stem_norm, self.blocks = Same(3, stem, 3, 2, bias=False), norm(stem), nn.ModuleList()
        before, wide = stem, []
        for n, kernel, t, out, stride in stages:
            parts = [Inverted(before if j == 0 else out, kernel, t, out, stride if j == 0 else 1) for j in range(n)]
            self.blocks.append(nn.ModuleList(parts))
            before = out
            wide.append(out)
        sources = {"3": wide[2], "4": wide[4], "5": wide[6], "4b": wide[4], "5b": wide[6], "6": wide[6]}
        self.lateral = nn.ModuleDict({p: nn.Sequential(nn.Conv2d(n, c, 1), norm(c)) for p, n in sources.items()})
        self.fpn = nn.ModuleList([Cell(c) for _ in range(cells)])
        self.class_net, self.box_net = Head(c, depth, 9 * classes), Head(c, depth, 9 * 4)

    def forward(self, x: Tensor) -> list[Tensor]:
        x, seen = F.silu(self.stem_norm(self.stem(x))), []
        for stage in self.blocks:
            for block in stage:  # type: ignore[union-attr]
                x = block(x)
            seen.append(x)
        c3, c4, c5, at = seen[2], seen[4], seen[6], self.lateral
        p6 = halved(at["6"](c5))
        p7 = halved(p6)
        maps = [at["3"](c3), at["4"](c4), at["5"](c5), p6, p7]
        again = [maps[0], at["4b"](c4), at["5b"](c5), p6, p7]
        for cell in self.fpn:
            maps = cell(maps, again)
            again = maps
        return self.class_net(maps) + self.box_net(maps)  # type: ignore[no-any-return]
