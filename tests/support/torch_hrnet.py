"""HRNetV2 for segmentation (arXiv:1908.07919, section 3.3) on timm's branches: all maps at the resolution of the finest
side by side, a 1x1 convolution that keeps their width, a norm, and a 1x1 to the classes, upsampled four times.

Its paths are the authors': those of timm, ``last_layer.0``, ``.1`` and ``.3``. HRNetV2-W48 comes to the 65.9 million
parameters of the paper, and with 1024 x 2048 pixels to its 747.3 billion multiply-accumulates (table 3).
"""

from __future__ import annotations

from copy import deepcopy
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_models import timm


def settings(name: str) -> dict[str, Any]:
    """timm's settings of a classifier, to be changed."""
    found: dict[str, Any] = deepcopy(timm().models.hrnet.cfg_cls[name])
    return found


def hrnet_v2(given: dict[str, Any], classes: int = 19) -> nn.Module:
    """From image [N, 3, H, W] to masks [N, classes, H, W]."""
    net: nn.Module = timm().models.hrnet.HighResolutionNet(given, head="")
    wide = sum(given["stage4"]["num_channels"])
    net.last_layer = nn.Sequential(
        nn.Conv2d(wide, wide, 1), nn.BatchNorm2d(wide), nn.ReLU(), nn.Conv2d(wide, classes, 1)
    )
    net.forward = MethodType(masks, net)
    return net


def masks(net: Any, image: Tensor) -> Tensor:
    x = functional.relu(net.bn1(net.conv1(image)))
    x = functional.relu(net.bn2(net.conv2(x)))
    maps = net.stages(x)
    size = maps[0].shape[2:]
    near = [maps[0], *(functional.interpolate(one, size=size, mode="bilinear") for one in maps[1:])]
    return functional.interpolate(net.last_layer(torch.cat(near, 1)), size=image.shape[2:], mode="bilinear")
