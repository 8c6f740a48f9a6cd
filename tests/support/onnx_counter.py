"""Parameters and MACs of an ONNX model from the definitions of its operators. Nothing of archdsl is used.

Every value is exposed as an output and the model is run in ONNX Runtime without optimisations, so that shapes are what
they are and not what somebody infers. MACs are of contractions; parameters are the elements of constants that reach a
place for weights through nodes of constants.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import inliner, numpy_helper

WEIGHTS: dict[str, tuple[int, ...]] = {
    "Conv": (1, 2), "ConvTranspose": (1, 2), "Gemm": (1, 2), "MatMul": (0, 1), "BatchNormalization": (1, 2),
    "LayerNormalization": (1, 2), "InstanceNormalization": (1, 2), "GroupNormalization": (1, 2), "PRelu": (1,),
    "RMSNormalization": (1,), "Gather": (0,), "LSTM": (1, 2, 3, 7), "GRU": (1, 2, 3), "RNN": (1, 2, 3), "Add": (0, 1), "Mul": (0, 1),
    "Sub": (0, 1), "Div": (0, 1), "Concat": tuple(range(64)), "Expand": (0,), "Where": (1, 2), "Einsum": (0, 1), "Pow": (0,),
}  # fmt: skip
"""The inputs of operators at which weights stand."""
VIEWS = frozenset({"Transpose", "Reshape", "Unsqueeze", "Squeeze", "Flatten", "Identity", "Cast"})
ANGLES = frozenset({"Sin", "Cos"})
"""What is made of positions that exporters write out: no parameters."""
RANDOM = frozenset({"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike"})

Array = np.ndarray[Any, Any]
Shapes = Mapping[str, tuple[int, ...]]


def values(model: onnx.ModelProto, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Every value of a run, constants included."""
    known = {one.name for one in model.graph.output}
    for node in model.graph.node:
        for name in node.output:
            if name and name not in known:
                model.graph.output.append(onnx.ValueInfoProto(name=name))
                known.add(name)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    found = dict(zip(names, session.run(names, dict(inputs))))
    stored = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    return {**stored, **inputs, **{name: np.asarray(value) for name, value in found.items()}}


def counted(path: Path, inputs: Mapping[str, Array]) -> tuple[int, int]:
    """Parameters and MACs with these inputs; ``NotImplementedError`` for graphs within the graph."""
    model = inliner.inline_local_functions(onnx.load(str(path)))
    if any(attribute.HasField("g") for node in model.graph.node for attribute in node.attribute):
        raise NotImplementedError("graphs within the graph")
    found = values(model, inputs)
    shapes = {name: value.shape for name, value in found.items()}
    macs = sum(_macs(node, shapes) for node in model.graph.node)
    return _params(model, found), macs


def _params(model: onnx.ModelProto, found: Mapping[str, Array]) -> int:
    stored = {one.name for one in model.graph.initializer}
    source: dict[str, str] = {name: name for name in stored}
    """Of constants: the stored one that it is a view of, or itself."""
    fixed: set[str] = set(stored)
    real: set[str] = {name for name in stored if found[name].dtype.kind == "f"}
    most = {name: found[name].size for name in real}
    """Elements of the stored constants that one is computed from: repeated rows are no more parameters."""
    weights: dict[str, int] = {}
    for node in model.graph.node:
        given = [name for name in node.input if name]
        if node.op_type not in RANDOM and all(name in fixed for name in given) and not _looks_up(node, found):
            fixed.update(node.output)
            numbers = [name for name in set(given) if name in real and found[name].dtype.kind == "f"]  # no positions
            if node.op_type not in ANGLES and (node.op_type == "Constant" or numbers):
                real.update(node.output)
            behind = sum(most.get(name, 0) for name in numbers) or 1 << 62
            most.update((out, min(found[out].size, behind)) for out in node.output if out in found)
            view = node.op_type in VIEWS and given
            source.update((out, source.get(given[0], given[0]) if view else out) for out in node.output)
            continue
        for place in WEIGHTS.get(node.op_type, ()):
            name = node.input[place] if place < len(node.input) else ""
            if name in real and most.get(name, 2) > 1 and _is_weight(found[name]):
                weights[source.get(name, name)] = most.get(name, found[name].size)
    return sum(weights.values())


def _looks_up(node: onnx.NodeProto, found: Mapping[str, Array]) -> bool:
    """Whether rows of a table are looked up: its parameters are those of the table, however many rows are taken."""
    if node.op_type != "Gather":
        return False
    axis = next((one.i for one in node.attribute if one.name == "axis"), 0)
    table, rows = (found[name] for name in node.input)
    return _is_weight(table) and table.ndim > 1 and (rows.ndim > 1 or rows.size > table.shape[axis])


def _is_weight(value: Array) -> bool:
    """Several real numbers, that are no mask of zeros, ones and what stands for minus infinity (-100 in Swin)."""
    if value.dtype.kind != "f" or value.size < 2:
        return False
    masks = [value == min(value.min(), -100), value == 0, value == 1]
    return value.ndim < 2 or not bool(np.logical_or.reduce(masks).all()) or sum(bool(one.any()) for one in masks) < 2


def _macs(node: onnx.NodeProto, shapes: Shapes) -> int:
    rule = MACS.get(node.op_type)
    if rule is None:
        return 0
    attributes = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
    ins = [shapes.get(name, ()) for name in node.input]
    return rule(ins, [shapes.get(name, ()) for name in node.output], attributes)


Rule = Callable[[list[tuple[int, ...]], list[tuple[int, ...]], Mapping[str, Any]], int]


def _conv(ins: list[tuple[int, ...]], outs: list[tuple[int, ...]], given: Mapping[str, Any]) -> int:
    return prod(outs[0]) * prod(ins[1][1:])


def _conv_transpose(ins: list[tuple[int, ...]], outs: list[tuple[int, ...]], given: Mapping[str, Any]) -> int:
    return prod(ins[0]) * prod(ins[1][1:])


def _gemm(ins: list[tuple[int, ...]], outs: list[tuple[int, ...]], given: Mapping[str, Any]) -> int:
    return prod(outs[0]) * ins[0][0 if given.get("transA") else 1]


def _matmul(ins: list[tuple[int, ...]], outs: list[tuple[int, ...]], given: Mapping[str, Any]) -> int:
    return prod(outs[0]) * ins[0][-1]


def _recurrent(gates: int) -> Rule:
    def rule(ins: list[tuple[int, ...]], outs: list[tuple[int, ...]], given: Mapping[str, Any]) -> int:
        steps, batch, features = ins[0]
        directions, _, units = ins[2]
        return steps * batch * directions * gates * units * (features + units)

    return rule


def _einsum(ins: list[tuple[int, ...]], outs: list[tuple[int, ...]], given: Mapping[str, Any]) -> int:
    """The product of all indices, if some are summed over."""
    left, _, right = given["equation"].decode().replace(" ", "").partition("->")
    sizes: dict[str, int] = {}
    for letters, shape in zip(left.split(","), ins):
        sizes.update(zip(letters, shape))
    return prod(sizes.values()) if set(sizes) - set(right) and len(ins) > 1 else 0


def _attention(ins: list[tuple[int, ...]], outs: list[tuple[int, ...]], given: Mapping[str, Any]) -> int:
    """Scores and their sums: [N, heads, T, D], or [N, T, heads * D]."""
    query, key, value = ins[:3]
    heads = query[1] if len(query) == 4 else given["q_num_heads"]
    width, own = (query[3], value[3]) if len(query) == 4 else (query[2] // heads, value[2] // given["kv_num_heads"])
    return query[0] * heads * query[-2] * key[-2] * (width + own)


MACS: dict[str, Rule] = {
    "Conv": _conv, "ConvInteger": _conv, "ConvTranspose": _conv_transpose, "Gemm": _gemm, "MatMul": _matmul,
    "MatMulInteger": _matmul, "LSTM": _recurrent(4), "GRU": _recurrent(3), "RNN": _recurrent(1), "Einsum": _einsum,
    "Attention": _attention,
}  # fmt: skip
