"""Parallel linear branches become one convolution: what is left, what it costs, and that it computes the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

import archdsl
from archdsl.graph import Graph
from archdsl.rewrites.merge import deployed

Array = np.ndarray[Any, Any]

HEAD = """arch 1
block cb(c, k, stride = 1, groups = 1) { conv: conv(c, k, stride = stride, groups = groups, bias = false); bn: batch_norm }
"""
IMAGE = "f32[N, 8, 12, 13]"

MERGED = {
    "repvgg": (IMAGE, "parallel(add) { | cb(8, 3) | cb(8, 1) | batch_norm } -> relu"),
    "repvgg_with_a_stride": (IMAGE, "parallel(add) { | cb(16, 3, 2) | cb(16, 1, 2) }"),
    "of_free_size": ("f32[N, 8, H = 12, W = 13]", "parallel(add) { | cb(16, 3, 2) | cb(16, 1, 2) }"),
    "acnet": (IMAGE, "parallel(add) { | cb(16, 3) | cb(16, [1, 3]) | cb(16, [3, 1]) }"),
    "depthwise": (
        IMAGE,
        "parallel(add) { | cb(8, 3, groups = 8) | cb(8, 3, groups = 8) | cb(8, 1, groups = 8) | batch_norm }",
    ),
    "grouped_and_pooled": (
        IMAGE,
        "parallel(add) { | cb(8, 3, groups = 2) | cb(8, 1, groups = 2) | identity | avg_pool(3, stride = 1, pad = 1) }",
    ),
    "a_sum_of_sums": (IMAGE, "let a = x -> conv(8, 1); let y = (x + a) + (x -> conv(8, 3)); y"),
    "dilated": (IMAGE, "parallel(add) { | conv(8, 3, dilation = 2) | conv(8, 1) | conv(8, 5, dilation = 2) }"),
    "one_sided": (IMAGE, "parallel(add) { | conv(8, 3, pad = [2, 0, 0, 2]) | conv(8, 1) | dropout(0.1) }"),
    "kernels_that_overlap": (IMAGE, "parallel(add) { | conv(8, [3, 1]) | conv(8, [5, 1], pad = [1, 0, 3, 0]) }"),
    "sequences": ("f32[N, 8, 12]", "parallel(add) { | conv(8, 3) | conv(8, 1) | identity }"),
    "a_norm_behind_a_sum": (
        IMAGE,
        "parallel(add) { | cb(8, 3, groups = 8) | conv(8, 1, groups = 8) | identity } -> batch_norm",
    ),
    "a_scale": (IMAGE, "let g = param([8, 1, 1], init = ones); g * (x -> cb(8, 3))"),
    "a_scaled_branch": (
        IMAGE,
        "let g = param([1, 8, 1, 1], init = ones); let z = x -> cb(8, 3) -> dropout(0.1); x + z * g",
    ),
    "a_difference": (IMAGE, "(x -> cb(8, 3)) - (x -> cb(8, 1))"),
    "repmixer": (
        IMAGE,
        "let g = param([8, 1, 1], init = ones);"
        "let m = x -> parallel(add) { | cb(8, 3, groups = 8) | cb(8, 1, groups = 8) | batch_norm };"
        "let n = x -> batch_norm; x + g * (m - n)",
    ),
    "less_the_mean": (IMAGE, "(x -> conv(8, 3)) - (x -> avg_pool(3, stride = 1, pad = 1))"),
    "volumes": ("f32[N, 8, 5, 6, 4]", "parallel(add) { | conv(8, 3) | conv(8, 1) | batch_norm }"),
}
"""Networks whose deployed form has one convolution and no sum."""
ALIKE = {"a_scale", "a_scaled_branch", "less_the_mean"}
"""Of which what is gone has no multiply-accumulates."""


def net(type: str, body: str) -> Graph:
    return archdsl.load(f"{HEAD}network Net() {{ input x: {type}; {body}; output y }}").graph()


def drawn(graph: Graph, path: Path) -> dict[str, Array]:
    """Weights of every parameter, trained-looking norms among them, as a file."""
    rng = np.random.default_rng(1)
    found = {}
    for name, parameter in graph.parameters().items():
        values = rng.standard_normal(tuple(int(str(n)) for n in parameter.type.shape)) * 0.3
        found[name] = (np.abs(values) + 0.3 if name.endswith("running_var") else values).astype("f4")
    np.savez(path, **found)
    return found


def run(graph: Graph, folder: Path, deploy: bool = False) -> tuple[Array, Counter[str]]:
    """The output for a drawn input, and the operators of the model."""
    path = folder / "model.onnx"
    archdsl.compile(graph, path, weights=folder / "weights.npz", deploy=deploy)
    onnx.checker.check_model(str(path), full_check=True)
    model = onnxruntime.InferenceSession(str(path))
    sizes = [{"N": 2, "H": 12, "W": 13}.get(size, size) for size in model.get_inputs()[0].shape]
    x = np.random.default_rng(0).standard_normal(sizes).astype("f4")
    return model.run(None, {"x": x})[0], Counter(node.op_type for node in onnx.load(path).graph.node)


@pytest.mark.parametrize("name", MERGED)
def test_one_convolution_is_left_and_computes_the_same(name: str, tmp_path: Path) -> None:
    graph = net(*MERGED[name])
    drawn(graph, tmp_path / "weights.npz")
    before, _ = run(graph, tmp_path)
    after, operators = run(graph, tmp_path, deploy=True)
    assert operators["Conv"] == 1 and not {"Add", "Sub", "Mul", "BatchNormalization", "AveragePool"} & operators.keys()
    assert np.abs(after - before).max() <= 1e-4 * np.abs(before).max()
    table = archdsl.cost(graph)
    whole, folded = table.total("macs"), table.folded.total("macs")
    assert isinstance(whole, int) and isinstance(folded, int) and folded < whole + (name in ALIKE)


VECTOR, SEQUENCE = "f32[N, 8]", "f32[N, 5, 8]"
LAYERS = {
    "linears": (VECTOR, "parallel(add) { | linear(6) | linear(6, bias = false) } -> relu", 1, 0),
    "of_sequences": (SEQUENCE, "parallel(add) { | linear(6) | linear(6) -> dropout(0.1) | linear(6, bias = false) }", 1, 0),
    "with_all_that_is_linear": (VECTOR, "parallel(add) { | linear(8, bias = false) -> batch_norm | batch_norm | identity }", 1, 0),
    "of_a_sum_in_a_sum": (SEQUENCE, "let a = x -> linear(8); let z = (x -> linear(8)) + a; z + (x -> relu -> linear(8))", 2, 1),
    "scaled": (VECTOR, "let g = param([8], init = ones); x + g * (x -> linear(8))", 1, 0),
    "less_a_norm": (VECTOR, "(x -> linear(8, bias = false)) - (x -> batch_norm)", 1, 0),
    "not_in_a_row": (VECTOR, "residual { linear(8) -> linear(8) }", 2, 1),
    "not_shared": (VECTOR, "share s = linear(8); parallel(add) { | s | s -> s }", 3, 1),
    "not_stored_otherwise": (VECTOR, "parallel(add) { | linear(6, transposed = true) | linear(6) }", 2, 1),
    "folded_as_it_is_stored": (VECTOR, "linear(6, bias = false, transposed = true) -> batch_norm", 1, 0),
    "not_given": (VECTOR, "let w = param([8, 8]); parallel(add) { | linear(8, weight = w) | linear(8) }", 2, 1),
}  # fmt: skip
"""Input, body, and how many linear layers and sums the deployed form has."""


@pytest.mark.parametrize("name", LAYERS)
def test_linear_layers_become_one(name: str, tmp_path: Path) -> None:
    type, body, layers, sums = LAYERS[name]
    graph = net(type, body)
    drawn(graph, tmp_path / "weights.npz")
    before, _ = run(graph, tmp_path)
    after, _ = run(graph, tmp_path, deploy=True)
    left = Counter(node.op.name for node in deployed(graph).all_nodes())
    assert (left["linear"], left["add"], left["batch_norm"]) == (layers, sums, 0)
    assert np.abs(after - before).max() <= 1e-5 * np.abs(before).max()


LEFT = {
    "other_kernels_would_cost_more": ("parallel(add) { | conv(8, [1, 3]) | conv(8, [3, 1]) }", 2, 1),
    "other_groups": ("parallel(add) { | conv(8, 3) | conv(8, 1, groups = 2) }", 2, 1),
    "other_strides": ("parallel(add) { | conv(8, 3, stride = 2) | max_pool(2, stride = 2, ceil = true) -> conv(8, 1) }", 2, 1),
    "other_inputs": ("residual { conv(8, 3) -> relu -> conv(8, 3) }", 2, 1),
    "something_between": ("parallel(add) { | conv(8, 3) | relu | conv(8, 1) -> sigmoid }", 2, 2),
    "shared_weights": ("share s = conv(8, 3); parallel(add) { | s | relu -> s }", 2, 1),
    "a_result_of_its_own": ("a: conv(8, 3); b: x -> conv(8, 1); output aux = b; a + b", 2, 1),
    "taken_from_what_is_no_convolution": ("x - (x -> conv(8, 3))", 1, 0),
    "less_another_input": ("(x -> conv(8, 3)) - (x -> relu -> conv(8, 1))", 2, 0),
    "a_scale_of_the_rows": ("let g = param([12, 1], init = ones); (x -> conv(8, 3)) * g", 1, 0),
    "a_scale_of_two_axes": ("let g = param([8, 12, 1], init = ones); (x -> conv(8, 3)) * g", 1, 0),
    "a_scale_of_what_is_read_twice": ("let g = param([8, 1, 1], init = ones); let z = x -> conv(8, 3); z * g + (z -> relu)", 1, 1),
    "a_scale_of_shared_weights": (
        "let g = param([8, 1, 1], init = ones); share s = conv(8, 3); (x -> s) * g + (x -> relu -> s)", 2, 1,
    ),
    "products": ("parallel(mul) { | conv(8, 3) | conv(8, 1) }", 2, 0),
    "dilations_between_taps": ("parallel(add) { | conv(8, 3, dilation = 2) | conv(8, 3) }", 2, 1),
    "padding_that_is_not_counted": (
        "parallel(add) { | conv(8, 3) | avg_pool(3, stride = 1, pad = 1, count_pad = false) }", 1, 1,
    ),
}  # fmt: skip
"""Body, and how many convolutions and sums its deployed form has."""


@pytest.mark.parametrize("name", LEFT)
def test_what_is_not_one_convolution_is_left(name: str, tmp_path: Path) -> None:
    body, convolutions, sums = LEFT[name]
    graph = net(IMAGE, body)
    drawn(graph, tmp_path / "weights.npz")
    before, _ = run(graph, tmp_path)
    after, operators = run(graph, tmp_path, deploy=True)
    assert (operators["Conv"], operators["Add"]) == (convolutions, sums)
    assert np.abs(after - before).max() <= 1e-5 * np.abs(before).max()


def test_the_rest_of_a_sum_stays(tmp_path: Path) -> None:
    """A pooling and a constant are added to what was merged."""
    graph = net(
        IMAGE,
        "let p = param([8, 1, 1]); m: parallel(add) { | conv(8, 3) | conv(8, 1) | max_pool(3, 1, pad = 1) }; m + p",
    )
    drawn(graph, tmp_path / "weights.npz")
    before, _ = run(graph, tmp_path)
    after, operators = run(graph, tmp_path, deploy=True)
    assert operators == {"Conv": 1, "MaxPool": 1, "Add": 2}
    assert np.abs(after - before).max() <= 1e-5 * np.abs(before).max()


def convolved(x: Array, weight: Array, pad: int) -> Array:
    """A convolution of [C, H, W] in float64, from its definition."""
    k = weight.shape[2]
    wide = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    h, w = wide.shape[1] - k + 1, wide.shape[2] - k + 1
    taps = [
        np.einsum("oi,ihw->ohw", weight[:, :, a, b], wide[:, a : a + h, b : b + w]) for a in range(k) for b in range(k)
    ]
    return np.asarray(sum(taps))


def test_in_float64_the_sum_is_exact() -> None:
    """The formula of the paper, branch by branch, against the merged kernel."""
    from archdsl.backends.onnx.init import initial_values

    graph = net("f64[N, 4, 6, 5]", "parallel(add) { | a: cb(4, 3) | b: cb(4, 1) | c: batch_norm }")
    values = {name: initial_values(parameter) for name, parameter in graph.parameters().items()}
    (merged,) = deployed(graph).nodes
    weight, bias = (initial_values(merged.params[slot]) for slot in ("weight", "bias"))
    assert weight.dtype == np.float64
    x = np.random.default_rng(0).standard_normal((4, 6, 5))

    def normed(y: Array, path: str, values: Mapping[str, Array] = values) -> Array:
        gamma, beta, mean, var = (
            values[f"{path}.{slot}"].reshape(-1, 1, 1) for slot in ("weight", "bias", "running_mean", "running_var")
        )
        return np.asarray((y - mean) / np.sqrt(var + 1e-5) * gamma + beta)

    expected = normed(convolved(x, values["a.conv.weight"], 1), "a.bn")
    expected += normed(convolved(x, values["b.conv.weight"], 0), "b.bn") + normed(x, "c")
    found = convolved(x, weight, 1) + bias.reshape(-1, 1, 1)
    assert np.abs(found - expected).max() < 1e-14 * np.abs(expected).max() * 16


def test_names_of_what_is_gone_are_gone() -> None:
    graph = net(IMAGE, "y: parallel(add) { | a: cb(8, 3) | b: cb(8, 1) }")
    assert {"y.a.conv", "y.b.bn"} <= {node.path for node in graph.nodes}
    found = deployed(graph)
    assert found.taps.keys() == {"y"} and found.taps["y"] is found.outputs["y"]


def test_a_long_sum_is_linear() -> None:
    """Each of a thousand sums has a branch that is merged, and one that is not."""
    graph = net(IMAGE, "repeat 500 { parallel(add) { | conv(8, 3) | conv(8, 1) | identity } -> relu }")
    kinds = Counter(node.op.name for node in deployed(graph).nodes)
    assert kinds == {"conv": 500, "relu": 500}
