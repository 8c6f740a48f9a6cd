"""torchvision's detectors made small, on the CPU build of PyTorch: suppression and regions in plain PyTorch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch_boxes import roi_align, suppress
from torch_models import torchvision_models


def detection() -> Any:
    """``torchvision.models.detection``, whose compiled operators are replaced by those of ``torch_boxes``."""
    models = torchvision_models()
    import torchvision.ops.boxes
    import torchvision.ops.poolers

    def plain_align(
        maps: Tensor, rois: Tensor, output_size: Any, spatial_scale: float, sampling_ratio: int, aligned: bool = False
    ) -> Tensor:
        images = rois[:, 0].to(torch.int64)
        return roi_align(maps, rois[:, 1:], images, output_size[0], spatial_scale, sampling_ratio, aligned)

    torchvision.ops.boxes.nms = suppress
    torchvision.ops.poolers.roi_align = plain_align
    return models.detection


def body(depths: tuple[int, ...], c: int, levels: tuple[int, ...], extra: Any, norm: Any = None) -> Any:
    """The backbone of a residual network and a pyramid of ``c`` channels on these of its stages."""
    models = torchvision_models()
    net = models.resnet.ResNet(models.resnet.Bottleneck, list(depths))
    return models.detection.backbone_utils.BackboneWithFPN(
        net, {f"layer{i}": str(k) for k, i in enumerate(levels)}, [128 * 2**i for i in levels], c, extra, norm
    )


def pyramid_ends() -> Any:
    torchvision_models()
    import torchvision.ops.feature_pyramid_network

    return torchvision.ops.feature_pyramid_network


def as_given(net: Any) -> Any:
    """The detector, which takes pictures as they are: neither resized nor normalised."""
    kind = torchvision_models().detection.transform.GeneralizedRCNNTransform
    net.transform = kind(1, 1, [0.0] * 3, [1.0] * 3, _skip_resize=True)
    return net


def retinanet(depths: tuple[int, ...], c: int, classes: int, v2: bool) -> Any:
    kind = detection().retinanet
    extra = pyramid_ends().LastLevelP6P7(2048 if v2 else c, c)
    net = body(depths, c, (2, 3, 4), extra)
    norm = (lambda n: torch.nn.GroupNorm(32, n)) if v2 else None
    return as_given(kind.RetinaNet(net, classes, head=kind.RetinaNetHead(c, 9, classes, norm)))


def fcos(depths: tuple[int, ...], c: int, classes: int) -> Any:
    extra = pyramid_ends().LastLevelP6P7(c, c)
    return as_given(detection().fcos.FCOS(body(depths, c, (2, 3, 4), extra), classes))


def heads(net: Any) -> Any:
    """The detector with one stage, which says of a batch what its heads say."""

    def forward(self: Any, image: Tensor) -> Any:
        return self.head(list(self.backbone(image).values()))

    net.__class__ = type("Heads", (type(net),), {"forward": forward})
    return net


def found(net: Any, image: Tensor, most: int) -> dict[str, Tensor]:
    """Its boxes, ``most`` lines for each picture; where it finds fewer, the last are zeros."""
    lines: dict[str, list[Tensor]] = {"boxes": [], "scores": [], "labels": []}
    for one in net(list(image)):
        for name, rows in lines.items():
            empty = one[name].new_zeros(most, *one[name].shape[1:])
            empty[: len(one[name])] = one[name][:most]
            rows.append(empty)
    return {name: torch.stack(rows) for name, rows in lines.items()}
