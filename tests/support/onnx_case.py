"""One operator as an ONNX model: its example as a graph, inputs that make it interesting, runs in several engines."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import onnx
import onnxruntime
from lowered import lowered
from onnx import numpy_helper
from op_examples import Example
from process import threads

from archdsl.graph import Graph, Node, Parameter, Value
from archdsl.ops.base import Op
from archdsl.shapes import TensorType
from archdsl.source import Origin

BINDING = {"N": 2, "H": 7, "W": 9, "T": 5, "S": 4, "R": 3}
"""What symbols are when an example runs: odd sizes, all different."""

NUMPY = {
    "f32": np.float32, "f16": np.float16, "f64": np.float64, "i64": np.int64, "i32": np.int32, "i16": np.int16,
    "i8": np.int8, "u8": np.uint8, "bool": np.bool_,
}  # fmt: skip

Arrays = dict[str, np.ndarray]


def graph_of(example: Example) -> Graph:
    """A graph of one node, with inputs ``x0`` … and outputs ``y0`` …"""
    inputs = [Value(f"x{i}", type) for i, type in enumerate(example.input_types)]
    params = {}
    for weight in example.op.weights(*example.input_types):
        type = TensorType(weight.dtype or example.input_types[0].dtype, weight.shape)
        path = f"op.{weight.slot}" if weight.slot else "op"
        params[weight.slot] = Parameter(path, type, weight.init, weight.buffer)
    node = Node(example.op, inputs, example.op.shape(*example.input_types), "op", params, Origin(None))
    return Graph("example", inputs, [node], {f"y{i}": value for i, value in enumerate(node.outputs)})


def model_of(graph: Graph, **options: Any) -> onnx.ModelProto:
    """The lowered graph, parsed; it must be exactly what protobuf itself would write."""
    data = lowered(graph, **options)
    model = onnx.ModelProto.FromString(data)
    assert model.SerializeToString(deterministic=True) == data
    return model


def generator(*key: object) -> np.random.Generator:
    """A random generator that depends on ``key`` only."""
    return np.random.default_rng(int(hashlib.sha256(repr(key).encode()).hexdigest()[:15], 16))


def randomise(model: onnx.ModelProto, draw: np.random.Generator) -> Arrays:
    """Give every initialiser values that matter: no zero biases, no unit variances. Returns them by name."""
    found = {}
    for tensor in model.graph.initializer:
        old = numpy_helper.to_array(tensor)
        spread = (
            draw.uniform(0.5, 2.0, old.shape) if tensor.name.endswith("running_var") else draw.normal(0, 1, old.shape)
        )
        found[tensor.name] = spread.astype(old.dtype)
        tensor.CopyFrom(numpy_helper.from_array(found[tensor.name], tensor.name))
    return found


def inputs_of(example: Example, draw: np.random.Generator) -> Arrays:
    """Inputs of a bound example, inside the operator's domain."""
    low, high = getattr(example.op, "domain", (-4.0, 4.0))
    found: Arrays = {}
    for i, kind in enumerate(example.input_types):
        shape = [int(str(size)) for size in kind.shape]
        if kind.dtype == "bool":
            value = draw.integers(0, 2, shape)
        elif kind.dtype[0] in "iu":
            value = draw.integers(0, 3, shape)
        elif type(example.op).__module__.endswith("logic"):
            value = np.round(draw.uniform(-2, 2, shape))  # so that some are equal
        else:
            value = draw.uniform(low, high, shape)
        found[f"x{i}"] = np.asarray(value).astype(NUMPY[kind.dtype])
    if example.op.name in ("roi_align", "roi_pool"):  # x1 <= x2, y1 <= y2, and images that there are
        found["x1"] = np.sort(np.abs(found["x1"]).reshape(-1, 2, 2), axis=1).reshape(-1, 4)
        found["x2"] %= found["x0"].shape[0]
    for i in example.op.operand("lengths", range(len(found))) if "lengths" in example.op.operands else ():
        steps = int(str(example.input_types[0].shape[1]))  # of sequences that are not empty
        found[f"x{i}"] = draw.integers(1, steps + 1, found[f"x{i}"].shape).astype(found[f"x{i}"].dtype)
    if example.op.name == "max_unpool":  # each position from its own window
        found["x1"] = positions(example)
    return found


def positions(example: Example) -> np.ndarray:
    """Where a pooling would have found its maxima: the first tap of every window."""
    (y,), counts = example.output_types, example.input_types[0].shape
    size = [int(str(n)) for n in y.shape]
    place = np.arange(np.prod(size)).reshape(size)
    step = example.op.kernel
    return np.ascontiguousarray(place[:, :, ::step, ::step][:, :, : counts[2], : counts[3]]).astype(np.int64)


def comparable(op: Op | type[Op], x: np.ndarray) -> np.ndarray:
    """What two engines agree in: the values, or mean and deviation of random numbers (to ``LOOSE``)."""
    return np.array([x.mean(dtype="f8"), x.std(dtype="f8")]) if op.draws else x


LOOSE = 0.05
"""Of 20,000 random numbers, mean and deviation are known to a hundredth of the deviation."""


def run(model: onnx.ModelProto, inputs: Arrays) -> list[np.ndarray]:
    """The outputs in ONNX Runtime on the CPU, as written: without its optimisations."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found: list[np.ndarray] = session.run(None, inputs)
    return found
