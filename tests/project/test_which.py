"""Which network of the zoo a model is: names, norms and classes do not matter."""

from __future__ import annotations

from pathlib import Path

import pytest

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
