"""YOLO v1 and YOLOv3 with torch.nn, from arXiv:1506.02640 and arXiv:1804.02767 and the networks that their author published.

Names: ``conv.{k}`` and ``norm.{k}`` are the k-th layers in the order of the paper's table, ``fc.{k}`` the connected ones;
YOLOv3 has ``darknet.…`` (``stem``, ``down.{i}``, ``stage.{i}.{j}.{0,1}``) and ``head.{i}``, from stride 32 to 8. ``width``
multiplies all channels of convolutions.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

LEAK = 0.1
V1 = (
    [(7, 64, 2), "max", (3, 192, 1), "max", (1, 128, 1), (3, 256, 1), (1, 256, 1), (3, 512, 1), "max"]
    + [(1, 256, 1), (3, 512, 1)] * 4
    + [(1, 512, 1), (3, 1024, 1), "max"]
    + [(1, 512, 1), (3, 1024, 1)] * 2
    + [(3, 1024, 1), (3, 1024, 2), (3, 1024, 1), (3, 1024, 1)]
)
"""Figure 3: kernel, channels, stride; a maximum halves the map."""

ANCHORS = [[(116, 90), (156, 198), (373, 326)], [(30, 61), (62, 45), (59, 119)], [(10, 13), (16, 30), (33, 23)]]
"""Section 2.3, of the maps with strides 32, 16 and 8: width and height in pixels."""


class Local(nn.Module):
    """A convolution of 3 x 3, padded by 1, whose weights are others at each position of a map of ``side`` x ``side``.

    ``weight`` is [side, side, c, inputs, 3, 3] and ``bias`` [c, side, side].
    """

    def __init__(self, inputs: int, c: int, side: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(side, side, c, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(c, side, side))

    def forward(self, x: Tensor) -> Tensor:
        around = F.pad(x, (1, 1, 1, 1)).unfold(2, 3, 1).unfold(3, 3, 1)
        return torch.einsum("nihwyx,hwoiyx->nohw", around, self.weight) + self.bias


class YoloV1(nn.Module):
    """[N, 3, res, res] to [N, out]; ``out`` is side * side * (boxes * 5 + classes).

    ``local``: the network of yolov1.cfg, where a local layer of 256 channels stands in place of the first connected
    one, and three boxes are predicted. ``norms``: batch norms behind convolutions, as it was trained by Darknet, or
    biases, as in the paper.
    """

    def __init__(
        self, res: int = 448, classes: int = 20, boxes: int = 2, width: float = 1.0, hidden: int = 4096,
        local: bool = False, norms: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.conv, self.norm, self.fc = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        before, side = 3, res // 64
        for layer in V1:
            if isinstance(layer, tuple):
                kernel, c, stride = layer[0], int(layer[1] * width), layer[2]
                self.conv.append(nn.Conv2d(before, c, kernel, stride, kernel // 2, bias=not norms))
                if norms:
                    self.norm.append(nn.BatchNorm2d(c))
                before = c
        out = side * side * (boxes * 5 + classes)
        self.local = Local(before, int(256 * width), side) if local else None
        if local:
            self.fc.append(nn.Linear(int(256 * width) * side * side, out))
        else:
            self.fc.extend([nn.Linear(before * side * side, hidden), nn.Linear(hidden, out)])

    def forward(self, x: Tensor) -> Tensor:
        k = 0
        for layer in V1:
            if layer == "max":
                x = F.max_pool2d(x, 2)
                continue
            x = self.conv[k](x)
            x = F.leaky_relu(self.norm[k](x) if len(self.norm) else x, LEAK)
            k += 1
        if self.local is not None:
            x = F.leaky_relu(self.local(x), LEAK)
        x = x.flatten(1)
        for layer in self.fc[:-1]:
            x = F.leaky_relu(layer(x), LEAK)
        return self.fc[-1](x)  # type: ignore[no-any-return]


class Unit(nn.Sequential):
    """Convolution, norm, leaky ReLU."""

    def __init__(self, inputs: int, c: int, kernel: int, stride: int = 1) -> None:
        conv = nn.Conv2d(inputs, c, kernel, stride, kernel // 2, bias=False)
        super().__init__(conv, nn.BatchNorm2d(c), nn.LeakyReLU(LEAK))


class Darknet53(nn.Module):
    """Table 1 of arXiv:1804.02767: the maps with strides 8, 16 and 32; with ``classes``, scores of them."""

    def __init__(self, depths: Sequence[int] = (1, 2, 8, 8, 4), width: float = 1.0, classes: int = 0) -> None:
        super().__init__()
        c = int(32 * width)
        self.stem, self.down, self.stage = Unit(3, c, 3), nn.ModuleList(), nn.ModuleList()
        for n in depths:
            self.down.append(Unit(c, 2 * c, 3, 2))
            c *= 2
            self.stage.append(nn.ModuleList(nn.ModuleList([Unit(c, c // 2, 1), Unit(c // 2, c, 3)]) for _ in range(n)))
        self.fc = nn.Linear(c, classes) if classes else None

    def forward(self, x: Tensor) -> list[Tensor] | Tensor:
        x, seen = self.stem(x), []
        for down, stage in zip(self.down, self.stage):
            x = down(x)
            for narrow, wide in stage:  # type: ignore[misc]
                x = x + wide(narrow(x))
            seen.append(x)
        return seen[2:] if self.fc is None else self.fc(x.mean((2, 3)))


class YoloV3(nn.Module):
    """[N, 3, H, W] to three maps [N, 3 * (5 + classes), h, w], strides 32, 16 and 8; sides are multiples of 32.

    ``head.{i}.reduce`` narrows what the coarser head hands down, ``.set.{0..4}`` are the five convolutions, ``.wide``
    and ``.predict`` the two in front of the result. Channels of a result: anchor by anchor x, y, width, height,
    objectness, classes.
    """

    def __init__(self, classes: int = 80, depths: Sequence[int] = (1, 2, 8, 8, 4), width: float = 1.0) -> None:
        super().__init__()
        self.classes, self.darknet, self.head = classes, Darknet53(depths, width), nn.ModuleList()
        for i, c in enumerate([int(512 * width), int(256 * width), int(128 * width)]):
            part = nn.Module()
            before = 2 * c if i == 0 else 3 * c
            if i:
                part.reduce = Unit(2 * c, c, 1)
            kernels = [(before, c, 1), (c, 2 * c, 3), (2 * c, c, 1), (c, 2 * c, 3), (2 * c, c, 1)]
            part.set = nn.ModuleList([Unit(*kernel) for kernel in kernels])
            part.wide, part.predict = Unit(c, 2 * c, 3), nn.Conv2d(2 * c, 3 * (5 + classes), 1)
            self.head.append(part)

    def forward(self, image: Tensor) -> list[Tensor]:
        maps, found = list(self.darknet(image)), []
        x = maps.pop()
        for i, part in enumerate(self.head):
            if i:
                x = torch.cat([F.interpolate(part.reduce(x), scale_factor=2), maps.pop()], 1)
            for unit in part.set:  # type: ignore[union-attr]
                x = unit(x)
            found.append(part.predict(part.wide(x)))
        return found

    def boxes(self, maps: list[Tensor]) -> Tensor:
        """[N, 3 * places of all maps, 5 + classes]: anchor by anchor, then row by row; centre and size in pixels."""
        lines = []
        for x, anchors, stride in zip(maps, ANCHORS, (32, 16, 8)):
            n, _, h, w = x.shape
            x = x.reshape(n, 3, 5 + self.classes, h, w).permute(0, 1, 3, 4, 2)
            row, column = torch.meshgrid(torch.arange(h).to(x), torch.arange(w).to(x), indexing="ij")
            centre = (torch.sigmoid(x[..., :2]) + torch.stack([column, row], -1)) * stride
            size = torch.exp(x[..., 2:4]) * torch.tensor(anchors).to(x)[:, None, None]
            lines.append(torch.cat([centre, size, torch.sigmoid(x[..., 4:])], -1).flatten(1, 3))
        return torch.cat(lines, 1)
