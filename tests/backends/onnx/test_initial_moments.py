"""Whole networks with their initial weights: signals neither die nor explode, and every layer knows its fan.

The reference is arithmetic: with variance 2 / fan, a layer doubles the second moment, and ReLU halves it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from lowered import lowered
from onnx import numpy_helper
from onnx_case import generator
from op_examples import all_examples
from zoo_models import graph_of, session_of

import archdsl
from archdsl.graph import Graph
from archdsl.project.compiling import with_weights

pytestmark = pytest.mark.slow


def run(body: str, x: np.ndarray, shape: str, **options: object) -> np.ndarray:
    """The output of a network with its initial weights."""
    program = archdsl.load(f"arch 1\nnetwork Net() {{\n  input x: f32[{shape}]\n{body}\n  output y\n}}\n")
    data = lowered(program.graph(), **options)
    found: np.ndarray = session_of(data).run(None, {"x": x})[0]
    return found


def normal(*shape: int) -> np.ndarray:
    return generator("moments", shape).normal(size=shape).astype(np.float32)


def second_moment(x: np.ndarray) -> float:
    return float((x.astype(np.float64) ** 2).mean())


@pytest.mark.parametrize("depth", [1, 10, 25, 50])
@pytest.mark.parametrize("scheme", ["kaiming", "kaiming_normal"])
def test_fifty_dense_layers(depth: int, scheme: str) -> None:
    """Linear and ReLU, 512 wide. A random net's moment wanders by a factor of about exp(sqrt(5 depth / width))."""
    x = normal(64, 512)
    y = run(f"  layers: repeat {depth} {{ linear(512) -> relu }}", x, "N, 512", init=scheme)
    spread = np.exp(3 * np.sqrt(5 * depth / 512))
    assert 1 / spread < second_moment(y) / second_moment(x) < spread
    assert 0.2 < (y > 0).mean() < 0.8
    assert np.abs(y[0] - y[1]).max() > 1e-3 * np.abs(y).max()


@pytest.mark.parametrize(("scheme", "ratio"), [("lecun", 2.0**-50), ("xavier", 2.0**-50), ("zeros", 0.0)])
def test_another_gain_would_be_seen(scheme: str, ratio: float) -> None:
    """Half the variance, and fifty layers later nothing is left: the test above can fail."""
    x = normal(64, 512)
    y = run("  layers: repeat 50 { linear(512) -> relu }", x, "N, 512", init=scheme)
    assert ratio / 10 <= second_moment(y) / second_moment(x) <= ratio * 10


def test_fifty_convolutions() -> None:
    """3 x 3 and ReLU without padding, 110 x 110 to 10 x 10, 48 channels."""
    x = normal(2, 48, 110, 110)
    y = run("  layers: repeat 50 { conv(48, 3, pad = valid) -> relu }", x, "N, 48, 110, 110")
    assert y.shape == (2, 48, 10, 10)
    spread = np.exp(3 * np.sqrt(5 * 50 / (48 * 9)))
    assert 1 / spread < second_moment(y) / second_moment(x) < spread


LAYERS = {
    "conv(64, 3, pad = valid)": "4, 32, 20, 20",
    "conv(256, 3, pad = valid, groups = 256)": "4, 256, 20, 20",
    "conv(64, 3, pad = valid, groups = 4)": "4, 64, 20, 20",
    "conv(64, 3, pad = valid, stride = 2)": "4, 32, 21, 21",
    "conv(64, 3, pad = valid, dilation = 3)": "4, 32, 20, 20",
    "conv(64, [1, 7], pad = valid)": "4, 32, 20, 20",
    "conv(64, 5, pad = valid)": "4, 32, 200",
    "conv(32, 3, pad = valid)": "2, 16, 9, 10, 11",
    "conv(64, 1)": "4, 512, 10, 10",
    "linear(256)": "64, 512",
    "linear(256) ": "4, 16, 512",
    "conv_transpose(64, 2, stride = 2)": "4, 64, 20, 20",
    "conv_transpose(64, 4, stride = 2, pad = 1)": "4, 64, 30, 30",
    "conv_transpose(64, 3, pad = 1)": "4, 64, 60, 60",
    "conv_transpose(64, 4, stride = 2, pad = 1, groups = 4)": "4, 128, 30, 30",
}
"""Every layer that is scaled by its fan, where (nearly) no output position misses a tap."""


@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_doubles_the_second_moment(layer: str) -> None:
    shape = LAYERS[layer]
    x = normal(*map(int, shape.split(", ")))
    y = run(f"  {layer}", x, shape)
    assert second_moment(y) / second_moment(x) == pytest.approx(2, rel=0.12)
    assert abs(y.mean()) < 0.2 * y.std()


def test_all_layers_with_a_fan_are_tried() -> None:
    """But for ``deform_conv``, which looks where its other input says: at whole positions it is ``conv``."""
    scaled = {e.op.name for e in all_examples() for w in e.op.weights(*e.input_types) if w.init.scheme == "fan"}
    assert scaled - {"param", "deform_conv"} == {layer.partition("(")[0] for layer in LAYERS}


DEEP = [
    "resnet152",
    "resnet1202_cifar",
    "preact_resnet1001_cifar",
    "mobilenet_v3_large",
    "densenet121",
    "efficientnet_b0",
]


@pytest.mark.parametrize("variant", DEEP)
def test_deep_networks_begin_with_signals_of_unit_scale(variant: str) -> None:
    """With running variances of 1, the first gives 1e10 and the second overflows float32."""
    graph = graph_of(variant)
    (value,) = graph.inputs
    shape = [dim if isinstance(dim, int) else 2 for dim in value.type.shape]
    logits = session_of(lowered(graph)).run(None, {value.name: normal(*shape)})[0]
    assert 1e-3 < logits.std() < 1e3
    assert np.abs(logits[0] - logits[1]).max() > 1e-3 * np.abs(logits).max()


def test_running_variances_are_what_enters() -> None:
    """Against ONNX Runtime: the second moment in front of every norm of 100 residual blocks, within a factor of 4."""
    text = "arch 1\nnetwork Net() {\n  input x: f32[N, 64, 16, 16]\n  stem: conv(64, 3, bias = false)\n  blocks: repeat 100 {\n"
    text += "    residual {\n      into: conv(64, 3, bias = false)\n      batch_norm -> relu\n"
    text += "      back: conv(64, 3, bias = false)\n      batch_norm\n    } -> relu\n  }\n  output y = blocks\n}\n"
    graph = archdsl.load(text).graph()
    norms = [node for node in graph.nodes if node.op.name == "batch_norm"]
    watched = {f"probe{i}": node.inputs[0] for i, node in enumerate(norms)}
    probed = Graph("probed", graph.inputs, graph.nodes, {**graph.outputs, **watched})
    data = lowered(probed)
    found = session_of(data).run(list(watched), {"x": normal(2, 64, 16, 16)})
    begin = {i.name: numpy_helper.to_array(i) for i in onnx.load_from_string(data).graph.initializer}
    assert len(norms) == 200
    for node, x in zip(norms, found):
        variance = begin[node.params["running_var"].path]
        assert (variance == variance[0]).all() and np.log2(variance[0]) % 1 == 0
        assert 1 / 4 < second_moment(x) / variance[0] < 4
        assert (begin[node.params["running_mean"].path] == 0).all()


DOUBLED = "repeat 1000 { let a = (in, in) -> add; (a, a) -> average }"
"""The mean doubles, the variance stays."""
ODD = {
    "a mean beyond every float": f"relu; {DOUBLED}; relu -> batch_norm",
    "infinite": "relu; big: repeat 2000 { (in, in) -> add }; (big - big) * big -> elu -> batch_norm -> gelu -> conv(4, 3) -> batch_norm",
    "nothing": "repeat 2000 { (in, in) -> average }; batch_norm -> mish -> global_max_pool -> batch_norm",
    "at the input, and shared": "share b = batch_norm; b -> b -> conv(4, 3) -> b",
    "kernels of a million taps": "reshape([N, 4, 1, 64]); share c = conv(4, [1, 999999], pad = [0, 499999], groups = 4); repeat 20 { c }; batch_norm",
}


@pytest.mark.parametrize("dtype", ["f32", "f16"])
@pytest.mark.parametrize("case", ODD)
def test_odd_networks_begin_with_positive_finite_variances(case: str, dtype: str) -> None:
    text = f"arch 1\nnetwork Net() {{ input x: {dtype}[N, 4, 8, 8]; {ODD[case]}; output y }}\n"
    begin = onnx.load_from_string(lowered(archdsl.load(text).graph())).graph.initializer
    found = [numpy_helper.to_array(one) for one in begin if one.name.endswith("running_var")]
    assert found and all(np.isfinite(one).all() and (one > 0).all() for one in found)


def test_norms_of_a_network_with_weights_keep_theirs(tmp_path: Path) -> None:
    """What a checkpoint leaves out begins with 1: what its weights send there is not known."""
    text = "arch 1\nnetwork Net() { input x: f32[N, 8, 6, 6]\n c: conv(8, 3)\n b: batch_norm\n output y = b }\n"
    np.savez(tmp_path / "some.npz", **{"c.weight": normal(8, 8, 3, 3)})
    graph, _ = with_weights(archdsl.load(text).graph(), tmp_path / "some.npz", missing=["b.*", "c.bias"])
    begin = {i.name: numpy_helper.to_array(i) for i in onnx.load_from_string(lowered(graph)).graph.initializer}
    assert (begin["b.running_var"] == 1).all()
