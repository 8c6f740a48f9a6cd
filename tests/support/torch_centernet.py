"""CenterNet (arXiv:1904.07850, "Objects as Points") on a ResNet with deformable convolutions, written from its paper.

Sections 4 and 5, figure 6b and appendix A, under the names of the authors' checkpoints: torchvision's ResNet, then three times
`deconv_layers.{6 i}` (deformable 3 x 3, `conv_offset`), `deconv_layers.{6 i + 1}` (norm), `deconv_layers.{6 i + 3}` (transposed
4 x 4), `deconv_layers.{6 i + 4}` (norm), and `hm`, `wh`, `reg`, each `0` (3 x 3, 64) and `2` (1 x 1). Up to 256, 128 and 64
channels, 80 classes: 14,437,349 parameters on ResNet-18, 49,673,189 on ResNet-101.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch_models import torchvision_models


class Deformable(nn.Conv2d):
    """3 x 3, whose nine places each move by what `conv_offset` says (rows, columns), and count as much as it says."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=1)
        self.conv_offset = nn.Conv2d(inputs, 27, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        n, c, high, wide = x.shape
        said = self.conv_offset(x)
        moved, shares = said[:, :18].unflatten(1, (9, 2)), said[:, 18:].sigmoid()
        y = torch.arange(high, dtype=x.dtype)[:, None] + torch.arange(9)[:, None, None] // 3 - 1 + moved[:, :, 0]
        z = torch.arange(wide, dtype=x.dtype) + torch.arange(9)[:, None, None] % 3 - 1 + moved[:, :, 1]
        grid = torch.stack([2 * z / max(wide - 1, 1) - 1, 2 * y / max(high - 1, 1) - 1], 4).flatten(1, 2)
        read = F.grid_sample(x, grid, padding_mode="zeros", align_corners=True).view(n, c, 9, high, wide)
        found = torch.einsum("nckyz,ock->noyz", read * shares[:, None], self.weight.flatten(2))
        return found + self.bias[:, None, None]


class CenterNet(nn.Module):
    """Pictures [N, 3, H, W] to the logits of centres `hm` [N, classes, H / 4, W / 4], sizes `wh` and offsets `reg` [N, 2, ...]."""

    def __init__(
        self, block: str = "BasicBlock", depths: Sequence[int] = (2, 2, 2, 2), classes: int = 80,
        widths: Sequence[int] = (256, 128, 64), head: int = 64,
    ) -> None:  # fmt: skip
        super().__init__()
        resnet = torchvision_models().resnet
        body = resnet.ResNet(getattr(resnet, block), list(depths))
        for name, part in body.named_children():
            if name not in ("fc", "avgpool"):
                self.add_module(name, part)
        parts, width = list[nn.Module](), body.fc.in_features
        for c in widths:
            parts += [Deformable(width, c), nn.BatchNorm2d(c), nn.ReLU()]
            parts += [nn.ConvTranspose2d(c, c, 4, 2, 1, bias=False), nn.BatchNorm2d(c), nn.ReLU()]
            width = c
        self.deconv_layers = nn.Sequential(*parts)
        for name, outputs in (("hm", classes), ("wh", 2), ("reg", 2)):
            layers = [nn.Conv2d(width, head, 3, padding=1), nn.ReLU(), nn.Conv2d(head, outputs, 1)]
            setattr(self, name, nn.Sequential(*layers))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.deconv_layers(self.layer4(self.layer3(self.layer2(self.layer1(x)))))
        return {name: getattr(self, name)(x) for name in ("hm", "wh", "reg")}


def peaks(maps: dict[str, Tensor], most: int = 100, stride: int = 4) -> list[list[tuple[list[float], float, int]]]:
    """Section 3.1's "from points to bounding boxes": of each picture, the ``most`` likely places that none of their eight
    neighbours exceeds, as box (x1, y1, x2, y2, in pixels), probability and class.
    """
    found = []
    for heat, size, offset in zip(maps["hm"].sigmoid(), maps["wh"], maps["reg"], strict=True):
        highest = F.max_pool2d(heat[None], 3, 1, 1)[0]
        places = (heat == highest).nonzero().tolist()
        best = sorted(places, key=lambda at: -float(heat[tuple(at)]))[:most]
        boxes = []
        for kind, row, column in best:
            (w, h), (dx, dy) = size[:, row, column].tolist(), offset[:, row, column].tolist()
            x, y = column + dx, row + dy
            box = [stride * v for v in (x - w / 2, y - h / 2, x + w / 2, y + h / 2)]
            boxes.append((box, float(heat[kind, row, column]), kind))
        found.append(boxes)
    return found
