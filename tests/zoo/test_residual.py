"""What the residual networks claim to be beyond their weights: orders, rules, resolutions."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Any

import pytest
from paths import SPECS

import archdsl
from archdsl.diagnostics import DiagnosticError
from archdsl.graph import Graph


def graph(file: str, variant: str, **arguments: Any) -> Graph:
    return archdsl.load(SPECS / f"{file}.arch").graph(variant, **arguments)


def names(net: Graph, under: str) -> list[str]:
    return [node.op.name for node in net.nodes if node.path.startswith(f"{under}.")]


ORDERS = {
    "original": "conv batch_norm relu conv batch_norm add relu",
    "bn_after_addition": "conv batch_norm relu conv add batch_norm relu",
    "relu_before_addition": "conv batch_norm relu conv batch_norm relu add",
    "relu_only_pre_activation": "relu conv batch_norm relu conv batch_norm add",
    "full_pre_activation": "batch_norm relu conv batch_norm relu conv add",
}
"""arXiv:1603.05027, figure 4, from top to bottom."""


@pytest.mark.parametrize("order", ORDERS)
def test_the_order_in_a_unit_is_the_figures(order: str) -> None:
    net = graph("residual_orderings", f"resnet110_{order}")
    units = [names(net, f"layer{i}.{j}") for i in (1, 2, 3) for j in range(1, 18)]
    assert units == [ORDERS[order].split()] * 51
    first = [n for n in names(net, "layer2.0") if n not in ("avg_pool", "pad_channels")]
    assert first == ORDERS[order].split()


def test_every_convolution_but_the_first_sees_activated_input() -> None:
    for order in ("relu_only_pre_activation", "full_pre_activation"):
        net = graph("residual_orderings", f"resnet110_{order}")
        made = {value.name: node.op.name for node in net.nodes for value in node.outputs}
        convs = [node for node in net.nodes if node.op.name == "conv"]
        assert {made[node.inputs[0].name] for node in convs[1:]} == {"relu"}
        assert net.nodes[-4].op.name == "relu"


def test_survival_falls_linearly_to_one_half() -> None:
    """arXiv:1603.09382, equation 4, with p_L = 0.5."""
    net = archdsl.load(SPECS / "stochastic_depth.arch").graph("stochastic_depth_110", train=True)
    drops = [node.op.p for node in net.nodes if node.op.name == "drop_path"]  # type: ignore[attr-defined]
    assert drops == pytest.approx([float(Fraction(l, 54) / 2) for l in range(1, 55)])  # noqa: E741


def test_the_dropout_of_a_wide_unit_is_between_its_convolutions() -> None:
    net = graph("wide_resnet", "wrn_28_10_dropout")
    assert [n for n in names(net, "conv2.1") if n in ("conv", "dropout")] == ["conv", "dropout", "conv"]
    plain = graph("wide_resnet", "wrn_28_10")
    assert [n.op.name for n in net.nodes if n.op.name != "dropout"] == [n.op.name for n in plain.nodes]


def test_a_wrn_of_another_depth_is_refused() -> None:
    with pytest.raises(DiagnosticError, match="6n \\+ 4"):
        graph("wide_resnet", "wrn_28_10", d=27)


@pytest.mark.parametrize(
    ("variant", "first", "alpha", "total"),
    [("pyramidnet101_a360", 64, 360, 33), ("pyramidnet164_a270_cifar", 16, 270, 54)],
)
def test_pyramids_widen_linearly(variant: str, first: int, alpha: int, total: int) -> None:
    """arXiv:1610.02915, equation 3: the 3x3 of unit k."""
    net = graph("pyramidnet", variant)
    convs = [n for n in net.nodes if n.op.name == "conv" and n.params["weight"].type.shape[2] == 3]
    widths = [n.outputs[0].type.shape[1] for n in convs][-total:]
    rule = [first + Fraction(alpha * k, total) for k in range(1, total + 1)]
    assert widths == [floor(width + Fraction(1, 2)) for width in rule]


def test_masks_go_down_to_seven_and_return() -> None:
    """arXiv:1704.06904: as many halvings as lead to 7 x 7, and every one is undone."""
    net = graph("residual_attention", "residual_attention92")
    sizes = [n.outputs[0].type.shape[2] for n in net.nodes if n.op.name in ("max_pool", "resize")]
    assert sizes == [56, 28, 14, 7, 14, 28, 56] + [14, 7, 14, 28] * 2 + [7, 14] * 3
    assert sum(n.op.name == "sigmoid" for n in net.nodes) == 6


def test_selection_is_a_softmax_over_the_branches() -> None:
    net = graph("sknet", "sknet50")
    softmax = [n for n in net.nodes if n.op.name == "softmax"]
    assert [n.outputs[0].type.shape[1:3] for n in softmax][:4] == [(2, 128)] * 3 + [(2, 256)]
    made = [n.outputs[0].type.shape for n in net.nodes if n.op.name == "conv"]
    squeezed = [shape[1] for shape in made if shape[2] == 1]
    assert squeezed[::2] == [max(c // 16, 32) for c, n in ((128, 3), (256, 4), (512, 6), (1024, 3)) for _ in range(n)]


def test_the_perceptron_of_cbam_exists_once() -> None:
    net = graph("cbam", "cbam_resnet50")
    mlp = [path for path in net.parameters() if path.startswith("layer1.0.") and ".mlp." in path]
    assert len(mlp) == 4


def test_two_paths_grow_as_the_table_says() -> None:
    """arXiv:1707.01629, table 1: the appended path of a stage begins with twice its step and grows by one a unit."""
    net = graph("dpn", "dpn92")
    joined = [n.outputs[0].type.shape[1] for n in net.nodes if n.op.name == "concat"]
    ends = [c + (2 + n) * step for c, n, step in ((256, 3, 16), (512, 4, 32), (1024, 20, 24), (2048, 3, 128))]
    assert [width for width in joined if width in ends][-1] == 2688 == ends[-1]
    assert set(ends) <= set(joined)
