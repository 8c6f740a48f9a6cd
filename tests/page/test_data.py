"""The document of the explorer holds what `archdsl cost` says: its polynomials are evaluated here a second time."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from page_document import whole

import archdsl

NETWORKS = {
    "lenet5": {"N": 7},
    "resnet50": {"N": 3},
    "bert_base": {"N": 2, "T": 77},
    "mobilenet_v2": {"N": 5},
    "rnn_lstm": {"N": 2},
}


def document(network: str, **arguments: Any) -> dict[str, Any]:
    return whole(json.loads(archdsl.explorer(network, **arguments).json))


class Reader:
    """Reads cells as docs/explorer.md says."""

    def __init__(self, found: dict[str, Any], sizes: dict[str, int]) -> None:
        self.values: list[int] = []
        self.sizes = {name: value for name, value, *_ in found["symbols"]} | sizes
        for terms in found["polynomials"]:
            total = 0
            for factor, monomial in terms:
                product = int(factor)
                for atom, power in monomial:
                    product *= self.atom(atom) ** power
                total += product
            self.values.append(total)

    def atom(self, atom: Any) -> int:
        if isinstance(atom, str):
            return self.sizes[atom]
        above, below = map(self.cell, atom)
        assert above is not None and below is not None
        return above // below

    def cell(self, cell: Any) -> int | None:
        return None if cell is None else self.values[cell[0]] if isinstance(cell, list) else int(cell)


@pytest.mark.parametrize("network", NETWORKS)
def test_every_figure_is_that_of_cost_at_any_sizes(network: str) -> None:
    found, sizes = document(network), NETWORKS[network]
    table = archdsl.cost(network, sizes)
    reader = Reader(found, sizes)
    column = {name: index for index, name in enumerate(found["columns"])}
    assert [row[column["path"]] for row in found["rows"]] == [row.path for row in table.rows]
    bound = {index: figures for index, *figures in (found["fixed"] or {"rows": []})["rows"]}
    for index, (cells, row) in enumerate(zip(found["rows"], table.rows)):
        work = row.work
        made, moved, _ = bound.get(index, [cells[column[name]] for name in ("activations", "traffic", "fused_into")])
        assert reader.cell(cells[column["params"]]) == row.params
        assert reader.cell(cells[column["macs"]]) == (work.mac if work else None), row.path
        assert reader.cell(made) == row.out_bytes, row.path
        assert reader.cell(moved) == table.traffic(row)
        shapes = [(dtype, tuple(map(reader.cell, shape))) for dtype, shape in cells[column["outputs"]]]
        assert shapes == [(one.dtype, one.shape) for one in row.outputs]
    general = {one["name"]: one["general"] for one in found["totals"]} | (found["fixed"] or {"totals": {}})["totals"]
    general = {name: cell for name, cell in general.items() if cell is not None}
    assert {"params", "macs", "flops", "traffic", "activations"} <= set(general)
    live = [0] * found["memory"]["steps"]
    for cell, start, end, _ in found["memory"]["bound"]["buffers"]:
        for step in range(start, end + 1):
            live[step] += reader.cell(cell) or 0
    assert max(live) == table.total("peak_activations")
    assert all(reader.cell(a) != reader.cell(b) for a, b in found["memory"]["bound"]["unless"])
    for name, cell in general.items():
        assert reader.cell(cell) == table.total(name), name


@pytest.mark.parametrize("network", NETWORKS)
def test_formulas_are_products_of_the_macs(network: str) -> None:
    found = document(network)
    reader = Reader(found, {})
    column = {name: index for index, name in enumerate(found["columns"])}
    told = 0
    for row in found["rows"]:
        formula = row[column["formula"]]
        if formula is None:
            continue
        product = 1
        for cell in formula[1:]:
            size = reader.cell(cell)
            assert size is not None
            product *= size
        assert product == reader.cell(row[column["macs"]]), row[0]
        assert len(found["formulas"][formula[0]]) == len(formula) - 1
        told += 1
    working = sum(bool(reader.cell(row[column["macs"]])) for row in found["rows"])
    assert told == working


@pytest.mark.parametrize("network", NETWORKS)
def test_as_declared_every_figure_is_that_of_cost(network: str) -> None:
    found, table = document(network), archdsl.cost(network)
    reader = Reader(found, {})
    column = {name: index for index, name in enumerate(found["columns"])}
    for cells, row in zip(found["rows"], table.rows):
        assert reader.cell(cells[column["activations"]]) == row.out_bytes
        assert reader.cell(cells[column["traffic"]]) == table.traffic(row)
    for one in found["totals"]:
        if one["general"] is not None:
            assert reader.cell(one["general"]) == table.total(one["name"]) == one["value"]


def test_a_convolution_s_formula_is_that_of_textbooks() -> None:
    found = document("resnet50")
    formula = found["rows"][0][found["columns"].index("formula")]
    reader = Reader(found, {})
    assert [reader.cell(cell) for cell in formula[1:]] == [1, 64, 112, 112, 3, 7, 7]


def test_lines_are_those_of_the_text() -> None:
    found = document("specs/resnet.arch:resnet18")
    column = {name: index for index, name in enumerate(found["columns"])}
    texts = [source["text"].splitlines() for source in found["sources"]]
    rows = {row[0]: row for row in found["rows"]}
    source, line, _ = found["spots"][rows["layer2.0.conv1"][column["line"]]]
    assert found["sources"][source]["name"] == "specs/resnet.arch" and "unit(c" in texts[source][line - 1]
    source, line, _ = found["spots"][rows["layer2.0.conv1"][column["made_at"]]]
    assert found["sources"][source]["name"] == "std.resnet" and "conv1" in texts[source][line - 1]
    names = []
    frame = rows["layer2.0.conv1"][column["frame"]]
    while frame is not None:
        names.append(found["frames"][frame][0])
        frame = found["frames"][frame][3]
    assert names == ["basic", "ResNet"]


def test_memory_is_the_plan_of_cost() -> None:
    found, plan = document("bert_base"), archdsl.memory("bert_base")
    memory, reader = found["memory"], Reader(document("bert_base"), {})
    assert memory["peak"]["bytes"] == plan.figures.peak and memory["arena"] == plan.figures.arena
    live = [0] * memory["steps"]
    taken: list[list[tuple[int, int]]] = [[] for _ in live]
    for _, _, cell, start, end, offset, _ in memory["buffers"]:
        size = reader.cell(cell)
        assert size is not None and offset + size <= memory["arena"]
        for step in range(start, end + 1):
            live[step] += size
            taken[step].append((offset, offset + size))
    assert max(live) == live[memory["peak"]["at"]] == plan.figures.peak
    for spans in taken:  # what lives at the same time lies apart
        ordered = sorted(spans)
        assert all(end <= begin for (_, end), (begin, _) in pairwise(ordered))


def test_blocks_are_the_tree_of_the_paths() -> None:
    found = document("resnet18")
    paths = [row[0] for row in found["rows"]]
    for path, around, first, last in found["blocks"]:
        assert all(one.startswith(f"{path}.") for one in (paths[first], paths[last]))
        assert (found["blocks"][around][0] if around is not None else "") == path.rpartition(".")[0]


def test_claims_are_measured() -> None:
    claims = document("resnet50")["claims"]
    assert ["params", "==", "25,557,032", "25,557,032", True] in [claim[:5] for claim in claims]
    assert document("resnet50", settings={"classes": 10})["claims"] == []  # they are of the network as it is


def test_sizes_that_nothing_gives_are_left_open() -> None:
    text = "arch 1\nnetwork Net() {\n  input x: f32[N, 3, H, W]\n  conv(8, 3)\n  relu\n  output y\n}\n"
    graph = archdsl.load(text).graph()
    found = json.loads(archdsl.explorer(graph).json)
    assert [name for name, *_ in found["symbols"]] == ["H", "N", "W"] and found["memory"] is None
    macs = next(one for one in found["totals"] if one["name"] == "macs")
    assert Reader(found, {"N": 2, "H": 9, "W": 5}).cell(macs["general"]) == 2 * 9 * 5 * 8 * 27
