"""Which network of the zoo a model is: names, norms and classes do not matter."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from exported import exported
from torch import nn

import archdsl
from archdsl.graph import Graph


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "squeezenet1_1", "lenet5"])
def test_a_network_is_itself(name: str) -> None:
    found = archdsl.which(name)
    assert (found.best, found.same) == (name, True)


def test_a_file_without_names_and_norms_is_found(tmp_path: Path) -> None:
    archdsl.compile("resnet18", tmp_path / "theirs.onnx", deploy=True)
    found = archdsl.which(tmp_path / "theirs.onnx")
    assert (found.best, found.same) == ("resnet18", True)
    assert "has the layers of resnet18" in str(found)


def test_other_classes_are_what_differs(tmp_path: Path) -> None:
    graph: Graph = archdsl.load("resnet18").graph(classes=7)
    found = archdsl.which(graph)
    assert found.best == "resnet18" and not found.same
    assert (dict(found.only(0, "layers")), dict(found.only(1, "layers"))) == (
        {"linear 7x512": 1},
        {"linear 1000x512": 1},
    )
    assert "20 of 21 layers are the same" in str(found)


def test_a_module_of_torch_is_found(tmp_path: Path) -> None:
    """LeNet-5 as people write it in PyTorch."""
    layers = [
        nn.Conv2d(1, 6, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Flatten(),
    ]
    head = [nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)]
    path = exported(nn.Sequential(*layers, *head), [torch.randn(1, 1, 32, 32)], tmp_path / "net.pt2")
    found = archdsl.which(path)
    assert found.best == "lenet5"  # whose third convolution sees 5x5 positions, and is a linear layer here
    assert (dict(found.only(0, "layers")), dict(found.only(1, "layers"))) == (
        {"linear 120x400": 1},
        {"conv 120x16x5x5": 1},
    )


def test_what_is_like_nothing(tmp_path: Path) -> None:
    path = exported(nn.Linear(1234, 777), [torch.randn(1, 1234)], tmp_path / "net.pt2")
    found = archdsl.which(path)
    assert found.best is None and not found.only(0, "layers")
    assert "is like no network of the zoo" in str(found)
