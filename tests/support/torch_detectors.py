"""torchvision's detectors made small, on the CPU build of PyTorch: suppression and regions in plain PyTorch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch_boxes import suppress
from torch_models import torchvision_models


def detection() -> Any:
    """``torchvision.models.detection``, whose compiled operators are replaced by those of ``torch_boxes``."""
    models = torchvision_models()
    import torchvision.ops.boxes
    import torchvision.ops.poolers

    torchvision.ops.boxes.nms = suppress
    torchvision.ops.poolers.roi_align = plain_align
    return models.detection


def plain_align(
    maps: Tensor, rois: Tensor, output_size: Any, spatial_scale: float, sampling_ratio: int, aligned: bool = False
) -> Tensor:
    """torchvision's ``roi_align`` for boxes that are not ``aligned``, point by point (arXiv:1703.06870, section 3)."""
    assert not aligned
    n, s = output_size[0], sampling_ratio
    low, size = rois[:, 1:3] * spatial_scale, ((rois[:, 3:] - rois[:, 1:3]) * spatial_scale).clamp(min=1)
    steps = (torch.arange(n * s).to(maps) + 0.5) / (n * s)
    x, y = (low[:, axis, None] + size[:, axis, None] * steps for axis in (0, 1))
    images, out = rois[:, 0].to(torch.int64)[:, None, None], maps.new_zeros(())
    for rows, tall in corners(y, maps.shape[2]):
        for columns, wide in corners(x, maps.shape[3]):
            out = (
                out
                + maps[images, :, rows[:, :, None], columns[:, None]] * (tall[:, :, None] * wide[:, None])[..., None]
            )
    return out.reshape(len(rois), n, s, n, s, maps.shape[1]).mean((2, 4)).permute(0, 3, 1, 2)


def corners(at: Tensor, size: int) -> list[tuple[Tensor, Tensor]]:
    """The two positions beside each place, and what each counts: nothing more than one position outside."""
    inside = ((at >= -1) & (at <= size)).to(at)
    at = at.clamp(0, size - 1)
    low = at.floor()
    part = at - low
    return [(low.long(), (1 - part) * inside), ((low + 1).clamp(max=size - 1).long(), part * inside)]


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


def as_given(net: Any, size: int = 64) -> Any:
    """The detector, which takes pictures of this size as they are: neither resized nor normalised."""
    kind = torchvision_models().detection.transform.GeneralizedRCNNTransform
    net.transform = kind(size, size, [0.0] * 3, [1.0] * 3, size_divisible=1)
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


def faster_rcnn(
    depths: tuple[int, ...], c: int, classes: int, hidden: int, regions: int, most: int, v2: bool, masks: bool
) -> Any:
    kinds = detection()
    norm = torch.nn.BatchNorm2d if v2 else None
    net = body(depths, c, (1, 2, 3, 4), pyramid_ends().LastLevelMaxPool(), norm)
    first = kinds.faster_rcnn
    settings: dict[str, Any] = {
        "rpn_anchor_generator": first._default_anchorgen(),
        "rpn_head": kinds.rpn.RPNHead(c, 3, conv_depth=2 if v2 else 1),
        "box_head": first.FastRCNNConvFCHead((c, 7, 7), [c] * 4, [hidden], norm_layer=norm)
        if v2
        else first.TwoMLPHead(c * 49, hidden),
        "box_predictor": first.FastRCNNPredictor(hidden, classes),
        "rpn_pre_nms_top_n_test": regions,
        "rpn_post_nms_top_n_test": regions,
        "box_detections_per_img": most,
    }
    if not masks:
        return as_given(first.FasterRCNN(net, **settings), 96)
    third = kinds.mask_rcnn
    settings["mask_head"] = third.MaskRCNNHeads(c, [c] * 4, 1, norm_layer=norm)
    settings["mask_predictor"] = third.MaskRCNNPredictor(c, c, classes)
    return as_given(third.MaskRCNN(net, **settings), 96)


def regions(net: Any, count: int) -> Any:
    """The detector with two stages, which says of a batch what its networks say: of ``count`` regions of each picture."""

    def forward(self: Any, image: Tensor) -> Any:
        n, _, height, width = image.shape
        maps = self.backbone(image)
        logits, moves = self.rpn.head(list(maps.values()))
        rows = torch.cat([x.permute(0, 2, 3, 1).reshape(n, -1, 1) for x in logits], 1)
        deltas = torch.cat([x.permute(0, 2, 3, 1).reshape(n, -1, 4) for x in moves], 1)
        pictures = torchvision_models().detection.image_list.ImageList(image, [(height, width)] * n)
        boxes = image.new_zeros(n, count, 4)
        if image.is_meta:
            read = image.new_zeros(n * count, self.backbone.out_channels, 7, 7)
        else:
            anchors = self.rpn.anchor_generator(pictures, list(maps.values()))
            places = self.rpn.box_coder.decode(deltas.reshape(-1, 4), anchors).reshape(n, -1, 4)
            counts = [x[0].numel() for x in logits]
            for lines, kept in zip(boxes, self.rpn.filter_proposals(places, rows, pictures.image_sizes, counts)[0]):
                lines[: len(kept)] = kept
            read = self.roi_heads.box_roi_pool(maps, list(boxes), pictures.image_sizes)
        scores, places = self.roi_heads.box_predictor(self.roi_heads.box_head(read))
        return {
            "objectness": rows, "moves": deltas, "proposals": boxes, "class_logits": scores.reshape(n, count, -1),
            "box_regression": places.reshape(n, count, -1, 4),
        }  # fmt: skip

    net.__class__ = type("Regions", (type(net),), {"forward": forward})
    return net


def heads(net: Any) -> Any:
    """The detector with one stage, which says of a batch what its heads say."""

    def forward(self: Any, image: Tensor) -> Any:
        return self.head(list(self.backbone(image).values()))

    net.__class__ = type("Heads", (type(net),), {"forward": forward})
    return net


def found(net: Any, image: Tensor, most: int) -> dict[str, Tensor]:
    """Its boxes, ``most`` lines for each picture; where it finds fewer, the last are zeros. Masks are those of the boxes."""
    kinds: dict[str, tuple[tuple[int, ...], Any]] = {
        "boxes": ((4,), image.dtype), "scores": ((), image.dtype), "labels": ((), torch.int64),
        "masks": ((28, 28), image.dtype),
    }  # fmt: skip
    net.transform.postprocess = lambda result, *sizes: result  # masks are not drawn into the picture
    lines = {name: torch.zeros(len(image), most, *shape, dtype=kind) for name, (shape, kind) in kinds.items()}
    for i, one in enumerate(net(list(image))):
        for name, value in one.items():
            lines[name][i, : len(value)] = value[:, 0] if name == "masks" else value
    return {name: value for name, value in lines.items() if name in one}
