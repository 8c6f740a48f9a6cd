"""The graph of the explorer: each layer is in one box of one frame, and every frame is in a box of the one around it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from page_document import whole

import archdsl

NETWORKS = ("lenet5", "resnet50", "bert_base", "nasnetalarge", "googlenet", "densenet121", "rnn_lstm")


@pytest.fixture(scope="module", params=NETWORKS)
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    return whole(json.loads(archdsl.explorer(request.param).json))


def boxes(graph: dict[str, Any], frame: int) -> list[dict[str, Any]]:
    return [dict(zip(graph["box_columns"], box)) for box in graph["frames"][frame][3]]


def test_every_layer_is_in_one_box(document: dict[str, Any]) -> None:
    graph, rows, op = document["graph"], document["rows"], document["columns"].index("op")
    assert len(graph["places"]) == len(rows)
    for index, place in enumerate(graph["places"]):
        if place is None:  # the operator that holds a body is the frame around it
            assert any(row[0].startswith(f"{rows[index][0]}.") for row in rows)
            continue
        frame, number = place
        box = boxes(graph, frame)[number]
        assert box["frame"] is None and box["path"] is None and box["operators"] >= 1
        drawn = rows[box["row"]]
        assert drawn[op] == rows[index][op] or box["operators"] > 1  # of what is drawn once for several, the first


def test_every_frame_is_in_a_box(document: dict[str, Any]) -> None:
    graph = document["graph"]
    entered = [box["frame"] for frame in range(len(graph["frames"])) for box in boxes(graph, frame)]
    assert sorted(one for one in entered if one is not None) == list(range(1, len(graph["frames"])))
    for number, (level, around, index, _) in enumerate(graph["frames"]):
        assert (around is None) == (number == 0) and 0 <= level < len(graph["levels"])
        if around is not None:
            assert boxes(graph, around)[index]["frame"] == number
            parts = graph["levels"][graph["frames"][around][0]]["parts"]
            assert dict(zip(graph["part_columns"], parts[index]))["level"] == level
    assert graph["open"][0] == 0 and set(graph["open"]) <= set(range(len(graph["frames"])))


def parts_of(way: Any) -> Iterator[int]:
    if isinstance(way, dict):
        yield from way.get("p", [])
        for one in way.get("s") or way["b"]:
            yield from parts_of(one)


def test_every_part_stands_once_in_its_level(document: dict[str, Any]) -> None:
    graph = document["graph"]
    for frame, (level, *_) in enumerate(graph["frames"]):
        found = graph["levels"][level]
        ways = [found["way"]] if "way" in found else found["rows"]
        told = [part for one in ways for part in ([one] if isinstance(one, int) else parts_of(one))]
        assert sorted(told) == list(range(len(found["parts"])))
        assert len(found["parts"]) == len(boxes(graph, frame))
        for box in boxes(graph, frame):
            assert all(0 <= line < len(graph["words"]) for line in box["lines"])


def test_boxes_count_all_operators_once() -> None:
    for name in ("resnet50", "densenet121", "googlenet"):
        document = json.loads(archdsl.explorer(name).json)
        assert sum(box["operators"] for box in boxes(document["graph"], 0)) == len(document["rows"]), name


def test_equal_blocks_share_a_level() -> None:
    graph = json.loads(archdsl.explorer("nasnetalarge").json)["graph"]
    assert 4 * len(graph["levels"]) < len(graph["frames"])
