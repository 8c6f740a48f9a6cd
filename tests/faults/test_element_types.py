"""What is compiled loads, whatever the element types, and half types keep their statistics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from faults import again, archdsl, fault, network

TYPES = ("f32", "f16", "bf16", "f64", "i64", "i32", "i16", "i8", "u64", "u32", "u16", "u8", "bool")
REFUSALS = ("E0309", "E0601", "E0602", "E0607")
OPERATORS = {
    "conv": "conv(4, 3)", "conv_transpose": "conv_transpose(4, 2, stride = 2)", "avg_pool": "avg_pool(2)",
    "max_pool": "max_pool(2)", "global_avg_pool": "global_avg_pool", "group_norm": "group_norm(2)",
    "instance_norm": "instance_norm", "elu": "elu", "hard_swish": "hard_swish", "softplus": "softplus", "sin": "sin",
    "round": "round", "resize": "resize(scale = 2)", "zeros": "x + zeros([1, 4, 8, 8], dtype = DTYPE)",
    "reduce_sum": "reduce_sum(axis = c)", "reduce_prod": "reduce_prod(axis = c)", "reduce_max": "reduce_max(axis = c)",
    "cumsum": "cumsum(axis = c)", "argmax": "argmax(axis = c)", "top_k": "top_k(2, axis = c)", "max": "max(x, x)",
    "where": "where(x == x, x, x)", "relu": "relu", "depth_to_space": "depth_to_space(2)",
    "space_to_depth": "space_to_depth(2)", "pad_axes": "pad_axes(1)", "tile": "tile([1, 2, 1, 1])",
    "broadcast_to": "broadcast_to([N, 4, 8, 8])", "neg": "neg", "softmax": "softmax(axis = c)", "linear": "linear(3)",
}  # fmt: skip


def text_of(operator: str, dtype: str) -> str:
    body = OPERATORS[operator].replace("DTYPE", dtype)
    return f"arch 1\nnetwork Net() {{\n  input x: {dtype}[N, 4, 8, 8]\n  {body}\n}}\n"


@fault(
    "F10",
    "the oldest operator set was chosen by the operator alone, and rules wrote types that no set has",
    "bf16: convolutions, poolings, norms, activations, sin, round, zeros, top_k; i8 i16 u8 u16: sums, products, cumsum, "
    "extremes; without a kernel: argmax, max, relu, where, depth_to_space, pad on some integers, f64 of 17 operators",
)
@pytest.mark.parametrize("operator", OPERATORS)
def test_what_is_compiled_loads_or_is_refused(tmp_path: Path, operator: str) -> None:
    for dtype in TYPES:
        done = archdsl(tmp_path, f"compile net.arch -o {dtype}.onnx", net__arch=text_of(operator, dtype))
        if done.status:
            assert any(f"error[{code}]" in done.output for code in REFUSALS), done.output
            assert "net.arch:" in done.output and "help:" in done.output
            continue
        onnx.checker.check_model(onnx.load(tmp_path / f"{dtype}.onnx"), full_check=True)
        onnxruntime.InferenceSession(tmp_path / f"{dtype}.onnx", providers=["CPUExecutionProvider"])


@again("F10")
def test_integers_are_computed_in_their_own_arithmetic(tmp_path: Path) -> None:
    """The sums of int8 wrap as NumPy's do."""
    text = "arch 1\nnetwork Net() {\n  input x: i8[N, 6]\n  output s = reduce_sum(x, axis = 1)\n}\n"
    done = archdsl(tmp_path, "compile net.arch -o net.onnx", net__arch=text)
    assert done.status == 0, done.output
    x = np.random.default_rng(0).integers(-128, 128, (5, 6)).astype(np.int8)
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    np.testing.assert_array_equal(session.run(None, {"x": x})[0], x.sum(axis=1, dtype=np.int8))


@again("F10")
def test_native_types_are_valid_where_no_kernel_is(tmp_path: Path) -> None:
    """bf16 convolutions came with the operator set 22 (onnx/docs/Changelog.md)."""
    done = archdsl(tmp_path, "compile net.arch --native -o net.onnx", net__arch=text_of("conv", "bf16"))
    assert done.status == 0, done.output
    model = onnx.load(tmp_path / "net.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version == 22
    assert [node.op_type for node in model.graph.node] == ["Conv"]


@fault("F23", "a number for the padding was packed as a float, whatever the element type",
       "pad_channels; numbers that the type cannot hold (0.5 or 300 of u8, 1e6 of f16), in pad_axes and in constants")  # fmt: skip
@pytest.mark.parametrize("body", ["pad_axes(1)", "pad_axes(1, value = 3)", "pad_channels(2)"])
@pytest.mark.parametrize("dtype", [one for one in TYPES if one[0] in "iu"])
def test_integers_are_padded(tmp_path: Path, dtype: str, body: str) -> None:
    text = network(body, x=f"{dtype}[N, 2, 3, 3]")
    done = archdsl(tmp_path, "compile net.arch -o net.onnx", net__arch=text)
    assert done.status == 0, done.output
    x = np.ones((1, 2, 3, 3), {"i": "int", "u": "uint"}[dtype[0]] + dtype[1:])
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    ends = [(0, 0), (0, 2), (0, 0), (0, 0)] if "channels" in body else [(0, 0), (0, 0), (1, 1), (1, 1)]
    wanted = np.pad(x, ends, constant_values=3 if "value" in body else 0)
    np.testing.assert_array_equal(session.run(None, {"x": x})[0], wanted)


@again("F23")
@pytest.mark.parametrize(
    ("dtype", "body"),
    [("u8", "pad_axes(1, value = 0.5)"), ("i8", "pad_axes(1, value = 200)"), ("f16", "x + 1e6"), ("u8", "x + 300")],
)
def test_a_number_that_does_not_fit_is_told_by_check(tmp_path: Path, dtype: str, body: str) -> None:
    done = archdsl(tmp_path, "check net.arch", net__arch=network(body, x=f"{dtype}[N, 2, 3, 3]"))
    assert done.status == 1 and "error[E0309]" in done.output and "net.arch:" in done.output


def _normal(x: np.ndarray, axes: tuple[int, ...], eps: float, centre: bool = True) -> np.ndarray:
    centred = x - x.mean(axes, keepdims=True) * centre
    return centred / np.sqrt((centred * centred).mean(axes, keepdims=True) + eps)


STATISTICS = {
    "layer_norm(axes = c, eps = 1e-8)": lambda x: _normal(x, (1,), 1e-8),
    "layer_norm(axes = [h, w], eps = 1e-8)": lambda x: _normal(x, (2, 3), 1e-8),
    "rms_norm(axes = c, eps = 1e-8)": lambda x: _normal(x, (1,), 1e-8, centre=False),
    "rms_norm(axes = w, eps = 1e-8)": lambda x: _normal(x, (3,), 1e-8, centre=False),
    "instance_norm(eps = 1e-8)": lambda x: _normal(x, (2, 3), 1e-8),
    "group_norm(1, eps = 1e-8)": lambda x: _normal(x, (1, 2, 3), 1e-8),
    "batch_norm(eps = 1e-8)": lambda x: x,
    "l2_norm(axis = c)": lambda x: x / np.maximum(np.sqrt((x * x).sum(1, keepdims=True)), 1e-12),
    "reduce_mean(axis = [h, w])": lambda x: x.mean((2, 3)),
    "softmax(axis = c)": lambda x: (
        np.exp(x - x.max(1, keepdims=True)) / np.exp(x - x.max(1, keepdims=True)).sum(1, keepdims=True)
    ),
}
INPUTS = {
    "constant": lambda draw: np.ones((2, 4, 8, 8)),
    "zero": lambda draw: np.zeros((2, 4, 8, 8)),
    "squares overflow": lambda draw: draw.normal(0, 400, (2, 4, 8, 8)),
    "sums overflow": lambda draw: draw.uniform(20_000, 60_000, (2, 4, 8, 8)),
}


@fault("F13", "eps was a constant of the input's type, where it is 0, and squares were taken in that type",
       "rms_norm, l2_norm (0 / 0 as well), lrn of even sizes, global_lp_pool; squares above 65504 overflow; bf16")  # fmt: skip
@pytest.mark.parametrize("body", STATISTICS)
@pytest.mark.parametrize("case", INPUTS)
def test_statistics_of_half_types_do_not_vanish(tmp_path: Path, body: str, case: str) -> None:
    done = archdsl(tmp_path, "compile net.arch --init zeros -o net.onnx", net__arch=network(body, x="f16[2, 4, 8, 8]"))
    assert done.status == 0, done.output
    x = INPUTS[case](np.random.default_rng(0)).astype(np.float16)
    model = onnx.load(tmp_path / "net.onnx")
    for tensor in model.graph.initializer:  # the norms' own start, whatever was written
        ones = np.ones if tensor.name.endswith(("weight", "running_var")) else np.zeros
        tensor.CopyFrom(onnx.numpy_helper.from_array(ones(tensor.dims, np.float16), tensor.name))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found = session.run(None, {"x": x})[0].astype(np.float64)
    wanted = STATISTICS[body](x.astype(np.float64))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, wanted, rtol=4e-3, atol=4e-3)


# Gap 8: what has no input follows the flow

SOURCES = {
    "param": "x * param([1, 4, 1, 1])",
    "constant": "x * constant([1, 2])",
    "zeros": "x + zeros([1, 4, 1, 1])",
    "ones": "x + ones([1, 4, 1, 1])",
    "under a label": "w: param([1, 4, 1, 1])\n  output y = x * w",
    "let": "let w = param([1, 4, 1, 1])\n  output y = x * w",
    "in a block": "unit(4)\n  unit(4)\n  unit(4)",
    "in a loop": "repeat 2 { unit(4) }",
    "in a body": "residual { relu -> add(param([1, 4, 1, 1])) }",
    "in a branch": "parallel(add) { | relu | relu -> mul(param([4, 1, 1])) }",
}


@fault("Gap8", "`dtype` of param, constant, zeros and ones was f32 whatever flows", "under labels, in let, blocks, loops, "
       "branches and bodies, repeated blocks; numbers in equations followed already")  # fmt: skip
@pytest.mark.parametrize("body", SOURCES.values(), ids=SOURCES.keys())
@pytest.mark.parametrize("dtype", ["f16", "f64"])
def test_sources_follow_the_flow(tmp_path: Path, body: str, dtype: str) -> None:
    block = "block unit(c) { w: param([1, c, 1, 1]); in * w }\n"
    text = f"arch 1\n{block}network Net() {{\n  input x: {dtype}[N, 4, 8, 2]\n  {body}\n}}\n"
    done = archdsl(tmp_path, "compile net.arch -o net.onnx", net__arch=text)
    assert done.status == 0, done.output
    model = onnx.load(tmp_path / "net.onnx")
    onnx.checker.check_model(model, full_check=True)
    wanted = {"f16": onnx.TensorProto.FLOAT16, "f64": onnx.TensorProto.DOUBLE}[dtype]
    assert {tensor.data_type for tensor in model.graph.initializer} <= {wanted}
    assert model.graph.output[0].type.tensor_type.elem_type == wanted


@again("Gap8")
def test_another_type_can_be_said_and_integers_are_not_followed(tmp_path: Path) -> None:
    text = (
        "arch 1\nnetwork Net() {\n  input t: i64[N, 4]\n  output a = constant([1, 2]), b = param([2], dtype = f16)\n}\n"
    )
    done = archdsl(tmp_path, "compile net.arch -o net.onnx", net__arch=text)
    assert done.status == 0, done.output
    found = [one.type.tensor_type.elem_type for one in onnx.load(tmp_path / "net.onnx").graph.output]
    assert found == [onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16]


NETWORKS = {
    "f32": "conv(4, 3) -> batch_norm -> relu -> layer_norm(axes = c) -> global_avg_pool -> flatten -> linear(5)",
    "f64": "layer_norm(axes = c) -> relu -> global_lp_pool(2) -> flatten -> linear(5)",
    "i64": "x * 3 -> reduce_sum(axis = c)", "bool": "logical_not",
}  # fmt: skip


@again("F10")
@pytest.mark.reference
@pytest.mark.parametrize("dtype", [one for one in TYPES if one != "u64"])
def test_both_backends_agree_and_run(tmp_path: Path, dtype: str) -> None:
    like = dtype if dtype in NETWORKS else "f32" if dtype in ("f16", "bf16") else "i64"
    text = f"arch 1\nnetwork Net() {{\n  input x: {dtype}[N, 4, 8, 8]\n  {NETWORKS[like]}\n}}\n"
    line = "compile net.arch -o net.onnx && archdsl compile net.arch -o net.py && archdsl run net.onnx"
    done = archdsl(tmp_path, f"{line} && archdsl verify net.onnx --against net.py", net__arch=text)
    assert done.status == 0, done.output
    assert "the same" in done.output


@again("F10")
def test_a_model_without_a_kernel_is_told_apart_from_a_broken_one(tmp_path: Path) -> None:
    line = "compile net.arch --native -o net.onnx && archdsl run net.onnx"
    done = archdsl(tmp_path, line, net__arch=text_of("conv", "bf16"))
    assert done.status != 0 and "error[E0703]" in done.output
    assert "no kernel" in done.output and "`Conv`" in done.output and "--native" in done.output
