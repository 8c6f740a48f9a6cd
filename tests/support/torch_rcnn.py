"""R-CNN, SPP-net, Fast and Faster R-CNN and R-FCN from their papers, with torch.nn; layers have the names of Caffe's files.

| class | input | others |
|---|---|---|
| `RCNN(widths, hidden, classes)` | regions [R, 3, 227, 227] | [96, 256, 384, 384, 256], 4096, 200 |
| `SPPNet(widths, hidden, classes)` | image [N, 3, 224, 224], other sizes, too | [96, 256, 384, 384, 256], 4096, 1000 |
| `FastRCNN(body, hidden, classes)` | image [N, 3, 600, 1000], rois [R, 4], images [R] | VGG16Body(), 4096, 21 |
| `FasterRCNN(body, rpn, hidden, classes)` | the same; `boxes(image)` finds its own rois | VGG16Body() or ZFBody(), 512 or 256 |
| `RFCN(depths, width, squeeze, classes)` | the same | [3, 4, 23, 3], 64, 1024, 21 |

Rois are x1, y1, x2, y2 in pixels of the image, as everywhere in Caffe's: the right and lower ones are part of the box.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch_boxes import anchors, corners, psroi_pool, roi_pool, suppress

ZF = (96, 256, 384, 384, 256)


class RCNN(nn.Module):
    """The features of CaffeNet (AlexNet in two groups, with norms behind the pools) for each warped region, and a linear
    layer that holds the SVMs of all classes (arXiv:1311.2524, section 2.1).
    """

    def __init__(self, widths: Sequence[int] = ZF, hidden: int = 4096, classes: int = 200) -> None:
        super().__init__()
        a, b, c, d, e = widths
        self.conv1, self.conv2 = nn.Conv2d(3, a, 11, 4), nn.Conv2d(a, b, 5, 1, 2, groups=2)
        self.conv3, self.conv4 = nn.Conv2d(b, c, 3, 1, 1), nn.Conv2d(c, d, 3, 1, 1, groups=2)
        self.conv5 = nn.Conv2d(d, e, 3, 1, 1, groups=2)
        self.fc6, self.fc7 = nn.Linear(36 * e, hidden), nn.Linear(hidden, hidden)
        self.svm = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.conv1, self.conv2):
            x = F.local_response_norm(F.max_pool2d(F.relu(layer(x)), 3, 2, ceil_mode=True), 5, 1e-4, 0.75, 1.0)
        x = F.relu(self.conv5(F.relu(self.conv4(F.relu(self.conv3(x))))))
        x = F.max_pool2d(x, 3, 2, ceil_mode=True).flatten(1)
        return self.svm(F.relu(self.fc7(F.relu(self.fc6(x)))))


class SPPNet(nn.Module):
    """ZF-5 with a pyramid of 50 bins before its first full layer (arXiv:1406.4729, table 1 and appendix A): bin i of n
    covers floor(i a / n) to ceil((i + 1) a / n) of a positions. Maps of 224 pixels: 55, 27, 13.
    """

    def __init__(self, widths: Sequence[int] = ZF, hidden: int = 4096, classes: int = 1000) -> None:
        super().__init__()
        a, b, c, d, e = widths
        self.conv1, self.conv2 = nn.Conv2d(3, a, 7, 2, 1), nn.Conv2d(a, b, 5, 2, 1)
        self.conv3, self.conv4 = nn.Conv2d(b, c, 3, 1, 1), nn.Conv2d(c, d, 3, 1, 1)
        self.conv5 = nn.Conv2d(d, e, 3, 1, 1)
        self.fc6, self.fc7 = nn.Linear(50 * e, hidden), nn.Linear(hidden, hidden)
        self.fc8 = nn.Linear(hidden, classes)

    @staticmethod
    def pyramid(x: Tensor, levels: Sequence[int] = (6, 3, 2, 1)) -> Tensor:
        found = []
        for n in levels:
            rows = [(i * x.shape[2] // n, -(-(i + 1) * x.shape[2] // n)) for i in range(n)]
            columns = [(i * x.shape[3] // n, -(-(i + 1) * x.shape[3] // n)) for i in range(n)]
            bins = [x[:, :, top:low, left:right].amax((2, 3)) for top, low in rows for left, right in columns]
            found.append(torch.stack(bins, 2).flatten(1))
        return torch.cat(found, 1)

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.conv1, self.conv2):
            x = F.max_pool2d(F.local_response_norm(F.relu(layer(x)), 5, 1e-4, 0.75, 1.0), 3, 2, ceil_mode=True)
        x = F.relu(self.conv5(F.relu(self.conv4(F.relu(self.conv3(x))))))
        return self.fc8(F.relu(self.fc7(F.relu(self.fc6(self.pyramid(x))))))


class VGG16Body(nn.Module):
    """The thirteen convolutions, without the last pool: stride 16. Odd maps are halved upwards, as Caffe does. `width` is
    that of the first layers, 64.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        inputs, self.out = 3, 8 * width
        for i, (n, c) in enumerate(zip((2, 2, 3, 3, 3), (1, 2, 4, 8, 8), strict=True), 1):
            for j in range(n):
                self.add_module(f"conv{i}_{j + 1}", nn.Conv2d(inputs, c * width, 3, padding=1))
                inputs = c * width
        self.grid = 7

    def forward(self, x: Tensor) -> Tensor:
        for name, layer in self.named_children():
            if name.endswith("_1") and name != "conv1_1":
                x = F.max_pool2d(x, 2, 2, ceil_mode=True)
            x = F.relu(layer(x))
        return x


class ZFBody(nn.Module):
    """ZF as py-faster-rcnn's: everything is padded, norms over three channels, pools of 3 with stride 2 and a pad of 1."""

    def __init__(self, widths: Sequence[int] = ZF) -> None:
        super().__init__()
        a, b, c, d, e = widths
        self.conv1, self.conv2 = nn.Conv2d(3, a, 7, 2, 3), nn.Conv2d(a, b, 5, 2, 2)
        self.conv3, self.conv4 = nn.Conv2d(b, c, 3, 1, 1), nn.Conv2d(c, d, 3, 1, 1)
        self.conv5 = nn.Conv2d(d, e, 3, 1, 1)
        self.grid, self.out = 6, e

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.conv1, self.conv2):
            x = F.max_pool2d(F.local_response_norm(F.relu(layer(x)), 3, 5e-5, 0.75, 1.0), 3, 2, 1, ceil_mode=True)
        return F.relu(self.conv5(F.relu(self.conv4(F.relu(self.conv3(x))))))


class FastRCNN(nn.Module):
    """One pass over the picture, then two full layers for each region of 7x7 maxima (6x6 behind ZF), with scores of
    classes and background and four numbers for each of them (arXiv:1504.08083, section 2).
    """

    def __init__(self, body: nn.Module, hidden: int = 4096, classes: int = 21) -> None:
        super().__init__()
        self.body = body
        self.fc6 = nn.Linear(body.out * body.grid**2, hidden)
        self.fc7 = nn.Linear(hidden, hidden)
        self.cls_score, self.bbox_pred = nn.Linear(hidden, classes), nn.Linear(hidden, 4 * classes)

    def regions(self, maps: Tensor, rois: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
        x = roi_pool(maps, rois, images, self.body.grid, 1 / 16).flatten(1)
        x = F.relu(self.fc7(F.relu(self.fc6(x))))
        return self.cls_score(x), self.bbox_pred(x)

    def forward(self, image: Tensor, rois: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [R, classes] and deltas [R, 4 classes]: x, y, w, h of the first class, of the second, and so on."""
        return self.regions(self.body(image), rois, images)


class FasterRCNN(FastRCNN):
    """Fast R-CNN and the network that proposes its regions (arXiv:1506.01497, section 3): a 3x3 convolution, and for each
    of nine anchors two logits (nine of the background, then nine of objects) and four deltas.
    """

    def __init__(self, body: nn.Module, rpn: int = 512, hidden: int = 4096, classes: int = 21) -> None:
        super().__init__(body, hidden, classes)
        self.rpn_conv = nn.Conv2d(body.out, rpn, 3, padding=1)
        self.rpn_cls_score, self.rpn_bbox_pred = nn.Conv2d(rpn, 18, 1), nn.Conv2d(rpn, 36, 1)

    def raw(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Of each position: logits [N, 18, H, W] and deltas [N, 36, H, W]."""
        x = F.relu(self.rpn_conv(maps))
        return self.rpn_cls_score(x), self.rpn_bbox_pred(x)

    def forward(self, image: Tensor, rois: Tensor, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The raw outputs of the proposing network, then those of the given regions."""
        maps = self.body(image)
        return *self.raw(maps), *self.regions(maps, rois, images)

    def propose(
        self, maps: Tensor, height: int, width: int, best: int = 6000, most: int = 300, least: float = 16.0
    ) -> Tensor:
        """Of one picture of height x width: the decoded anchors [R, 4], cut at its borders, without those that are
        narrower than ``least``, of the ``best`` those that overlap no better one by more than 0.7, ``most`` of them.
        """
        scores, deltas = self.raw(maps)
        n, _, h, w = scores.shape
        assert n == 1
        objects = scores.reshape(2, 9, h, w).softmax(0)[1].permute(1, 2, 0).reshape(-1)
        boxes = corners(anchors(h, w, 16).to(maps), deltas.reshape(9, 4, h, w).permute(2, 3, 0, 1).reshape(-1, 4))
        edge = torch.tensor([width - 1, height - 1, width - 1, height - 1]).to(boxes)
        boxes = torch.minimum(boxes.clamp(min=0), edge)
        wide = (boxes[:, 2:] - boxes[:, :2] + 1 >= least).all(1)
        boxes, objects = boxes[wide], objects[wide]
        order = objects.argsort(descending=True, stable=True)[:best]
        return boxes[order][suppress(boxes[order], objects[order], 0.7, plus=1.0)[:most]]

    def boxes(self, image: Tensor, **settings: int) -> tuple[Tensor, Tensor, Tensor]:
        """Of one picture, all proposals: rois [R, 4], probabilities [R, classes], boxes [R, classes, 4] within it."""
        maps = self.body(image)
        height, width = image.shape[2:]
        rois = self.propose(maps, height, width, **settings)
        logits, deltas = self.regions(maps, rois, torch.zeros(len(rois), dtype=torch.int64))
        found = corners(rois[:, None], deltas.reshape(len(rois), -1, 4))
        edge = torch.tensor([width - 1, height - 1, width - 1, height - 1]).to(found)
        return rois, logits.softmax(1), torch.minimum(found.clamp(min=0), edge)


class Bottleneck(nn.Module):
    """As published, with the stride in the first 1x1. `dilation` is that of the 3x3."""

    def __init__(self, inputs: int, c: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, c, 1, stride, bias=False), nn.BatchNorm2d(c)
        self.conv2 = nn.Conv2d(c, c, 3, 1, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.conv3, self.bn3 = nn.Conv2d(c, 4 * c, 1, bias=False), nn.BatchNorm2d(4 * c)
        ends = nn.Conv2d(inputs, 4 * c, 1, stride, bias=False), nn.BatchNorm2d(4 * c)
        self.downsample = nn.Sequential(*ends) if stride > 1 or inputs != 4 * c else None

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.relu(self.bn3(self.conv3(y)) + (x if self.downsample is None else self.downsample(x)))


class RFCN(nn.Module):
    """R-FCN (arXiv:1605.06409): ResNet whose last stage keeps stride 16 and is dilated by 2, a 1x1 that narrows it, and
    maps for each of 7x7 bins: those of a class stand together, row by row. Boxes are the same for all classes: deltas of
    background and of object. A region's result is the mean of its bins. Names of the body are torchvision's.
    """

    def __init__(
        self, depths: Sequence[int] = (3, 4, 23, 3), width: int = 64, squeeze: int = 1024, classes: int = 21
    ) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
        inputs = width
        for i, n in enumerate(depths):
            c, stride, units = width * 2**i, (1, 2, 2, 1)[i], []
            for j in range(n):
                units.append(Bottleneck(inputs, c, stride if j == 0 else 1, 2 if i == 3 else 1))
                inputs = 4 * c
            self.add_module(f"layer{i + 1}", nn.Sequential(*units))
        self.conv_new_1 = nn.Conv2d(inputs, squeeze, 1)
        self.rfcn_cls, self.rfcn_bbox = nn.Conv2d(squeeze, 49 * classes, 1), nn.Conv2d(squeeze, 49 * 8, 1)

    def forward(self, image: Tensor, rois: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [R, classes] and deltas [R, 8]."""
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(image))), 3, 2, 1)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        x = F.relu(self.conv_new_1(x))
        heads = (self.rfcn_cls, self.rfcn_bbox)
        scores, deltas = (psroi_pool(head(x), rois, images, 7, 1 / 16).mean((2, 3)) for head in heads)
        return scores, deltas
