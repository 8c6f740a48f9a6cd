"""CenterNet on a residual network (arXiv:1904.07850, section 5), of PyTorch alone, with the names of its authors' code
but for `conv_offset`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch_deformable import Deformable
from torch_models import torchvision_models


class CenterNet(nn.Module):
    """From a picture to heatmaps of `classes`, sizes and offsets, at a quarter of its resolution; torchvision's backbone."""

    def __init__(
        self, kind: str, depths: Sequence[int], classes: int = 80, widths: Sequence[int] = (256, 128, 64), hidden: int = 64
    ) -> None:  # fmt: skip
        super().__init__()
        resnet: Any = torchvision_models().resnet
        body = resnet.ResNet(getattr(resnet, kind), list(depths))
        for name in ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4"):
            self.add_module(name, getattr(body, name))
        inputs, steps = body.fc.in_features, []
        for width in widths:
            steps += [Deformable(inputs, width, 1, bias=True), nn.BatchNorm2d(width), nn.ReLU()]
            steps += [nn.ConvTranspose2d(width, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            inputs = width
        self.deconv_layers = nn.Sequential(*steps)
        for name, count in (("hm", classes), ("wh", 2), ("reg", 2)):
            layers = [nn.Conv2d(inputs, hidden, 3, 1, 1), nn.ReLU(), nn.Conv2d(hidden, count, 1)]
            self.add_module(name, nn.Sequential(*layers))

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        x = F.max_pool2d(self.get_submodule("bn1")(self.get_submodule("conv1")(image)).relu(), 3, 2, 1)
        for i in range(4):
            x = self.get_submodule(f"layer{i + 1}")(x)
        x = self.deconv_layers(x)
        return {name: self.get_submodule(name)(x) for name in ("hm", "wh", "reg")}


def peaks(maps: dict[str, Tensor], most: int = 100, stride: int = 4) -> list[list[tuple[list[float], float, int]]]:
    """Of each picture the highest peaks of the heatmaps, those that none of their eight neighbours exceeds (section 3.1):
    left, top, right and bottom in pixels, score and class; the best first.
    """
    every = []
    for heat, wh, reg in zip(maps["hm"].sigmoid(), maps["wh"], maps["reg"]):
        found = []
        padded = F.pad(heat, (1, 1, 1, 1))
        for label, y, x in (heat > 0).nonzero().tolist():
            if heat[label, y, x] < padded[label, y : y + 3, x : x + 3].max():
                continue
            (dx, dy), (w, h) = reg[:, y, x].tolist(), wh[:, y, x].tolist()
            sides = [x + dx - w / 2, y + dy - h / 2, x + dx + w / 2, y + dy + h / 2]
            found.append(([stride * side for side in sides], float(heat[label, y, x]), label))
        every.append(sorted(found, key=lambda one: -one[1])[:most])
    return every
