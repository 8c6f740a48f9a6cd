"""The graph of the explorer: each layer is in one box of one picture, and every picture is reached from the first."""

from __future__ import annotations

import json
from typing import Any

import pytest

import archdsl

NETWORKS = ("lenet5", "resnet50", "bert_base", "nasnetalarge", "googlenet", "densenet121", "rnn_lstm")


@pytest.fixture(scope="module", params=NETWORKS)
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(archdsl.explorer(request.param).json)
    return found


def test_every_layer_is_in_one_box(document: dict[str, Any]) -> None:
    graph, rows = document["graph"], document["rows"]
    assert len(graph["places"]) == len(rows)
    for index, place in enumerate(graph["places"]):
        if place is None:  # the operator that holds a body is the frame around it
            assert any(row[0].startswith(f"{rows[index][0]}.") for row in rows)
            continue
        picture, box = place
        first, count, inside, key = graph["pictures"][picture][3][box]
        assert inside is None and key is None and count >= 1
        drawn = rows[first]
        assert drawn[1] == rows[index][1] or count > 1  # of what is drawn once for several, the first


def test_every_closed_block_has_a_picture_of_its_own(document: dict[str, Any]) -> None:
    graph = document["graph"]
    entered = [box[2] for picture in graph["pictures"] for box in picture[3] if box[2] is not None]
    assert sorted(entered) == list(range(1, len(graph["pictures"])))
    for number, (drawing, _, around, boxes, texts) in enumerate(graph["pictures"]):
        shown = graph["drawings"][drawing]
        assert len(shown["boxes"]) == len(boxes) and len(shown["texts"]) == len(texts)
        assert all(0 <= text < len(graph["words"]) for text in texts)
        assert (around is None) == (number == 0)
        if around is not None:
            assert any(box[2] == number for box in graph["pictures"][around][3])
        for (x, y, width, height, _, _), box in zip(shown["boxes"], boxes):
            assert min(x, y) >= 0 and x + width <= shown["size"][0] and y + height <= shown["size"][1], box


def test_boxes_count_all_operators_once() -> None:
    for name in ("resnet50", "densenet121", "googlenet"):
        document = json.loads(archdsl.explorer(name).json)
        graph = document["graph"]
        shown = graph["drawings"][graph["pictures"][0][0]]["boxes"]
        outer = [
            box[1]
            for (x, y, width, height, _, _), box in zip(shown, graph["pictures"][0][3])
            if not any(
                a < x and b < y and a + c > x + width and b + d > y + height and is_open
                for a, b, c, d, _, is_open in shown
            )
        ]
        assert sum(outer) == len(document["rows"]), name


def test_equal_blocks_share_a_drawing() -> None:
    graph = json.loads(archdsl.explorer("densenet201").json)["graph"]
    assert len(graph["drawings"]) < len(graph["pictures"])
