"""Two networks side by side: every layer of both in one pair, and the steps add up to the difference of the totals."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from console import run
from page_document import whole

import archdsl

PAIRS = [("resnet34", "resnet18"), ("resnet18", "resnet34"), ("mobilenet_v2", "resnet18"), ("vgg11", "vgg11_bn")]


def aligned(new: str, old: str) -> tuple[dict[str, Any], dict[str, Any]]:
    document = whole(json.loads(archdsl.explorer(new, against=old).json))
    return document, document["against"]


@pytest.mark.parametrize(("new", "old"), PAIRS)
def test_every_layer_is_in_one_pair_and_the_steps_add_up(new: str, old: str) -> None:
    document, found = aligned(new, old)
    before, after = archdsl.cost(old), archdsl.cost(new)
    assert sorted(a for a, _, _ in found["pairs"] if a is not None) == list(range(len(before.rows)))
    assert [b for _, b, _ in found["pairs"] if b is not None] == list(range(len(after.rows)))
    assert [layer[0] for layer in found["layers"]] == [row.path for row in before.rows]
    column = document["columns"].index("params")
    step = sum(
        (document["rows"][b][column] if b is not None else 0) - (found["layers"][a][3] if a is not None else 0)
        for a, b, _ in found["pairs"]
    )
    assert step == int(str(after.total("params"))) - int(str(before.total("params")))


def test_added_blocks_are_additions() -> None:
    document, found = aligned("resnet34", "resnet18")
    added = {document["rows"][b][0].rpartition(".")[0] for a, b, _ in found["pairs"] if a is None}
    assert added == {f"layer{i}.{j}" for i, count in ((1, 3), (2, 4), (3, 6), (4, 3)) for j in range(2, count)}
    kept = [(found["layers"][a][0], document["rows"][b][0]) for a, b, _ in found["pairs"] if None not in (a, b)]
    assert all(x == y for x, y in kept)


def test_a_network_beside_itself_differs_nowhere() -> None:
    _, found = aligned("resnet18", "resnet18")
    assert found["changes"] == [] and not any(differs for _, _, differs in found["pairs"])


def test_a_state_of_the_repository_is_the_older_one(tmp_path: Path) -> None:
    text = "arch 1\nnetwork Net(c = 4) {\n  input x: f32[N, 3, 8, 8]\n  stem: conv(c, 3)\n  output y\n}\n"
    (tmp_path / "net.arch").write_text(text, encoding="utf-8")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    (tmp_path / "net.arch").write_text(text.replace("c = 4", "c = 16"), encoding="utf-8")
    done = run("archdsl report net.arch --against HEAD -o net.json", tmp_path)
    assert done.status == 0, done.output
    found = json.loads((tmp_path / "net.json").read_text(encoding="utf-8"))["against"]
    assert found["pairs"] == [[0, 0, True]] and found["layers"][0][3] == 4 * 3 * 9 + 4
    assert run("archdsl report net.arch --against nowhere -o net.json", tmp_path).status == 2
