"""YOLOX with torch.nn, from arXiv:2107.08430 and its published checkpoints, whose names it has. YOLOX-s: depth 0.33, width 0.5."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch_scans import put
from torch_yolo_csp import Bottleneck, Conv, places


class Cross(nn.Module):
    """Half of the channels go through ``n`` bottlenecks, half past them."""

    def __init__(self, inputs: int, c: int, n: int, add: bool) -> None:
        super().__init__()
        half = c // 2
        self.conv1, self.conv2, self.conv3 = Conv(inputs, half), Conv(inputs, half), Conv(2 * half, c)
        self.m = nn.Sequential(*[Bottleneck(half, 1, add, "conv1", "conv2") for _ in range(n)])

    def forward(self, x: Tensor) -> Tensor:
        return self.conv3(torch.cat([self.m(self.conv1(x)), self.conv2(x)], 1))  # type: ignore[no-any-return]


class Focus(nn.Module):
    """Each square of four pixels becomes one position: top left, bottom left, top right, bottom right."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.conv = Conv(12, c, 3)

    def forward(self, x: Tensor) -> Tensor:
        parts = [x[..., row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.conv(torch.cat(parts, 1))  # type: ignore[no-any-return]


class Pyramids(nn.Module):
    """Maxima of 5, 9 and 13."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = Conv(c, c // 2), Conv(2 * c, c)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        return self.conv2(torch.cat([x, *[F.max_pool2d(x, k, 1, k // 2) for k in (5, 9, 13)]], 1))  # type: ignore[no-any-return]


class YoloX(nn.Module):
    """[N, 3, H, W] to three maps [N, 5 + classes, h, w], strides 8, 16 and 32: box, objectness, classes, before sigmoids."""

    def __init__(self, classes: int = 80, depth: float = 0.33, width: float = 0.5) -> None:
        super().__init__()
        c, n = [int(k * width) for k in (64, 128, 256, 512, 1024)], [max(round(k * depth), 1) for k in (3, 9)]
        dark = "backbone.backbone"
        put(self, f"{dark}.stem", Focus(c[0]))
        for i, (count, add) in enumerate(zip((n[0], n[1], n[1], n[0]), (True, True, True, False))):
            parts = [Conv(c[i], c[i + 1], 3, 2), *([Pyramids(c[4])] if i == 3 else [])]
            put(self, f"{dark}.dark{i + 2}", nn.Sequential(*parts, Cross(c[i + 1], c[i + 1], count, add)))
        for name, layer in {
            "lateral_conv0": Conv(c[4], c[3]), "C3_p4": Cross(2 * c[3], c[3], n[0], False),
            "reduce_conv1": Conv(c[3], c[2]), "C3_p3": Cross(2 * c[2], c[2], n[0], False),
            "bu_conv2": Conv(c[2], c[2], 3, 2), "C3_n3": Cross(2 * c[2], c[3], n[0], False),
            "bu_conv1": Conv(c[3], c[3], 3, 2), "C3_n4": Cross(2 * c[3], c[4], n[0], False),
        }.items():  # fmt: skip
            put(self, f"backbone.{name}", layer)
        wide = c[2]
        for i in range(3):
            put(self, f"head.stems.{i}", Conv(c[i + 2], wide))
            for kind in ("cls", "reg"):
                put(self, f"head.{kind}_convs.{i}", nn.Sequential(Conv(wide, wide, 3), Conv(wide, wide, 3)))
            for kind, out in (("cls", classes), ("reg", 4), ("obj", 1)):
                put(self, f"head.{kind}_preds.{i}", nn.Conv2d(wide, out, 1))

    def at(self, path: str, *x: Tensor) -> Tensor:
        return self.get_submodule(path)(torch.cat(x, 1))  # type: ignore[no-any-return]

    def neck(self, name: str, *x: Tensor) -> Tensor:
        return self.at(f"backbone.{name}", *x)

    def features(self, x: Tensor) -> list[Tensor]:
        seen = []
        for part in ("stem", "dark2", "dark3", "dark4", "dark5"):
            x = self.at(f"backbone.backbone.{part}", x)
            seen.append(x)
        fine, middle, coarse = seen[2:]
        top = self.neck("lateral_conv0", coarse)
        inner = self.neck("C3_p4", F.interpolate(top, scale_factor=2), middle)
        side = self.neck("reduce_conv1", inner)
        low = self.neck("C3_p3", F.interpolate(side, scale_factor=2), fine)
        mid = self.neck("C3_n3", self.neck("bu_conv2", low), side)
        return [low, mid, self.neck("C3_n4", self.neck("bu_conv1", mid), top)]

    def forward(self, image: Tensor) -> list[Tensor]:
        found = []
        for i, x in enumerate(self.features(image)):
            x = self.at(f"head.stems.{i}", x)
            kind, box = self.at(f"head.cls_convs.{i}", x), self.at(f"head.reg_convs.{i}", x)
            parts = [self.at(f"head.{one}_preds.{i}", y) for one, y in (("reg", box), ("obj", box), ("cls", kind))]
            found.append(torch.cat(parts, 1))
        return found

    def boxes(self, maps: list[Tensor]) -> Tensor:
        """[N, places, 5 + classes]: centre and size in pixels, objectness, classes."""
        points, strides = places(maps, 0)
        flat = torch.cat([y.flatten(2) for y in maps], 2).transpose(1, 2)
        centre, size = (flat[..., :2] + points) * strides, torch.exp(flat[..., 2:4]) * strides
        return torch.cat([centre, size, torch.sigmoid(flat[..., 4:])], -1)
