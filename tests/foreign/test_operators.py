"""Operators of ONNX one by one: what is made of a file computes what the file computes, and has its sizes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from foreign_models import Sizes, drawn, model, saved
from onnx import TensorProto, helper

import archdsl

F, INT, B = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
MS = "com.microsoft"
TYPES = {F: np.float32, INT: np.int64, B: np.bool_, TensorProto.UINT8: np.uint8, TensorProto.INT32: np.int32}


class Case:
    """A node with its inputs: a pair of type and sizes enters the model, an array is stored in it."""

    def __init__(
        self,
        op: str,
        *inputs: Any,
        outputs: int = 1,
        opset: int = 17,
        free: bool = False,
        domain: str = "",
        unused: int = 0,
        integers: Sequence[int] = (0, 2),
        **attributes: Any,
    ):
        self.op, self.inputs, self.outputs, self.opset, self.free = op, inputs, outputs, opset, free
        self.attributes, self.domain, self.unused, self.integers = attributes, domain, unused, integers

    def __repr__(self) -> str:
        sizes = [
            "x".join(map(str, one[1] if isinstance(one, tuple) else one.shape))
            for one in self.inputs
            if one is not None
        ]
        return f"{self.op}-{self.opset}({', '.join(sizes)})" + "".join(f" {k}={v}" for k, v in self.attributes.items())

    def model(self) -> onnx.ModelProto:
        names = ["" if one is None else f"x{i}" for i, one in enumerate(self.inputs)]
        given = {n: one for n, one in zip(names, self.inputs) if isinstance(one, tuple)}
        stored = {n: one for n, one in zip(names, self.inputs) if isinstance(one, np.ndarray)}
        outputs = [f"y{i}" for i in range(self.outputs)]
        made = [*outputs, *(f"u{i}" for i in range(self.unused))]
        node = helper.make_node(self.op, names, made, "node", domain=self.domain or None, **self.attributes)
        if self.free:
            given = {n: (t, ["A", *sizes[1:]]) for n, (t, sizes) in given.items()}
        domains = {self.domain: 1} if self.domain else {}
        return model([node], given, outputs, stored, opset=self.opset, domains=domains)


def ints(*values: int) -> np.ndarray[Any, Any]:
    return np.array(values, np.int64)


def real(value: float) -> np.ndarray[Any, Any]:
    return np.array(value, np.float32)


def byte(value: int) -> np.ndarray[Any, Any]:
    return np.array(value, np.uint8)


def small(*shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(2).integers(-9, 9, shape).astype(np.int8)


X, MAP, SEQ = (F, [2, 6]), (F, [2, 6, 7, 9]), (F, [5, 2, 6])
GATES = [drawn(2, 16, 6), drawn(2, 16, 4), drawn(2, 32)]
INTS = (INT, [2, 3])
BOXES = np.array([[0, 1, 6, 9], [2.5, 3, 11, 7]], np.float32)
CORNERS = np.random.default_rng(5).uniform(0, 1, (1, 9, 4)).astype(np.float32)
CASES = [
    Case("Conv", MAP, drawn(8, 3, 3, 3), drawn(8), group=2, strides=[2, 1], pads=[1, 0, 2, 1], free=True),
    Case("Conv", MAP, drawn(4, 6, 3, 3), auto_pad="SAME_LOWER", strides=[2, 2]),
    Case("Conv", MAP, (F, [4, 6, 3, 3]), kernel_shape=[3, 3]),
    Case("ConvTranspose", MAP, drawn(6, 2, 3, 3), drawn(4), group=2, strides=[2, 2], output_padding=[1, 1], pads=[1] * 4),
    Case("ConvTranspose", MAP, drawn(6, 4, 3, 3), strides=[2, 2], output_shape=[14, 18]),
    Case("MaxPool", MAP, kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1], dilations=[1, 2]),
    Case("AveragePool", MAP, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
    Case("AveragePool", MAP, kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1),
    Case("GlobalAveragePool", MAP), Case("GlobalMaxPool", MAP), Case("LpPool", MAP, kernel_shape=[2, 2], opset=18),
    Case("BatchNormalization", MAP, drawn(6), drawn(6), drawn(6), np.abs(drawn(6)) + 1, epsilon=0.01),
    Case("BatchNormalization", MAP, drawn(6), drawn(6) + 1, drawn(6) + 2, np.abs(drawn(6)) + 3, opset=15, training_mode=1, unused=2),
    Case("BatchNormalization", MAP, drawn(6), drawn(6) + 1, drawn(6) + 2, np.abs(drawn(6)) + 3, opset=15, outputs=3, training_mode=1, momentum=0.7),
    Case("BatchNormalization", MAP, (F, [6]), drawn(6), (F, [6]), np.abs(drawn(6)) + 3, opset=15),
    Case("InstanceNormalization", MAP, drawn(6), drawn(6)), Case("LRN", MAP, size=3, alpha=0.5, bias=2.0),
    Case("LayerNormalization", MAP, drawn(7, 9), drawn(7, 9), axis=2), Case("LayerNormalization", X, drawn(6)),
    Case("GroupNormalization", MAP, drawn(6), drawn(6), num_groups=3, opset=21),
    Case("LpNormalization", X, axis=1),
    Case("MatMul", (F, [2, 5, 6]), drawn(6, 3), free=True), Case("MatMul", (F, [6]), drawn(6, 3)),
    Case("MatMul", (F, [3, 2, 6]), drawn(3, 6, 4)), Case("MatMul", drawn(4, 2), X),
    Case("Gemm", X, drawn(6, 4), drawn(4)), Case("Gemm", X, drawn(4, 6), drawn(2, 4), transB=1, alpha=0.5, beta=2.0),
    Case("Gemm", (F, [6, 2]), (F, [6, 3]), transA=1),
    Case("Einsum", (F, [2, 3, 4]), (F, [2, 5, 4]), equation="bij,bkj->bik"),
    Case("Einsum", (F, [2, 3, 4]), drawn(4, 5, 6), equation="...j,jkl->...kl"),
    Case("Einsum", (F, [2, 3]), (F, [3]), equation="ij,j->ji"), Case("Einsum", X, equation="ij->j"),
    Case("LSTM", SEQ, *GATES, outputs=3, hidden_size=4, direction="bidirectional"),
    Case("LSTM", SEQ, drawn(1, 16, 6), drawn(1, 16, 4), None, None, (F, [1, 2, 4]), None, drawn(1, 12), outputs=2, hidden_size=4, direction="reverse"),
    Case("GRU", SEQ, drawn(1, 12, 6), drawn(1, 12, 4), drawn(1, 24), hidden_size=4, linear_before_reset=1),
    Case("GRU", SEQ, drawn(1, 12, 6), drawn(1, 12, 4), hidden_size=4),
    Case("RNN", SEQ, drawn(1, 4, 6), drawn(1, 4, 4), drawn(1, 8), outputs=2, hidden_size=4, activations=["Relu"]),
    Case("LSTM", SEQ, *GATES, outputs=3, hidden_size=4, direction="bidirectional", activations=["HardSigmoid", "Tanh", "Relu", "Sigmoid", "Softsign", "LeakyRelu"], activation_alpha=[0.3, 0.2], activation_beta=[0.4]),
    Case("LSTM", SEQ, drawn(1, 16, 6), drawn(1, 16, 4), None, None, (F, [1, 2, 4]), None, drawn(1, 12), outputs=3, hidden_size=4, direction="reverse", clip=0.4),
    Case("LSTM", SEQ, drawn(1, 16, 6), drawn(1, 16, 4), drawn(1, 32), hidden_size=4, input_forget=1),
    Case("GRU", SEQ, drawn(1, 12, 6), drawn(1, 12, 4), drawn(1, 24), outputs=2, hidden_size=4, activations=["HardSigmoid", "Relu"]),
    Case("GRU", SEQ, drawn(1, 12, 6), drawn(1, 12, 4), drawn(1, 24), hidden_size=4, linear_before_reset=1, clip=0.5, direction="reverse"),
    Case("RNN", SEQ, drawn(2, 4, 6), drawn(2, 4, 4), drawn(2, 8), outputs=2, hidden_size=4, direction="bidirectional", activations=["Softsign", "Elu"], free=True),
    Case("Slice", MAP, ints(1, -3), ints(5, 2**40), ints(1, 3), ints(2, 1)), Case("Slice", X, ints(-1), ints(-(2**40)), ints(1), ints(-2)),
    Case("Slice", X, opset=9, starts=[1], ends=[4], axes=[1]), Case("Gather", MAP, ints(3, 0, 0), axis=1),
    Case("Gather", MAP, np.array(-2), axis=3), Case("Gather", drawn(9, 4), (INT, [2, 3])), Case("Gather", X, (INT, [2]), axis=1),
    Case("GatherElements", X, (INT, [2, 3]), axis=1), Case("GatherND", X, ints(1, 0).reshape(2, 1)),
    Case("ScatterElements", X, ints(0, 1).reshape(2, 1), drawn(2, 1), axis=1, reduction="add", opset=18),
    Case("Split", MAP, ints(1, 3, 2), outputs=3, axis=1), Case("Split", MAP, outputs=2, axis=1, opset=11),
    Case("Split", (F, [2, 5]), outputs=2, axis=1, num_outputs=2, opset=18),
    Case("Expand", X, ints(3, 1, 6)), Case("Tile", X, ints(2, 3)), Case("Trilu", (F, [4, 5]), np.array(1), upper=0),
    Case("Pad", MAP, ints(0, 0, 1, 2, 0, 0, 3, 0), np.array(1.5, np.float32)), Case("Pad", MAP, ints(0, 0, -1, 2, 0, 0, 0, -2)),
    Case("Pad", MAP, ints(0, 0, 1, 2, 0, 0, 3, 0), mode="reflect"), Case("Pad", X, opset=9, pads=[0, 1, 0, 2], value=2.0),
    Case("Resize", MAP, None, np.array([1, 1, 2, 2], np.float32), mode="nearest"),
    Case("Resize", MAP, None, None, ints(2, 6, 14, 5), mode="linear"),
    Case("Resize", MAP, None, None, ints(2, 6, 13, 19), mode="linear", coordinate_transformation_mode="align_corners"),
    Case("Resize", MAP, None, None, ints(2, 6, 14, 18), mode="cubic"), Case("Upsample", MAP, np.array([1, 1, 2, 3], np.float32), opset=9),
    Case("DepthToSpace", (F, [2, 8, 3, 3]), blocksize=2, mode="CRD"), Case("SpaceToDepth", (F, [2, 2, 4, 6]), blocksize=2),
    Case("ReduceMean", MAP, axes=[2, 3]), Case("ReduceSum", MAP, ints(-1), keepdims=0), Case("ReduceL2", X, axes=[1]),
    Case("ReduceMax", MAP, axes=[1], keepdims=0), Case("ReduceSumSquare", X, axes=[1]), Case("ReduceLogSumExp", X, axes=[1]),
    Case("ArgMax", X, axis=1, keepdims=0), Case("TopK", X, ints(3), outputs=2), Case("CumSum", X, np.array(1)),
    Case("Softmax", MAP, opset=11), Case("Softmax", MAP, axis=1), Case("LogSoftmax", X), Case("Clip", X, opset=9, min=-0.5, max=0.5),
    Case("Clip", X, np.array(0, np.float32), np.array(6, np.float32)), Case("Clip", X, (F, []), (F, [])),
    Case("PRelu", MAP, drawn(6, 1, 1)), Case("PRelu", MAP, drawn(1)), Case("HardSigmoid", X), Case("HardSigmoid", X, alpha=1 / 6, beta=0.5),
    Case("LeakyRelu", X, alpha=0.2), Case("Elu", X, alpha=0.7), Case("Selu", X), Case("HardSwish", X), Case("Gelu", X, opset=20),
    Case("Where", (B, [2, 1]), X, X), Case("Equal", (INT, [2, 3]), ints(1)), Case("Xor", (B, [3]), (B, [3])), Case("IsNaN", X),
    Case("Pow", X, np.array(2, np.float32)),
    Case("Max", X, X, drawn(6)), Case("Mean", X, drawn(6)), Case("Sum", X, X, X), Case("OneHot", (INT, [3]), np.array(4), np.array([0, 1], np.float32)),
    Case("Squeeze", (F, [2, 1, 6]), ints(1)), Case("Squeeze", (F, [2, 1, 6]), opset=11), Case("Unsqueeze", X, opset=11, axes=[0, 3]),
    Case("Flatten", MAP, axis=2), Case("Flatten", MAP, axis=0), Case("Transpose", MAP), Case("Reshape", MAP, ints(0, -1, 9)),
    Case("Concat", X, drawn(2, 3), X, axis=-1), Case("Dropout", X), Case("Cast", X, to=INT),
    Case("Gelu", X, domain=MS), Case("BiasGelu", X, drawn(6), domain=MS), Case("FastGelu", X, domain=MS),
    Case("SkipLayerNormalization", (F, [2, 5, 6]), (F, [2, 5, 6]), drawn(6), drawn(6), drawn(6), domain=MS, epsilon=1e-5),
    Case("FusedMatMul", X, drawn(6, 3), domain=MS), Case("QLinearConv", (TensorProto.UINT8, [1, 3, 5, 5]), real(0.1), byte(3), small(4, 3, 3, 3), real(0.02), np.array(0, np.int8),
         real(0.5), byte(7), np.arange(4, dtype=np.int32), pads=[1] * 4),
    Case("QLinearMatMul", (TensorProto.UINT8, [2, 6]), real(0.1), byte(3), small(6, 4), real(0.02), np.array(1, np.int8), real(0.5), byte(9)),
    Case("DequantizeLinear", small(4, 6), np.abs(drawn(4)), np.zeros(4, np.int8), axis=0), Case("QuantizeLinear", X, real(0.1), byte(8)),
    Case("DynamicQuantizeLinear", X, outputs=3), Case("MatMulInteger", (TensorProto.UINT8, [2, 6]), small(6, 4), byte(2)),
    Case("ConvInteger", (TensorProto.UINT8, [1, 3, 5, 5]), small(4, 3, 3, 3), byte(2), strides=[2, 2]),
    Case("Attention", (F, [2, 3, 5, 4]), (F, [2, 3, 5, 4]), (F, [2, 3, 5, 4]), opset=23, is_causal=1),
    Case("ReverseSequence", SEQ, ints(3, 5)), Case("ReverseSequence", SEQ, ints(2, 1, 0, 1, 2), time_axis=1, batch_axis=0),
    Case("ScatterND", X, ints(1).reshape(1, 1), drawn(1, 6)), Case("ScatterND", X, ints(1, -1, 0, 2).reshape(2, 2), drawn(2), reduction="add", opset=18),
    Case("ScatterND", MAP, ints(0, 3, 1, -5).reshape(2, 2), (F, [2, 7, 9])), Case("ScatterND", MAP, (INT, [4, 3]), drawn(4, 9), reduction="max", opset=18),
    Case("ScatterElements", X, ints(-1, 1).reshape(2, 1), drawn(2, 1), axis=1, opset=13),
    Case("GridSample", MAP, (F, [2, 3, 4, 2]), opset=16, mode="bicubic", padding_mode="border"), Case("GridSample", MAP, (F, [2, 3, 4, 2]), opset=20, align_corners=1),
    Case("GridSample", MAP, (F, [2, 3, 4, 2]), opset=16, mode="nearest", padding_mode="reflection"), Case("GridSample", (F, [1, 2, 3, 4, 5]), (F, [1, 2, 3, 2, 3]), opset=20),
    Case("RoiAlign", MAP, BOXES, ints(1, 0), output_height=3, output_width=2, spatial_scale=0.5, sampling_ratio=2),
    Case("RoiAlign", MAP, BOXES, ints(1, 0), output_height=2, opset=11), Case("NonMaxSuppression", CORNERS, (F, [1, 2, 9]), ints(3), drawn(1) * 0 + 0.3),
    Case("NonMaxSuppression", CORNERS, (F, [1, 1, 9]), ints(4), drawn(1) * 0 + 0.5, drawn(1) * 0 - 0.2, center_point_box=1),
    Case("Mod", np.arange(-9, 9, dtype=np.int32), np.array([4], np.int32)), Case("Mod", (TensorProto.INT32, [3]), np.array([-7, 2, 1], np.int32)),
    Case("Mod", (TensorProto.INT32, [3]), np.array([-7, 2, 1], np.int32), fmod=1), Case("Mod", (TensorProto.UINT8, [9]), byte(7)),
    Case("Mod", INTS, ints(-4, 3, 7), integers=(-40, 40)), Case("Mod", INTS, ints(-4, 3, 7), fmod=1, integers=(-40, 40)), Case("Mod", INTS, (INT, [3]), integers=(1, 99)),
    Case("Div", INTS, ints(-4, 3, 7), integers=(-40, 40)), Case("Div", (TensorProto.UINT8, [9]), byte(7)), Case("Div", (TensorProto.INT32, [9]), (TensorProto.INT32, [1]), integers=(-9, -3)),
    Case("Mod", X, np.array([0.7, -1.3, 2, 0.01, 5, 1], np.float32), fmod=1), Case("CumSum", MAP, np.array(-2), exclusive=1), Case("CumSum", MAP, np.array(1), reverse=1),
    Case("CumSum", X, np.array(1), reverse=1, exclusive=1), Case("CumSum", (F, [1, 2]), np.array(0), exclusive=1),
    Case("TopK", X, ints(3), outputs=2, largest=0), Case("TopK", MAP, ints(2), outputs=2, axis=1, largest=0), Case("TopK", X, (INT, [1]), outputs=2, integers=(4, 5)),
    Case("OneHot", INTS, np.array(4), np.array([-0.25, 3.5], np.float32), axis=1), Case("OneHot", (F, [3]), np.array(2), np.array([2, 5])), Case("OneHot", INTS, np.array(3), X[:1] + ([2],)),
    Case("NonZero", (INT, [3, 4])), Case("NonZero", (B, [5])), Case("Compress", MAP, (B, [6]), axis=1), Case("Compress", MAP, (B, [4]), axis=-3), Case("Compress", X, (B, [12])),
    Case("Compress", X, np.array([True, False, True, True]), axis=1),
    Case("DFT", (F, [2, 8, 1]), onesided=1), Case("DFT", (F, [2, 6, 2]), np.array(4), inverse=1), Case("DFT", (F, [2, 6, 3, 1]), np.array(8), np.array(1), opset=20),
    Case("STFT", (F, [2, 20, 1]), np.array(3), drawn(8), np.array(8)), Case("STFT", (F, [2, 20, 1]), np.array(4), drawn(6), onesided=0),
    Case("RotaryEmbedding", (F, [2, 3, 5, 8]), drawn(2, 5, 4), drawn(2, 5, 4), opset=23),
    Case("RotaryEmbedding", (F, [2, 5, 24]), drawn(9, 2), drawn(9, 2), (INT, [2, 5]), opset=23, num_heads=3, rotary_embedding_dim=4, interleaved=1),
    Case("RMSNormalization", X, drawn(6), opset=23), Case("Resize", MAP, None, None, ints(5, 12), opset=18, axes=[3, 2], mode="linear"),
    Case("Resize", MAP, None, np.array([1, 1, 0.5, 1.3], np.float32), mode="linear"), Case("Resize", MAP, None, np.array([1, 1, 0.5, 1.3], np.float32), mode="cubic"),
    Case("Resize", MAP, None, np.array([1, 1, 0.6, 1.3], np.float32), mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
    Case("Resize", MAP, None, np.array([1, 1, 1.2345678, 2.0000001], np.float32), mode="nearest"),
    Case("Attention", (F, [2, 5, 12]), (F, [2, 5, 12]), (F, [2, 5, 12]), opset=23, q_num_heads=3, kv_num_heads=3),
]  # fmt: skip


def results(path: Path, feed: dict[str, np.ndarray[Any, Any]]) -> Sequence[np.ndarray[Any, Any]]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run(None, {one.name: feed[one.name] for one in session.get_inputs()})


def fed(sizes: Sizes, dtype: int, seed: int, integers: Sequence[int] = (0, 2)) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(seed)
    shape = [one if isinstance(one, int) else 2 for one in sizes]
    if dtype == F:
        return rng.standard_normal(shape).astype(np.float32)
    low, high = (0, 200) if dtype == TensorProto.UINT8 else integers
    return rng.integers(low, high, shape).astype(TYPES[dtype])


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_same_results(case: Case, tmp_path: Path) -> None:
    made = case.model()
    theirs, ours = saved(made, tmp_path / "theirs.onnx"), tmp_path / "ours.onnx"
    archdsl.compile(theirs, ours)
    types = [(one.name, one.type.tensor_type) for one in made.graph.input]
    feed = {
        name: fed([d.dim_value or d.dim_param for d in type.shape.dim], type.elem_type, i, case.integers)
        for i, (name, type) in enumerate(types)
    }
    graph = archdsl.cost(theirs, {"A": 2} if case.free else None).graph
    for name, want, have in zip(graph.outputs, results(theirs, feed), results(ours, feed), strict=True):
        sizes = zip(graph.outputs[name].type.shape, want.shape, strict=True)  # what is counted is no number
        assert case.free or all(a == b for a, b in sizes if isinstance(a, int))
        assert have.dtype == want.dtype and have.shape == want.shape
        np.testing.assert_allclose(have, want, rtol=1e-5, atol=2e-6)
