"""What papers say of the mobile, shifted and searched networks beyond totals: sizes, scaling, offsets, wiring."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import onnx
import pytest
from lowered import lowered
from onnx import numpy_helper
from paths import SPECS
from zoo_models import session_of

import archdsl
from archdsl.analyses.measure import Measures
from archdsl.graph import Graph

Arrays = dict[str, np.ndarray]


@cache
def graph(file: str, variant: str) -> Graph:
    return archdsl.load(SPECS / f"{file}.arch").graph(variant)


def entering(g: Graph, path: str) -> tuple[Any, ...]:
    """The shape, without the batch, of what enters a convolution."""
    return next(node for node in g.nodes if node.path == path).inputs[0].type.shape[1:]


def test_resolutions_of_efficientnet_b0_are_those_that_enter_a_stage() -> None:
    """Table 1. A reprint has 28 x 28 at stage 6, the fifth of blocks; its 14 x 14 is what comes in."""
    g = graph("efficientnet", "efficientnet_b0")
    table = [(32, 112), (16, 112), (24, 56), (40, 28), (80, 14), (112, 14), (192, 7)]
    for stage, (c, side) in enumerate(table, 1):
        assert entering(g, f"features.{stage}.0.block.0.0") == (c, side, side)
    assert entering(g, "features.8.0") == (320, 7, 7)


def test_compound_scaling() -> None:
    """alpha beta^2 gamma^2 = 1.92 is the "about 2" of the paper: phi = 1 nearly doubles the operations of B0."""
    assert round(1.2 * 1.1**2 * 1.15**2, 4) == 1.9203
    b0, b1 = (int(Measures(graph("efficientnet", f"efficientnet_b{i}")).of("macs").value) for i in (0, 1))
    assert 1.7 < b1 / b0 < 1.9203


def test_misprint_of_pnasnet() -> None:
    """The row prints 23 B beside a ratio of 6.0 to the 4.2 B of EfficientNet-B4: 25 B is meant."""
    assert round(23 / 4.2, 1) == 5.5
    assert round(int(Measures(graph("pnasnet", "pnasnet5large")).of("macs").value) / 4.2e9, 1) == 5.9
    assert round(25 / 4.2, 1) == 6.0


def pads(g: Graph) -> set[tuple[int, tuple[int, int]]]:
    """Kernel, begin and end padding of the strided convolutions on maps of even size."""
    found = set()
    for node in g.nodes:
        op: Any = node.op
        if op.name == "conv" and op.stride == 2 and node.inputs[0].type.shape[2] % 2 == 0:
            found.add((op.kernel, op.pads(node.inputs[0].type)[0]))
    return found


def test_padding_of_the_released_efficientnet() -> None:
    assert pads(graph("efficientnet", "efficientnet_b0")) == {(3, (1, 1)), (5, (2, 2))}
    assert pads(graph("efficientnet", "tf_efficientnet_b0")) == {(3, (0, 1)), (5, (1, 2))}


def test_drop_path_grows_linearly() -> None:
    """0.2 times the number of the block of 16; only blocks with a shortcut drop."""
    g = graph("efficientnet", "efficientnet_b0")
    rates = [node.op.p for node in g.nodes if node.op.name == "drop_path"]  # type: ignore[attr-defined]
    with_shortcut = [2, 4, 6, 7, 9, 10, 12, 13, 14]
    assert rates == pytest.approx([0.2 * block / 16 for block in with_shortcut])


def test_groups_of_shufflenet_v1() -> None:
    """Table 1: the widths of the stages; the first 1x1 of stage 2 is not grouped."""
    for groups, width in ((1, 144), (2, 200), (3, 240), (4, 272), (8, 384)):
        g = graph("shufflenet_v1", f"shufflenet_v1_g{groups}")
        convs = [node for node in g.nodes if node.op.name == "conv" and node.path.startswith("stage")]
        assert [convs[0].op.groups, convs[2].op.groups] == [1, groups]  # type: ignore[attr-defined]
        joined = [node for node in g.nodes if node.op.name == "concat"]
        assert [node.outputs[0].type.shape[1] for node in joined] == [width, 2 * width, 4 * width]
        assert [node.outputs[0].type.shape[2] for node in joined] == [28, 14, 7]


def compute(use: str, body: str, shape: tuple[int, ...], x: np.ndarray, **weights: np.ndarray) -> np.ndarray:
    """One block in ONNX Runtime; ``weights`` by the end of their names."""
    text = f"arch 1\n{use}\nnetwork Net() {{ input x: f32{list(shape)}; {body} }}\nvariant net = Net()\n"
    model = onnx.ModelProto.FromString(lowered(archdsl.load(text).graph("net")))
    for tensor in model.graph.initializer:
        for name, value in weights.items():
            if tensor.name.endswith(name):
                tensor.CopyFrom(numpy_helper.from_array(value.astype(np.float32), tensor.name))
    (y,) = session_of(model.SerializeToString()).run(None, {"x": x})
    return np.asarray(y)


def shift_block() -> str:
    """The definition in the spec of ShiftNet."""
    text = (SPECS / "shiftnet.arch").read_text(encoding="utf-8")
    start = text.index("block shift(k)")
    return text[start : text.index("\n}\n", start) + 3]


def at(x: np.ndarray, c: int, i: int, j: int) -> float:
    inside = 0 <= i < x.shape[2] and 0 <= j < x.shape[3]
    return float(x[0, c, i, j]) if inside else 0.0


@pytest.mark.parametrize(("channels", "k"), [(9, 3), (20, 3), (50, 5)])
def test_shift_moves_each_group_by_its_own_offset(channels: int, k: int) -> None:
    """y[c, i, j] = x[c, i + dh, j + dw]; what does not divide is not moved."""
    x = np.random.default_rng(0).normal(size=(1, channels, 6, 7)).astype(np.float32)
    y = compute(shift_block(), f"shift({k})", x.shape, x)
    group, rest = divmod(channels, k * k)
    sizes = [group + (rest if i == k * k // 2 else 0) for i in range(k * k)]
    offsets = [(i // k - k // 2, i % k - k // 2) for i, size in enumerate(sizes) for _ in range(size)]
    expected = [[[at(x, c, i + dh, j + dw) for j in range(7)] for i in range(6)] for c, (dh, dw) in enumerate(offsets)]
    assert sum((dh, dw) == (0, 0) for dh, dw in offsets) == group + rest
    np.testing.assert_array_equal(y[0], np.array(expected, np.float32))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("reach", [1, 2])
def test_active_shift_is_bilinear_interpolation(stride: int, reach: int) -> None:
    draw = np.random.default_rng(1)
    x = draw.normal(size=(1, 5, 7, 6)).astype(np.float32)
    alpha, beta = (draw.uniform(-reach, reach, (5, 1, 1)).astype(np.float32) for _ in range(2))
    body = f"active_shift({stride}, reach = {reach})"
    y = compute("use std.shift (active_shift)", body, x.shape, x, alpha=alpha, beta=beta)
    expected = np.zeros_like(y)
    for c, i, j in np.ndindex(*y.shape[1:]):
        v, h = i * stride + float(alpha[c, 0, 0]), j * stride + float(beta[c, 0, 0])
        top, left = int(np.floor(v)), int(np.floor(h))
        for di, wv in ((0, top + 1 - v), (1, v - top)):
            for dj, wh in ((0, left + 1 - h), (1, h - left)):
                expected[0, c, i, j] += wv * wh * at(x, c, top + di, left + dj)
    assert y.shape == (1, 5, -(-7 // stride), -(-6 // stride))
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


def test_sparse_shift_moves_by_whole_pixels() -> None:
    x = np.random.default_rng(2).normal(size=(1, 3, 5, 5)).astype(np.float32)
    alpha, beta = np.array([0.4, 0.8, -0.9]).reshape(3, 1, 1), np.array([-0.2, 0.1, 0.7]).reshape(3, 1, 1)
    y = compute("use std.shift (active_shift)", "active_shift(grid = round)", x.shape, x, alpha=alpha, beta=beta)
    for c, (dh, dw) in enumerate([(0, 0), (1, 0), (-1, 1)]):
        expected = [[at(x, c, i + dh, j + dw) for j in range(5)] for i in range(5)]
        np.testing.assert_allclose(y[0, c], expected, rtol=1e-6)


@pytest.mark.parametrize("side", [6, 7])
def test_factorised_reduction_sees_every_pixel(side: int) -> None:
    """Two paths, one pixel apart: with identity matrices the even pixels, then the odd ones (zero beyond the end)."""
    x = np.random.default_rng(3).normal(size=(1, 4, side, side)).astype(np.float32)
    eye = np.eye(4, dtype=np.float32).reshape(4, 4, 1, 1)
    one, zero = np.ones(8), np.zeros(8)
    weights: Arrays = {
        "conv.weight": eye, "conv_2.weight": eye, "batch_norm.weight": one, "batch_norm.bias": zero,
        "running_mean": zero, "running_var": one,
    }  # fmt: skip
    body = "factorised_reduction(8)"
    y = compute("use std.nas (factorised_reduction)", body, x.shape, x, **weights)
    moved = np.pad(x, ((0, 0), (0, 0), (0, 1), (0, 1)))[:, :, 1:, 1:]
    expected = np.concatenate([x[:, :, ::2, ::2], moved[:, :, ::2, ::2]], axis=1) / np.sqrt(1 + 1e-3)
    np.testing.assert_allclose(y, expected, rtol=1e-5)


CELLS = {
    ("nasnet", "nasnet_mobile"): (12, 44, 24), ("nasnet", "nasnetalarge"): (18, 168, 24),
    ("pnasnet", "pnasnet5large"): (12, 216, 20), ("amoebanet", "amoebanet_a"): (18, 190, 16),
    ("amoebanet", "amoebanet_c"): (18, 228, 20), ("amoebanet", "amoebanet_d"): (18, 256, 16),
}  # fmt: skip


@pytest.mark.parametrize(("where", "cells"), CELLS.items(), ids=[v for _, v in CELLS])
def test_cells_and_their_width(where: tuple[str, str], cells: tuple[int, int, int]) -> None:
    """NASNet-A (6 @ 4032) has 24 x 168 features; every cell is five sums, and ends in a join."""
    count, c, factor = cells
    g = graph(*where)
    sums = [node for node in g.nodes if node.op.name == "add"]
    extra = 2 if where[0] == "pnasnet" else 4
    assert len(sums) == 5 * (count + extra)
    linear = next(node for node in g.nodes if node.op.name == "linear")
    assert linear.inputs[0].type.shape[1] == factor * c


def sources(g: Graph, cell: str) -> set[str]:
    """The cells that a cell sees."""
    seen = {v.name for node in g.nodes if node.path.startswith(f"{cell}.") for v in node.inputs}
    return {name.rsplit(".", 1)[0] for name in seen if not name.startswith(f"{cell}.")}


def test_what_a_cell_behind_a_reduction_sees() -> None:
    """The large NASNet passes h[i - 3] on, the mobile one h[i - 2]; two cells of the stem and n others come before."""
    for variant, n, behind in (("nasnet_mobile", 4, 2), ("nasnetalarge", 6, 3)):
        g = graph("nasnet", variant)
        i = 2 + n + 1
        assert sources(g, f"features.cells.{i}") == {f"features.cells.{i - behind}", f"features.cells.{i - 1}"}


def test_delugenet_joins_by_a_weighted_sum_of_all_layers() -> None:
    """The composite layers 2, 3, … of a block see 2, 3, … sources, and so does what follows the block."""
    g = graph("delugenet", "delugenet_92")
    found = [len(node.inputs) for node in g.nodes if node.op.name == "add"]
    assert found == [*range(2, 9), *range(2, 9), *range(2, 10), *range(2, 10)]
    assert len([n for n in g.nodes if n.op.name == "conv" and n.op.kernel == 3]) == 30 + 3  # type: ignore[attr-defined]


def test_msdnet_has_ten_classifiers_on_the_coarsest_scale() -> None:
    """Behind the layers 4, 6, … 22; a quarter of the layers has all four scales, each further quarter one less."""
    g = graph("msdnet", "msdnet22")
    assert g.outputs["scores"].type.shape[1:] == (10, 1000)
    assert len([node for node in g.nodes if node.op.name == "linear"]) == 10
    joined = [node.outputs[0].type.shape[2] for node in g.nodes if node.op.name == "concat"]
    assert [joined.count(side) for side in (56, 28, 14, 7)] == [6, 12, 18, 22]
