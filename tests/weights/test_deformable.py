"""A ResNet with deformable convolutions, written in PyTorch alone: its checkpoint gives the same numbers here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archdsl
from archdsl import driver
from archdsl.project.compiling import with_weights


def network() -> Any:
    """One unit a stage, named as mmdetection does; every tap is read by itself."""
    import torch
    import torch.nn.functional as F  # noqa: N812
    from drawn.sampling import read_at
    from torch import Tensor, nn

    class Deformable(nn.Conv2d):
        def __init__(self, c: int, stride: int) -> None:
            super().__init__(c, c, 3, stride, 1, bias=False)
            self.conv_offset = nn.Conv2d(c, 27, 3, stride, 1)

        def forward(self, x: Tensor) -> Tensor:
            said = self.conv_offset(x)
            rows, columns = (torch.arange(n, dtype=x.dtype) * self.stride[0] - 1 for n in said.shape[2:])
            total = 0
            for tap in range(9):
                y = rows[:, None] + tap // 3 + said[:, 2 * tap]
                at = columns + tap % 3 + said[:, 2 * tap + 1]
                read = read_at(x, y, at) * said[:, 18 + tap].sigmoid()[:, None]
                total = total + F.conv2d(read, self.weight[:, :, tap // 3, tap % 3, None, None])
            return total

    class Unit(nn.Module):
        def __init__(self, inputs: int, c: int, stride: int) -> None:
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(inputs, c, 1, bias=False), nn.BatchNorm2d(c)
            plain = nn.Conv2d(c, c, 3, stride, 1, bias=False)
            self.conv2, self.bn2 = plain if c == 64 else Deformable(c, stride), nn.BatchNorm2d(c)
            self.conv3, self.bn3 = nn.Conv2d(c, 4 * c, 1, bias=False), nn.BatchNorm2d(4 * c)
            self.downsample = nn.Sequential(nn.Conv2d(inputs, 4 * c, 1, stride, bias=False), nn.BatchNorm2d(4 * c))

        def forward(self, x: Tensor) -> Tensor:
            y = self.bn1(self.conv1(x)).relu()
            y = self.bn2(self.conv2(y)).relu()
            return (self.bn3(self.conv3(y)) + self.downsample(x)).relu()

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
            inputs = 64
            for i, c in enumerate((64, 128, 256, 512)):
                self.add_module(f"layer{i + 1}", nn.Sequential(Unit(inputs, c, 1 if i == 0 else 2)))
                inputs = 4 * c
            self.fc = nn.Linear(inputs, 10)

        def forward(self, x: Tensor) -> Tensor:
            x = F.max_pool2d(self.bn1(self.conv1(x)).relu(), 3, 2, 1)
            for i in range(4):
                x = self.get_submodule(f"layer{i + 1}")(x)
            return self.fc(x.mean((2, 3)))

    return Network()


@pytest.mark.reference
def test_a_checkpoint_of_a_deformable_network_gives_the_same_logits(tmp_path: Path) -> None:
    import torch
    from torch_lively import enliven
    from torch_module import distance

    torch.manual_seed(3)
    net, x = network(), torch.randn(2, 3, 64, 64)
    enliven(net, x)
    torch.save(net.state_dict(), tmp_path / "w.pth")
    graph = driver.resolve_target("dcn")[0].graph("dcn_v2_resnet50", depths=[1, 1, 1, 1], classes=10, res=64)
    loaded, told = with_weights(graph, tmp_path / "w.pth")
    count = len(graph.parameters())
    assert told == [f"w.pth: {count} of {count} tensors matched by the map `mmdet`"]
    archdsl.compile(loaded, tmp_path / "m.onnx")
    (found,) = archdsl.run(tmp_path / "m.onnx", x.numpy()).values()
    with torch.no_grad():
        wanted = net.double()(x.double()).numpy()
        assert distance(found, wanted) <= 1e-4
        assert np.abs(wanted[0] - wanted[1]).max() > 0.01 * np.abs(wanted).max()
        net.layer3[0].conv2.conv_offset.bias[2] += 0.5  # a tap that looks elsewhere is noticed
        assert distance(found, net(x.double()).numpy()) > 1e-3
