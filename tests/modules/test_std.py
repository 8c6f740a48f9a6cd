"""The standard library: weights against closed forms, structure against the papers, arithmetic against a loop."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from paths import ROOT, STD

import archdsl
from archdsl.analyses.measure import Measures
from archdsl.diagnostics import DiagnosticError
from archdsl.graph import Graph
from archdsl.reading import zoo_files


def build(module: str, names: str, body: str, shape: str) -> Graph:
    text = f"arch 1\nuse std.{module} ({names})\nnetwork Net() {{\n  input x: f32[{shape}]\n  {body}\n}}\n"
    return archdsl.load(text + "variant net = Net()\n").graph("net")


def out(graph: Graph) -> tuple[Any, ...]:
    return next(iter(graph.outputs.values())).type.shape


def params(graph: Graph) -> Any:
    return Measures(graph).of("params").value


def names(graph: Graph) -> list[str]:
    return [node.op.name for node in graph.nodes]


def test_conv_bn_has_no_bias_and_numbers_its_stages() -> None:
    g = build("cnn", "conv_bn", "conv_bn(8, 3, stride = 2, act = relu6)", "1, 4, 9, 9")
    assert (params(g), out(g)) == (8 * 4 * 9 + 2 * 8, (1, 8, 5, 5))
    assert [p.path.split(".")[-2:] for p in g.parameters().values()][:2] == [["0", "weight"], ["1", "weight"]]
    assert names(build("cnn", "conv_bn", "conv_bn(8, 1)", "1, 4, 9, 9")) == ["conv", "batch_norm"]


def test_conv_relu_has_a_bias() -> None:
    g = build("cnn", "conv_relu", "conv_relu(8, 3, groups = 2)", "1, 4, 9, 9")
    assert (params(g), names(g)) == (8 * 2 * 9 + 8, ["conv", "relu"])


def test_pool_to_vector() -> None:
    assert out(build("cnn", "pool_to_vector", "pool_to_vector", "2, 7, 5, 3")) == (2, 7)


@pytest.mark.parametrize(("channels", "groups"), [(6, 3), (6, 2), (12, 4)])
def test_channel_shuffle_is_the_papers_transposition(channels: int, groups: int) -> None:
    """Channel g * n + k goes to k * groups + g: the graph's views applied to the channels' numbers."""
    graph = build("cnn", "channel_shuffle", f"channel_shuffle({groups})", f"1, {channels}, 1, 1")
    value = np.arange(channels).reshape(1, channels, 1, 1)
    for node in graph.nodes:
        if node.op.name == "permute":
            value = value.transpose(node.op.order)  # type: ignore[attr-defined]
        else:
            assert node.op.name == "reshape"
            value = value.reshape(node.outputs[0].type.shape)
    n = channels // groups
    expected = np.zeros(channels, int)
    for g in range(groups):
        for k in range(n):
            expected[k * groups + g] = g * n + k
    assert value.ravel().tolist() == expected.tolist()


def test_channel_shuffle_keeps_symbols_and_refuses_what_does_not_divide() -> None:
    shape = out(build("cnn", "channel_shuffle", "channel_shuffle(2)", "N, 6, H, W"))
    assert [str(d) for d in shape] == ["N", "6", "H", "W"]
    with pytest.raises(DiagnosticError, match="must divide"):
        build("cnn", "channel_shuffle", "channel_shuffle(4)", "1, 6, 2, 2")


def test_scale_shift_has_two_weights_a_channel() -> None:
    g = build("cnn", "scale_shift", "scale_shift", "N, 6, 14, 14")
    assert (params(g), names(g).count("mul"), names(g).count("add")) == (12, 1, 1)


@pytest.mark.parametrize(("c", "r"), [(64, 16), (256, 16), (32, 4)])
def test_squeeze_excite(c: int, r: int) -> None:
    g = build("attention", "squeeze_excite", f"squeeze_excite({r})", f"1, {c}, 7, 7")
    assert (params(g), out(g)) == (2 * c * c // r + c // r + c, (1, c, 7, 7))
    assert [node.outputs[0].type.shape[2:] for node in g.nodes if node.op.name == "conv"] == [(1, 1), (1, 1)]


def test_project_is_the_identity_where_nothing_changes() -> None:
    assert names(build("resnet", "project", "project(8)", "1, 8, 6, 6")) == []
    g = build("resnet", "project", "project(16, 2)", "1, 8, 6, 6")
    assert (params(g), out(g)) == (16 * 8 + 32, (1, 16, 3, 3))


def test_zero_pad_has_no_weights() -> None:
    g = build("resnet", "zero_pad", "zero_pad(16, 2)", "1, 8, 6, 6")
    assert (params(g), out(g), Measures(g).of("macs").value) == (0, (1, 16, 3, 3), 0)


def test_bottleneck_width_and_place_of_the_stride() -> None:
    inner = 64 * 4 // 64 * 32
    g = build("resnet", "bottleneck", "bottleneck(64, groups = 32, width = 4)", "1, 256, 8, 8")
    assert params(g) == 256 * inner + inner * (inner // 32) * 9 + inner * 256 + 2 * (2 * inner + 256)
    for early, side in (("true", 4), ("false", 8)):
        g = build("resnet", "bottleneck", f"bottleneck(64, stride = 2, early = {early})", "1, 256, 8, 8")
        first = next(node for node in g.nodes if node.path.endswith("conv1"))
        assert (first.outputs[0].type.shape[2], out(g)) == (side, (1, 256, 4, 4))


def test_basic_takes_either_shortcut() -> None:
    a = build("resnet", "basic, zero_pad", "basic(16, stride = 2, shortcut = zero_pad)", "1, 8, 6, 6")
    b = build("resnet", "basic", "basic(16, stride = 2)", "1, 8, 6, 6")
    assert params(b) - params(a) == 16 * 8 + 2 * 16


def test_inverted_residual_has_a_shortcut_between_equal_ends_only() -> None:
    for arguments, adds in (("8", 1), ("12", 0), ("8, stride = 2", 0)):
        g = build("mobile", "inverted_residual", f"inverted_residual({arguments})", "1, 8, 6, 6")
        assert names(g).count("add") == adds
    g = build("mobile", "inverted_residual", "inverted_residual(8, expand = 1)", "1, 8, 6, 6")
    assert names(g).count("conv") == 2


def test_a_pre_activated_unit_projects_what_its_branch_sees() -> None:
    g = build("resnet", "basic_v2", "basic_v2(16, stride = 2)", "1, 8, 6, 6")
    assert names(g) == ["batch_norm", "relu", "conv", "conv", "batch_norm", "relu", "conv", "add"]
    projection, first = (node for node in g.nodes[2:4])
    assert projection.inputs[0].name == first.inputs[0].name == g.nodes[1].outputs[0].name
    assert params(g) == 2 * 8 + 16 * 8 + 16 * 8 * 9 + 2 * 16 + 16 * 16 * 9
    same = build("resnet", "basic_v2", "basic_v2(8, drop = 0.3)", "1, 8, 6, 6")
    assert names(same) == ["batch_norm", "relu", "conv", "batch_norm", "relu", "dropout", "conv", "add"]
    assert same.inputs[0].name in [value.name for value in same.nodes[-1].inputs]


def test_a_pre_activated_bottleneck() -> None:
    for early, side in (("true", 3), ("false", 6)):
        g = build("resnet", "bottleneck_v2", f"bottleneck_v2(4, stride = 2, early = {early})", "1, 16, 6, 6")
        assert (params(g), out(g)) == (32 + 16 * 16 + 16 * 4 + 8 + 4 * 4 * 9 + 8 + 4 * 16, (1, 16, 3, 3))
        first = next(n for n in g.nodes if n.op.name == "conv" and n.outputs[0].type.shape[1] == 4)
        assert first.outputs[0].type.shape[2] == side


def test_only_the_first_unit_of_a_stage_has_its_stride() -> None:
    g = build("resnet", "basic, stage", "layer: stage(basic, 16, 3, stride = 2)", "1, 8, 16, 16")
    assert {node.path.split(".")[1] for node in g.nodes} == {"0", "1", "2"}
    assert out(g) == (1, 16, 8, 8)


def test_separable_weights() -> None:
    g = build("mobile", "separable", "separable(16, stride = 2)", "1, 8, 6, 6")
    assert (params(g), out(g)) == (8 * 9 + 16 + 8 * 16 + 32, (1, 16, 3, 3))


def test_inception_views_join_in_order() -> None:
    g = build("inception", "three_views", "three_views(4, 5)", "1, 8, 6, 6")
    assert [v.type.shape[1] for v in g.nodes[-1].inputs] == [32, 32, 5]
    g = build("inception", "two_views", "two_views(1, 2, 3, 4, n = 7)", "1, 8, 9, 9")
    assert [v.type.shape[1] for v in g.nodes[-1].inputs] == [1, 4]
    assert params(g) == 8 * 1 + 8 * 2 + 2 * 3 * 7 + 3 * 4 * 7 + 2 * (1 + 2 + 3 + 4)


def test_inception_reductions_halve_and_pass_maxima_on() -> None:
    for call, widths in (("halve(3)", [8, 3]), ("reduction_a(1, 2, 3, 4)", [4, 3, 8]),
                         ("reduction_b(1, 2, 3, 4)", [1, 2, 4, 8])):  # fmt: skip
        g = build("inception", call.partition("(")[0], call, "1, 8, 9, 9")
        assert out(g) == (1, sum(widths), 4, 4)
        assert [v.type.shape[1] for v in g.nodes[-1].inputs] == widths


def test_inception_means_leave_the_padding_out() -> None:
    (node,) = build("inception", "smooth", "smooth", "1, 2, 5, 5").nodes
    assert (node.op.name, node.op.count_pad, node.outputs[0].type.shape) == ("avg_pool", False, (1, 2, 5, 5))  # type: ignore[attr-defined]


def test_dense_layer_and_transition() -> None:
    g = build("dense", "dense_layer", "dense_layer(12)", "1, 20, 6, 6")
    assert (params(g), out(g)) == (2 * 20 + 20 * 48 + 2 * 48 + 48 * 12 * 9, (1, 12, 6, 6))
    assert out(build("dense", "transition", "transition", "1, 21, 6, 6")) == (1, 10, 3, 3)


@pytest.mark.parametrize("path", sorted(STD.glob("*.arch")), ids=lambda p: p.stem)
def test_modules_hide_no_names(path: Path) -> None:
    """A program that uses a module does not resolve its names again, so they are resolved here: E0208 and its like."""
    assert [str(d.span) + d.code for d in archdsl.load(path).warnings] == []


def test_every_block_is_used_by_a_spec_another_block_or_a_literate_test_and_documented() -> None:
    pages = [*STD.glob("*.arch"), *zoo_files(), *(ROOT / "tests" / "language").glob("*.md")]
    everything = "".join(page.read_text(encoding="utf-8") for page in pages)
    for file in STD.glob("*.arch"):
        text = file.read_text(encoding="utf-8")
        for name in re.findall(r"^block (\w+)", text, re.MULTILINE):
            assert len(re.findall(rf"\b{name}\b", everything)) > 1, name
            assert re.search(rf"^##[^\n]*\n(?:with [^\n]*\n)?block {name}\b", text, re.MULTILINE), name
