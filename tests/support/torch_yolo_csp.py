"""YOLOv5 (version 6), YOLOv8 and YOLOX with torch.nn, from their published diagrams and arXiv:2107.08430 (CSP: 1911.11929).

Names of layers are those of their published checkpoints. ``depth`` and ``width`` are the multipliers that the sizes n, s,
m … stand for: v5n 0.33, 0.25; v5s 0.33, 0.5; v8n 0.33, 0.25; v8s 0.33, 0.5; v8m 0.67, 0.75 (``most`` = 768); v8l 1, 1
(512); v8x 1, 1.25 (512); YOLOX-s 0.33, 0.5.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

ANCHORS = [[(10, 13), (16, 30), (33, 23)], [(30, 61), (62, 45), (59, 119)], [(116, 90), (156, 198), (373, 326)]]
"""YOLOv5's, of the maps with strides 8, 16 and 32."""
STRIDES = (8, 16, 32)


class Conv(nn.Module):
    """Convolution, norm, SiLU."""

    def __init__(self, inputs: int, c: int, kernel: int = 1, stride: int = 1, pad: int | None = None) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, c, kernel, stride, kernel // 2 if pad is None else pad, bias=False)
        self.bn = nn.BatchNorm2d(c, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.bn(self.conv(x)))


class Bottleneck(nn.Module):
    """Two convolutions ``first`` and ``second``; with ``add``, what entered is added."""

    def __init__(self, c: int, kernel: int, add: bool, first: str = "cv1", second: str = "cv2") -> None:
        super().__init__()
        self.names, self.plus = (first, second), add
        self.add_module(first, Conv(c, c, kernel))
        self.add_module(second, Conv(c, c, 3))

    def forward(self, x: Tensor) -> Tensor:
        y = self.get_submodule(self.names[1])(self.get_submodule(self.names[0])(x))
        return x + y if self.plus else y


class C3(nn.Module):
    """Half of the channels go through ``n`` bottlenecks, half past them."""

    def __init__(self, inputs: int, c: int, n: int, add: bool = True) -> None:
        super().__init__()
        half = c // 2
        self.cv1, self.cv2, self.cv3 = Conv(inputs, half), Conv(inputs, half), Conv(2 * half, c)
        self.m = nn.Sequential(*[Bottleneck(half, 1, add) for _ in range(n)])

    def forward(self, x: Tensor) -> Tensor:
        return self.cv3(torch.cat([self.m(self.cv1(x)), self.cv2(x)], 1))  # type: ignore[no-any-return]


class C2f(nn.Module):
    """Every bottleneck's result is kept and joined."""

    def __init__(self, inputs: int, c: int, n: int, add: bool = True) -> None:
        super().__init__()
        half = c // 2
        self.cv1, self.cv2 = Conv(inputs, 2 * half), Conv((2 + n) * half, c)
        self.m = nn.ModuleList([Bottleneck(half, 3, add) for _ in range(n)])

    def forward(self, x: Tensor) -> Tensor:
        seen = list(self.cv1(x).chunk(2, 1))
        for unit in self.m:
            seen.append(unit(seen[-1]))
        return self.cv2(torch.cat(seen, 1))  # type: ignore[no-any-return]


class SPPF(nn.Module):
    """A maximum of 5 x 5, once, twice and three times."""

    def __init__(self, inputs: int, c: int) -> None:
        super().__init__()
        self.cv1, self.cv2 = Conv(inputs, inputs // 2), Conv(2 * inputs, c)

    def forward(self, x: Tensor) -> Tensor:
        seen = [self.cv1(x)]
        for _ in range(3):
            seen.append(F.max_pool2d(seen[-1], 5, 1, 2))
        return self.cv2(torch.cat(seen, 1))  # type: ignore[no-any-return]


def places(maps: list[Tensor], offset: float) -> tuple[Tensor, Tensor]:
    """x and y of all positions, [places, 2], in units of the stride; the strides, [places, 1]."""
    points, strides = [], []
    for x, stride in zip(maps, STRIDES):
        h, w = x.shape[-2:]
        row, column = torch.meshgrid(torch.arange(h).to(x), torch.arange(w).to(x), indexing="ij")
        points.append(torch.stack([column, row], -1).flatten(0, 1) + offset)
        strides.append(torch.full((h * w, 1), float(stride)).to(x))
    return torch.cat(points), torch.cat(strides)


class Pyramid(nn.Module):
    """The body of YOLOv5 and v8, ``model.{k}`` in the order of their tables: three maps with strides 8, 16 and 32."""

    def __init__(self, unit: Callable[..., nn.Module], v8: bool, depth: float, width: float, most: int) -> None:
        super().__init__()
        c = [math.ceil(min(n, most) * width / 8) * 8 for n in (64, 128, 256, 512, 1024)]
        n = [max(round(k * depth), 1) for k in ((3, 6, 6, 3, 3) if v8 else (3, 6, 9, 3, 3))]
        stem = Conv(3, c[0], 3, 2) if v8 else Conv(3, c[0], 6, 2, 2)
        layers: list[nn.Module] = [stem]
        for i in range(4):
            layers += [Conv(c[i], c[i + 1], 3, 2), unit(c[i + 1], c[i + 1], n[i])]
        layers.append(SPPF(c[4], c[4]))
        self.v8, none = v8, nn.Identity
        up, down = [c[4], c[3], c[2]], [c[2], c[3], c[4]]
        if v8:
            layers += [none(), none(), unit(up[0] + c[3], c[3], n[4], False)]
            layers += [none(), none(), unit(c[3] + c[2], c[2], n[4], False)]
        else:
            layers += [Conv(c[4], c[3]), none(), none(), unit(2 * c[3], c[3], n[4], False)]
            layers += [Conv(c[3], c[2]), none(), none(), unit(2 * c[2], c[2], n[4], False)]
        for i in range(2):
            join = down[i] + ((c[3], c[4])[i] if v8 else down[i])
            layers += [Conv(down[i], down[i], 3, 2), none(), unit(join, down[i + 1], n[4], False)]
        self.model, self.channels = nn.ModuleList(layers), down

    def forward(self, x: Tensor) -> list[Tensor]:
        m, seen = self.model, []
        for layer in m[:10]:
            x = layer(x)
            seen.append(x)
        fine, middle = seen[4], seen[6]
        if self.v8:
            sides = [middle, fine]
            kept, at = [x], 10
            for side in sides:
                x = m[at + 2](torch.cat([F.interpolate(x, scale_factor=2), side], 1))
                kept.append(x)
                at += 3
            kept.pop()
        else:
            kept, at = [], 10
            for side in (middle, fine):
                x = m[at](x)
                kept.append(x)
                x = m[at + 3](torch.cat([F.interpolate(x, scale_factor=2), side], 1))
                at += 4
        out = [x]
        while kept:
            x = m[at + 2](torch.cat([m[at](x), kept.pop()], 1))
            out.append(x)
            at += 3
        return out


class YoloV5(Pyramid):
    """[N, 3, H, W] to three maps [N, 3 * (5 + classes), h, w]; the last layer is ``model.24.m.{i}``."""

    def __init__(self, classes: int = 80, depth: float = 0.33, width: float = 0.5) -> None:
        super().__init__(C3, False, depth, width, 1024)
        self.classes, detect = classes, nn.Module()
        detect.m = nn.ModuleList([nn.Conv2d(c, 3 * (5 + classes), 1) for c in self.channels])
        self.model.append(detect)

    def forward(self, x: Tensor) -> list[Tensor]:
        return [last(y) for last, y in zip(self.model[24].m, super().forward(x))]  # type: ignore[arg-type]

    def boxes(self, maps: list[Tensor]) -> Tensor:
        """[N, 3 * places, 5 + classes]: map by map, anchor by anchor, row by row; centre and size in pixels."""
        lines = []
        for x, anchors, stride in zip(maps, ANCHORS, STRIDES):
            n, _, h, w = x.shape
            x = torch.sigmoid(x.reshape(n, 3, 5 + self.classes, h, w).permute(0, 1, 3, 4, 2))
            row, column = torch.meshgrid(torch.arange(h).to(x), torch.arange(w).to(x), indexing="ij")
            centre = (2 * x[..., :2] - 0.5 + torch.stack([column, row], -1)) * stride
            size = (2 * x[..., 2:4]) ** 2 * torch.tensor(anchors).to(x)[:, None, None]
            lines.append(torch.cat([centre, size, x[..., 4:]], -1).flatten(1, 3))
        return torch.cat(lines, 1)


class YoloV8(Pyramid):
    """[N, 3, H, W] to three maps [N, 64 + classes, h, w] of sides (16 bins each) and scores; the head is ``model.22``.

    ``masks``: besides them coefficients [N, masks, places] and prototypes [N, masks, H / 4, W / 4] of ``prototypes``
    channels, before ``width``.
    """

    def __init__(
        self, classes: int = 80, depth: float = 0.33, width: float = 0.25, most: int = 1024, masks: int = 0,
        prototypes: int = 256,
    ) -> None:  # fmt: skip
        super().__init__(C2f, True, depth, width, most)
        self.classes, self.masks, head = classes, masks, nn.Module()
        first = self.channels[0]

        def branch(middle: int, out: int) -> nn.ModuleList:
            parts = [
                nn.Sequential(Conv(c, middle, 3), Conv(middle, middle, 3), nn.Conv2d(middle, out, 1))
                for c in self.channels
            ]
            return nn.ModuleList(parts)

        head.cv2 = branch(max(16, first // 4, 64), 64)
        head.cv3 = branch(max(first, min(classes, 100)), classes)
        head.dfl = nn.Module()
        head.dfl.conv = nn.Conv2d(16, 1, 1, bias=False)
        head.dfl.conv.weight = nn.Parameter(torch.arange(16.0).reshape(1, 16, 1, 1), requires_grad=False)
        if masks:
            head.cv4 = branch(max(first // 4, masks), masks)
            c, head.proto = math.ceil(min(prototypes, most) * width / 8) * 8, nn.Module()
            head.proto.cv1, head.proto.cv2, head.proto.cv3 = Conv(first, c, 3), Conv(c, c, 3), Conv(c, masks)
            head.proto.upsample = nn.ConvTranspose2d(c, c, 2, 2)
        self.model.append(head)

    def forward(self, x: Tensor) -> list[Tensor]:
        head, maps = self.model[22], super().forward(x)
        found = [torch.cat([head.cv2[i](y), head.cv3[i](y)], 1) for i, y in enumerate(maps)]  # type: ignore[index]
        if self.masks:
            found.append(torch.cat([head.cv4[i](y).flatten(2) for i, y in enumerate(maps)], 2))  # type: ignore[index]
            proto = head.proto
            found.append(proto.cv3(proto.cv2(proto.upsample(proto.cv1(maps[0])))))  # type: ignore[union-attr]
        return found

    def boxes(self, maps: list[Tensor]) -> Tensor:
        """[N, 4 + classes, places]: centre and size in pixels, scores."""
        points, strides = places(maps[:3], 0.5)
        flat = torch.cat([y.flatten(2) for y in maps[:3]], 2)
        bins = flat[:, :64].reshape(flat.shape[0], 4, 16, -1).softmax(2)
        sides = (bins * torch.arange(16).to(flat)[:, None]).sum(2)
        low, high = points.T - sides[:, :2], points.T + sides[:, 2:]
        box = torch.cat([(low + high) / 2, high - low], 1) * strides.T
        return torch.cat([box, torch.sigmoid(flat[:, 64:])], 1)
