"""What papers say of perceptrons and of the Inception family beyond totals: sizes, scales, sharing, truth tables."""

from __future__ import annotations

from collections import Counter
from functools import cache
from math import prod

import numpy as np
import pytest
from lowered import lowered
from paths import spec
from zoo_models import session_of

import archdsl
from archdsl.analyses.measure import Measures
from archdsl.graph import Graph, Node


@cache
def graph(file: str, variant: str) -> Graph:
    return archdsl.load(spec(file)).graph(variant)


def operators(file: str, variant: str, name: str) -> list[Node]:
    return [node for node in graph(file, variant).nodes if node.op.name == name]


@pytest.mark.parametrize(("gate", "table"), [("gate_and", [0, 0, 0, 1]), ("gate_or", [0, 1, 1, 1])])
def test_logic_gates(gate: str, table: list[int]) -> None:
    model = session_of(lowered(graph("mlp", gate)))
    every = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    (y,) = model.run(None, {"x": every})
    assert y.ravel().tolist() == table


def test_zip_code_network_of_1989() -> None:
    """1256 units, 64,660 connections (a bias is one), 9760 independent parameters."""
    g = graph("lenet", "convnet1989")
    units = [prod(g.taps[name].type.shape[1:]) for name in ("h1", "h2", "h3", "scores")]
    assert units == [768, 192, 30, 10]
    assert 16 * 16 + sum(units) == 1_256
    m = Measures(g)
    assert m.of("macs").value + sum(units) == 64_660
    assert [m.of("params", layer).value for layer in ("h1", "h2", "h3", "scores")] == [1_068, 2_592, 5_790, 310]


def test_maps_of_rethinking_inception_table_1() -> None:
    """The table's sizes for 299 x 299 down to the modules; its stem is not the one of the released v3."""
    rows = [
        ("conv(32, 3, stride = 2, pad = valid)", (32, 149)), ("conv(32, 3, pad = valid)", (32, 147)),
        ("conv(64, 3)", (64, 147)), ("max_pool(3, stride = 2)", (64, 73)), ("conv(80, 3, pad = valid)", (80, 71)),
        ("conv(192, 3, stride = 2, pad = valid)", (192, 35)), ("conv(288, 3)", (288, 35)),
    ]  # fmt: skip
    stem = "\n".join(f"  {row}" for row, _ in rows)
    text = f"arch 1\nnetwork Stem() {{\n  input x: f32[N, 3, 299, 299]\n{stem}\n}}\nvariant stem = Stem()\n"
    shapes = [node.outputs[0].type.shape[1:] for node in archdsl.load(text).graph("stem").nodes]
    assert shapes == [(c, side, side) for _, (c, side) in rows]


def test_inception_v3_against_googlenet() -> None:
    """ "2.5 times GoogLeNet" is not what the released network costs: 3.6 times."""
    v3, v1 = Measures(graph("inception_v3", "inception_v3")), Measures(graph("googlenet", "googlenet_2014"))
    assert round(v3.of("macs").value / v1.of("macs").value, 2) == 3.61


@pytest.mark.parametrize(("variant", "counts"), [("inception_v3", {True}), ("inception_v4", {False})])
def test_padding_in_means(variant: str, counts: set[bool]) -> None:
    """torchvision counts it, TensorFlow does not."""
    assert {node.op.count_pad for node in operators(variant, variant, "avg_pool")} == counts  # type: ignore[attr-defined]


def factors(file: str, variant: str) -> list[float]:
    """The scale of every residual branch, in order."""
    return [node.op.values for node in operators(file, variant, "constant")]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("variant", "units"), [("v1", (5, 10, 5)), ("v2", (10, 20, 9))])
def test_scales_of_inception_resnet(variant: str, units: tuple[int, int, int]) -> None:
    """0.17, 0.10 and 0.20; the last unit is not scaled, and has no ReLU."""
    name = f"inception_resnet_{variant}"
    assert Counter(factors("inception_resnet", name)) == dict(zip((0.17, 0.10, 0.20), units))
    adds = operators("inception_resnet", name, "add")
    assert len(adds) == sum(units) + 1
    sums = {id(add.outputs[0]) for add in adds}
    assert sum(id(node.inputs[0]) in sums for node in operators("inception_resnet", name, "relu")) == sum(units)


def test_scales_of_polynet() -> None:
    """From 1 (no product) down by 1/130 a module to 0.7: ten two-way modules, then poly-3 and two-way in turn."""
    found = [round(factor, 6) for factor in factors("polynet", "polynet")]
    assert found[:6] == [0.992308, 0.984615, 0.976923, 0.969231, 0.961538, 0.953846]
    assert found[8:12] == [0.930769, 0.923077, 0.915385, 0.907692]
    assert found[-10:-5] == [0.769231, 0.761538, 0.753846, 0.746154, 0.738462]
    assert found[-2:] == [0.707692, 0.7]
    assert len(found) == 9 + 20 + 10


def test_polynet_shares_weights_and_not_statistics() -> None:
    """Each of the four convolutions in the branches of a poly-3 works three times, with statistics of their own."""
    g = graph("polynet", "polynet")
    uses: Counter[str] = Counter()
    for node in g.nodes:
        uses.update(parameter.path for parameter in node.params.values())
    assert set(uses.values()) == {1, 3}
    shared = [path for path, times in uses.items() if times == 3]
    assert len(shared) == (10 + 5) * 4
    assert all(path.endswith(".conv.weight") for path in shared)
