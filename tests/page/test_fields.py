"""What positions see of the input, held against sets of positions that go through the definition of every operator, at
the borders of all maps on the way as well.
"""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from dependence import dependences
from page_document import whole

import archdsl

TEXTS = {
    "padding of its own": "conv(2, 3, pad = valid) -> conv(2, 1, pad = 2) -> conv(2, 3)",
    "dilation": "conv(2, 3, dilation = 3) -> conv(2, 3, dilation = 2, stride = 2, pad = 5)",
    "one side only": "conv(2, 4, stride = 3, pad = [3, 0, 0, 2]) -> relu -> conv(2, 2, pad = [0, 1, 1, 0])",
    "up again": "conv(2, 3, stride = 2) -> resize(scale = 2) -> conv(2, 3) -> conv_transpose(2, 4, stride = 2)",
    "branches": "residual(shortcut = conv(4, 1, stride = 2)) { conv(4, 5, stride = 2) -> conv(4, 3) } -> max_pool(3, stride = 2)",
    "windows that leave gaps": "conv(2, 1, stride = 3) -> conv(2, 3, pad = 0) -> batch_norm -> relu",
}


def spans(runs: list[list[Any]]) -> list[tuple[int, int] | None]:
    """Reads runs as docs/explorer.md says."""
    found: list[tuple[int, int] | None] = []
    for count, first, last, low, high in runs:
        found += [None if first is None else (first + i * low, last + i * high) for i in range(count)]
    return found


def held(graph: archdsl.Graph) -> int:
    """Every map of a document against the sets; how many positions were compared."""
    found = whole(json.loads(archdsl.explorer(graph).json))
    column = found["columns"].index("map")
    sets, sizes = dependences(graph), tuple(int(str(size)) for size in graph.inputs[0].type.shape[2:])
    lines = [
        [sum(2 << i for i, p in enumerate(product(*map(range, sizes))) if p[axis] == at) for at in range(sizes[axis])]
        for axis in range(len(sizes))
    ]
    compared = 0
    by_path = {node.path: node for node in graph.all_nodes()}
    for row in found["rows"]:
        known = sets.get(by_path[row[0]].outputs[0])
        if row[column] is None or known is None:
            assert row[column] is None and known is None, row[0]
            continue
        seen = {
            axis: (source, spans(found["maps"]["spans"][number]))
            for axis, source, number in found["maps"]["maps"][row[column]]
        }
        assert sorted(seen) == [axis + 2 for axis in range(len(sizes))] and all(a == b for a, (b, _) in seen.items())
        for position, bits in known.items():
            for axis, at in enumerate(position):
                true = [i for i, line in enumerate(lines[axis]) if line & bits]
                told = seen[axis + 2][1][at]
                if not true:  # what has nothing on one axis has nothing on any
                    assert any(seen[other + 2][1][place] is None for other, place in enumerate(position))
                elif told is None or told != (true[0], true[-1]):
                    raise AssertionError(f"{row[0]} at {position}: {told}, not {true[0], true[-1]}")
                compared += 1
    return compared


@pytest.mark.parametrize("name", TEXTS)
def test_every_position_sees_what_it_depends_on(name: str) -> None:
    text = f"arch 1\nnetwork Net() {{\n  input x: f32[1, 2, 14, 11]\n  {TEXTS[name]}\n  output y\n}}\n"
    assert held(archdsl.load(text).graph()) > 50


@pytest.mark.parametrize(
    ("network", "settings"),
    [
        ("specs/resnet.arch:resnet18", {"res": 32}),
        ("specs/mobilenet_v2.arch:mobilenet_v2", {"res": 32}),
    ],
)
def test_networks_of_the_zoo(network: str, settings: dict[str, Any]) -> None:
    path, _, variant = network.partition(":")
    assert held(archdsl.load(path).graph(variant, **settings)) > 500
