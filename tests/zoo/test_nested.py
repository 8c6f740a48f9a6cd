"""Networks of branches and levels within one another: RepVGG before and after merging, Hourglass, U-Net at free sizes."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from paths import DATA, SPECS

import archdsl
from archdsl import dims
from archdsl.analyses.measure import Measures
from archdsl.rewrites.merge import deployed

TABLE = {
    "repvgg_a0": ("8.30", "1.4"), "repvgg_a1": ("12.78", "2.4"), "repvgg_a2": ("25.49", "5.1"),
    "repvgg_b0": ("14.33", "3.1"), "repvgg_b1": ("51.82", "11.8"), "repvgg_b1g4": ("36.12", "7.3"),
    "repvgg_b2": ("80.31", "18.4"), "repvgg_b2g4": ("55.77", "11.3"), "repvgg_b3": ("110.96", "26.2"),
}  # fmt: skip
"""Table 4 and 5 of arXiv:2101.03697: millions of parameters and billions of multiply-accumulates when deployed."""


@pytest.mark.parametrize("variant", TABLE)
def test_deployed_repvgg_is_the_papers(variant: str) -> None:
    """One 3x3 with a bias for each layer; the printed figures are cut or rounded."""
    graph = deployed(archdsl.load(SPECS / "repvgg.arch").graph(variant))
    measures = Measures(graph)
    params, macs = measures.of("params").value, measures.of("macs").value
    assert isinstance(params, int) and isinstance(macs, int)
    assert abs(params / 1e6 - float(TABLE[variant][0])) < 0.011
    assert abs(macs / 1e9 - float(TABLE[variant][1])) < 0.07
    layers = 28 if "_b" in variant else 22
    assert Counter(node.op.name for node in graph.nodes) == {
        "conv": layers, "relu": layers, "global_avg_pool": 1, "flatten": 1, "linear": 1
    }  # fmt: skip


with (DATA / "deployed.csv").open(newline="", encoding="utf-8") as table:
    ONE = {row["variant"]: (int(row["params"]), int(row["macs"])) for row in csv.DictReader(table)}
"""Parameters and multiply-accumulates of timm's networks, whose branches timm has merged (``count_backbones.py``)."""


@pytest.mark.parametrize("variant", ONE)
def test_deployed_mobileone_is_timms(variant: str) -> None:
    """One convolution with a bias where up to six branches were, and no norm."""
    graph = deployed(archdsl.load(SPECS / "mobileone.arch").graph(variant))
    measures = Measures(graph)
    assert (measures.of("params").value, measures.of("macs").value) == ONE[variant]
    assert Counter(node.op.name for node in graph.nodes) == {
        "conv": 43, "relu": 43, "global_avg_pool": 1, "flatten": 1, "linear": 1
    }  # fmt: skip


def test_repvgg_a0_has_22_convolutions_for_44_and_17_norms(tmp_path: Path) -> None:
    """Counted in the models: the norms behind convolutions are folded in any case."""
    graph = archdsl.load(SPECS / "repvgg.arch").graph("repvgg_a0", res=32)
    kinds = Counter(node.op.name for node in graph.nodes)
    assert (kinds["conv"], kinds["batch_norm"]) == (44, 61)
    rng = np.random.default_rng(0)
    weights = {}
    for name, parameter in graph.parameters().items():
        shape = tuple(int(str(n)) for n in parameter.type.shape)
        fan = max(int(np.prod(shape[1:])), 1)
        values = rng.standard_normal(shape) * (fan**-0.5 if len(shape) > 1 else 0.1)
        weights[name] = (values + (1 if len(shape) == 1 and not name.endswith(("bias", "mean")) else 0)).astype("f4")
    np.savez(tmp_path / "weights.npz", **weights)  # type: ignore[arg-type]
    found = []
    x = rng.standard_normal((2, 3, 32, 32)).astype("f4")
    for deploy in (False, True):
        path = tmp_path / "model.onnx"
        archdsl.compile(graph, path, weights=tmp_path / "weights.npz", deploy=deploy)
        found.append(onnxruntime.InferenceSession(str(path)).run(None, {"image": x})[0])
    assert np.abs(found[1] - found[0]).max() <= 1e-4 * np.abs(found[0]).max()


def test_unet_at_free_sizes() -> None:
    """Costs are polynomials, and those of a size are what they give there."""
    graph = archdsl.load(SPECS / "dense_prediction" / "unet.arch").graph("unet_padded")
    table = archdsl.cost(graph, symbolic=True)
    macs = table.total("macs")
    assert str(macs) == "188170240 * H * N * W"  # 1/256 of the macs of 256 x 256 in tests/data/published.csv
    for h, w in ((16, 16), (4, 16)):
        at = archdsl.cost(graph, {"H": h, "W": w}).total("macs")
        assert at == dims.evaluate(macs, {"N": 1, "H": h, "W": w})
    assert [str(n) for n in graph.outputs["masks"].type.shape] == ["N", "2", "16 * H", "16 * W"]


def test_an_hourglass_of_any_depth() -> None:
    """Three residual modules for each level, and one below the last: (3 n + 1) of 3 convolutions each."""
    text = (
        (SPECS / "dense_prediction" / "hourglass.arch")
        .read_text(encoding="utf-8")
        .partition("## Stacked")[0]
        .replace("use std.image (imagenet)", "")
    )
    for n in (1, 2, 5):
        net = f"network Net() {{ input x: f32[N, 16, 64, 64]; hourglass(16, {n}); output y }}"
        graph = archdsl.load(text + net).graph()
        assert Counter(node.op.name for node in graph.nodes)["conv"] == 3 * (3 * n + 1)
