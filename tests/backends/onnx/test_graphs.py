"""Whole graphs as ONNX: folding, binding, sizes computed when the model runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from netbuild import Net
from onnx import numpy_helper
from onnx_case import model_of, randomise
from process import threads

from archdsl import dims
from archdsl.backends.onnx import OnnxOptions, backend, lower
from archdsl.backends.onnx.init import initial_values
from archdsl.backends.onnx.writer import Emit
from archdsl.diagnostics import DiagnosticError
from archdsl.graph import Graph, Parameter
from archdsl.ops.base import Initializer
from archdsl.rewrites.bind import bind
from archdsl.rewrites.dead import drop_dead
from archdsl.rewrites.fold import fold

N, H, W, T = map(dims.symbol, "NHWT")


def session_of(model: onnx.ModelProto | bytes) -> onnxruntime.InferenceSession:
    data = model if isinstance(model, bytes) else model.SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def image(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


# Folding


def seasoned(net: Net) -> None:
    """Give every parameter values that matter: the norm's would otherwise be ones and zeros."""
    ranges = {"running_var": (0.5, 2.0), "running_mean": (-1.0, 1.0), "weight": (-1.0, 1.0), "bias": (-1.0, 1.0)}
    for node in net.nodes:
        for slot, old in node.params.items():
            node.params[slot] = old.replace(init=Initializer("uniform", ranges[slot]))


FOLDED: dict[str, Callable[[Net], Any]] = {
    "conv": lambda net: net.conv(net.input, 6, 3),
    "conv without bias": lambda net: net.conv(net.input, 6, 3, bias=False),
    "grouped": lambda net: net.conv(net.input, 8, 3, groups=4, stride=2),
    "transposed": lambda net: net.conv_transpose(net.input, 6, 3, stride=2),
    "transposed in groups": lambda net: net.conv_transpose(net.input, 6, 2, stride=2, groups=2, bias=False),
    "linear": lambda net: net.linear(net.flatten(net.input), 5),
}


@pytest.mark.parametrize("layer", FOLDED)
@pytest.mark.parametrize("affine", [True, False])
def test_a_folded_norm_changes_nothing_but_the_nodes(layer: str, affine: bool) -> None:
    net = Net(N, 4, 5, 6)
    y = net.relu(net.batch_norm(FOLDED[layer](net), scale=affine, shift=affine, eps=1e-3))
    seasoned(net)
    graph = net.graph(y)
    plain, folded = model_of(graph, seed=3), model_of(graph, seed=3, deploy=True)
    onnx.checker.check_model(folded, full_check=True)
    before, after = ([n.op_type for n in m.graph.node if n.op_type != "Constant"] for m in (plain, folded))
    assert "BatchNormalization" not in after and len(after) == len(before) - 1
    assert len(folded.graph.initializer) == 2
    x = image(3, 4, 5, 6)
    before, after = (session_of(m).run(None, {"image": x})[0] for m in (plain, folded))
    assert before.std() > 0.1
    np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-4)


def test_the_folded_values_by_hand() -> None:
    """``w' = w gamma / sqrt(var + eps)``, ``b' = (b - mean) gamma / sqrt(var + eps) + beta`` in float64."""
    net = Net(N, 4, 5, 6)
    y = net.batch_norm(net.conv(net.input, 6, 3, path="conv"), path="norm")
    seasoned(net)
    graph = net.graph(y)
    w, b, gamma, beta, mean, var = (initial_values(p).astype(np.float64) for p in graph.parameters().values())
    gain = gamma / np.sqrt(var + 1e-5)
    found = {p.path: initial_values(p) for p in fold(graph).parameters().values()}
    np.testing.assert_allclose(found["conv.weight"], w * gain[:, None, None, None], rtol=1e-6)
    np.testing.assert_allclose(found["conv.bias"], (b - mean) * gain + beta, rtol=1e-5, atol=1e-6)


def test_what_cannot_be_folded_stays() -> None:
    net = Net(N, 4, 5, 6)
    used_twice = net.conv(net.input, 4, 3)
    first = net.add(net.batch_norm(used_twice), used_twice)
    not_channels = net.batch_norm(net.linear(net.reshape(net.input, (N, 4, 30)), 7))
    not_behind = net.conv(net.relu(net.batch_norm(net.input)), 4, 3)
    output = net.conv(net.input, 4, 3)
    graph = Graph(
        "Net", [net.input], [*net.nodes],
        {"a": first, "b": not_channels, "c": not_behind, "conv": output},
    )  # fmt: skip
    assert fold(graph) is graph


def test_shared_layers_fold_if_all_their_norms_agree() -> None:
    def graph(same: bool) -> Graph:
        net = Net(N, 4, 5, 6)
        x = net.batch_norm(net.conv(net.input, 4, 3, bias=False, path="conv"), path="norm")
        conv, norm = (node.params for node in net.nodes)
        again = net.conv(net.relu(x), 4, 3, bias=False, path="conv_2", params=conv)
        y = net.batch_norm(again, path="norm_2", params=norm if same else None)
        seasoned(net)
        for node in net.nodes:  # sharing means the same objects
            if node.path == "conv_2":
                node.params.update(net.nodes[0].params)
            if node.path == "norm_2" and same:
                node.params.update(net.nodes[1].params)
        return net.graph(y)

    assert fold(different := graph(False)) is different
    shared = graph(True)
    folded = model_of(fold(shared))
    assert [t.name for t in folded.graph.initializer] == ["conv.weight", "conv.bias"]
    x = image(2, 4, 5, 6)
    before, after = (session_of(m).run(None, {"image": x})[0] for m in (model_of(shared), folded))
    np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-4)


def test_dead_nodes_are_dropped_for_deployment() -> None:
    net = Net(N, 4, 5, 6)
    y = net.conv(net.input, 4, 3, path="alive")
    net.conv(net.relu(net.input), 4, 3, path="dead")
    graph = net.graph(y)
    whole, deployed = ([t.name for t in model_of(graph, deploy=on).graph.initializer] for on in (False, True))
    assert whole == ["alive.weight", "alive.bias", "dead.weight", "dead.bias"] and deployed == whole[:2]
    assert drop_dead(drop_dead(graph)).nodes == drop_dead(graph).nodes


def test_folding_is_linear_in_depth() -> None:
    net = Net(N, 4, 5, 6)
    x = net.input
    for _ in range(3000):
        x = net.relu(net.batch_norm(net.conv(x, 4, 1, bias=False)))
    assert len(fold(net.graph(x)).nodes) == 6000


# Binding


def symbolic() -> Graph:
    net = Net(N, 3, H, W)
    x = net.conv(net.input, 8, 3, stride=2, pad="same_upper")
    y = net.reshape(x, (N, 8, dims.ceildiv(H, 2) * dims.ceildiv(W, 2)))
    return net.graph(net.reduce_mean(y, axis=2), x, net.resize(x, (H, W), mode="bilinear"))


def test_bound_graphs_have_numbers_only() -> None:
    graph = bind(symbolic(), {"N": 2, "H": 9})
    assert str(graph.inputs[0].type) == "f32[2, 3, 9, W]"
    full = model_of(symbolic(), bind={"N": 2, "H": 9, "W": 12})
    onnx.checker.check_model(full, full_check=True)
    values = [*full.graph.input, *full.graph.output, *full.graph.value_info]
    assert all(d.HasField("dim_value") for v in values for d in v.type.tensor_type.shape.dim)
    assert "Shape" not in {node.op_type for node in full.graph.node}
    x = image(2, 3, 9, 12)
    for free, fixed in zip(
        session_of(model_of(symbolic())).run(None, {"image": x}), session_of(full).run(None, {"image": x}), strict=True
    ):
        np.testing.assert_allclose(free, fixed, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("sizes", [{"M": 2}, {"N": 0}, {"N": -3}])
def test_what_cannot_be_bound(sizes: dict[str, int]) -> None:
    with pytest.raises(DiagnosticError) as caught:
        bind(symbolic(), sizes)
    assert caught.value.diagnostics[0].code == "E0007"


def test_binding_to_a_size_that_does_not_fit() -> None:
    net = Net(N, 3, H, H)
    graph = net.graph(net.conv(net.input, 8, 5, pad="valid"))
    with pytest.raises(DiagnosticError) as caught:
        bind(graph, {"H": 4})
    assert caught.value.diagnostics[0].code == "E0302"


# Sizes computed when the model runs


EXPRESSIONS: list[dims.Dim] = [
    N, H * W, 2 * H + 3, dims.floordiv(H + 1, 2), dims.floordiv(H + 1, 2) * dims.floordiv(W + 3, 4), H * H - W,
    dims.floordiv(H * W, 3) + N, dims.floordiv(H, W), H - 1, dims.floordiv(dims.floordiv(H, 2) * W + N, 3),
]  # fmt: skip


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_sizes_are_computed_from_the_inputs(expression: dims.Dim) -> None:
    """A tensor of that many zeros, at several sizes from one file."""
    net = Net(N, 3, H, W)
    zeros = net.zeros((expression, 2))
    graph = Graph("Net", [net.input], net.nodes, {"y": zeros})
    session = session_of(model_of(graph))
    for n, h, w in ((2, 9, 7), (5, 17, 4), (1, 8, 8)):
        (found,) = session.run(None, {"image": image(n, 3, h, w)})
        assert found.shape == (dims.evaluate(expression, {"N": n, "H": h, "W": w}), 2)


def test_each_size_is_computed_once() -> None:
    net = Net(N, 3, H, W)
    x = net.reshape(net.reshape(net.input, (N * H, 3, W)), (N, 3, H, W))
    y = net.reshape(net.reshape(x, (N * H, 3, W)), (N, 3, H, W))
    model = model_of(net.graph(y))
    onnx.checker.check_model(model, full_check=True)
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("Shape") <= 3 and kinds.count("Mul") <= 1
    x0 = image(2, 3, 5, 4)
    assert (session_of(model).run(None, {"image": x0})[0] == x0).all()


def test_symbols_declared_by_a_multiple() -> None:
    net = Net(N, 3, 2 * H, 3 * W + 1)
    y = net.zeros((H, W))
    session = session_of(model_of(Graph("Net", [net.input], net.nodes, {"y": y})))
    assert session.run(None, {"image": image(1, 3, 10, 13)})[0].shape == (5, 4)


def test_symbols_that_no_input_gives() -> None:
    net = Net(N, H * W)
    graph = net.graph(net.reshape(net.input, (N, H, W)))
    with pytest.raises(DiagnosticError) as caught:
        backend.lower(graph)
    assert caught.value.diagnostics[0].code == "E0601"


# Operator sets


def test_a_rule_can_ask_for_a_newer_operator_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """As operators do that ONNX has in newer sets only (``DeformConv``, 19): the whole graph is lowered in it."""

    def newer(emit: Emit) -> None:
        emit.require(18, "`mish`")
        emit.result("Mish", emit.ins)

    known = lower.rule_for
    monkeypatch.setattr(lower, "rule_for", lambda op: newer if op.name == "mish" else known(op))
    net = Net(1, 3)
    graph = net.graph(net.mish(net.softplus(net.input)))
    model = onnx.load_from_string(backend.lower(graph))
    assert [item.version for item in model.opset_import] == [18]
    assert [node.op_type for node in model.graph.node] == ["Softplus", "Mish"]
    with pytest.raises(DiagnosticError, match="needs the operator set 18, but 17 was asked for") as caught:
        backend.lower(graph, OnnxOptions(opset=17))
    assert caught.value.diagnostics[0].code == "E0601"


@pytest.mark.parametrize("pad", ["same_upper", "same_lower"])
@pytest.mark.parametrize(
    "kind",
    ["conv", "dilated", "dilated at stride 1", "max_pool", "dilated max_pool", "avg_pool", "counted", "lp_pool"],
)
def test_tensorflow_padding_of_symbolic_sizes(pad: str, kind: str) -> None:
    """What the runtime pads by itself is what we write when the size is known."""

    def graph(*shape: dims.Dim) -> Graph:
        net = Net(*shape)
        layers: dict[str, Callable[[], Any]] = {
            "conv": lambda: net.conv(net.input, 4, 4, stride=2, pad=pad),
            "dilated": lambda: net.conv(net.input, 4, 3, stride=2, dilation=2, pad=pad),
            "dilated max_pool": lambda: net.max_pool(net.input, 3, stride=2, dilation=2, pad=pad),
            "dilated at stride 1": lambda: net.conv(net.input, 4, 3, dilation=2, pad=pad),
            "max_pool": lambda: net.max_pool(net.input, 4, stride=3, pad=pad),
            "avg_pool": lambda: net.avg_pool(net.input, 4, stride=3, pad=pad, count_pad=False),
            "counted": lambda: net.avg_pool(net.input, 4, stride=3, pad=pad, count_pad=True),
            "lp_pool": lambda: net.lp_pool(net.input, 4, stride=3, pad=pad),
        }
        return net.graph(layers[kind]())

    free = model_of(graph(N, 3, H, W))
    weights = randomise(free, np.random.default_rng(5))
    for h, w in ((9, 10), (11, 7), (12, 13)):
        fixed = model_of(graph(N, 3, h, w))
        for tensor in fixed.graph.initializer:
            tensor.CopyFrom(numpy_helper.from_array(weights[tensor.name], tensor.name))
        x = image(2, 3, h, w)
        (a,), (b,) = (session_of(m).run(None, {"image": x}) for m in (free, fixed))
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_parameters_may_be_read_by_themselves() -> None:
    """A raw parameter as an output is copied, so that both keep their names."""
    net = Net(1, 4)
    raw = Parameter("scale", net.input.type, Initializer("ones"))
    value = net.apply("param", [], [], "scale", {"": raw}, size=(1, 4))
    graph = Graph("Net", [net.input], net.nodes, {"y": net.mul(net.input, value), "copy": value})
    graph = Graph("Net", [net.input], net.nodes, graph.outputs)
    model = model_of(graph)
    onnx.checker.check_model(model, full_check=True)
    assert [t.name for t in model.graph.initializer] == ["scale"]
    found = session_of(model).run(None, {"image": image(1, 4)})
    assert (found[0] == image(1, 4)).all() and found[1].tolist() == [[1, 1, 1, 1]]


def test_deep_graphs() -> None:
    net = Net(N, 4, 5, 6)
    x = net.input
    for _ in range(10_000):
        x = net.relu(x)
    assert len(onnx.ModelProto.FromString(backend.lower(net.graph(x), OnnxOptions())).graph.node) == 10_000
