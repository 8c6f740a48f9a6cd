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
from onnx import inliner
from onnx_run import Array, Run, graphs, runs

WEIGHTS: dict[str, tuple[int, ...]] = {
    "Conv": (1, 2), "ConvTranspose": (1, 2), "Gemm": (1, 2), "MatMul": (0, 1), "BatchNormalization": (1, 2),
    "LayerNormalization": (1, 2), "InstanceNormalization": (1, 2), "GroupNormalization": (1, 2), "PRelu": (1,),
    "RMSNormalization": (1,), "Gather": (0,), "LSTM": (1, 2, 3, 7), "GRU": (1, 2, 3), "RNN": (1, 2, 3), "Add": (0, 1), "Mul": (0, 1),
    "Sub": (0, 1), "Div": (0, 1), "Concat": tuple(range(64)), "Expand": (0,), "Where": (1, 2), "Einsum": (0, 1), "Pow": (0,),
}  # fmt: skip
"""The inputs of operators at which weights stand."""
NORMS = frozenset({"BatchNormalization", "LayerNormalization", "InstanceNormalization", "GroupNormalization"})
"""They must be given a scale and, but for one, a shift: exporters write ones and zeros where the layer has none."""
LAYERS = NORMS | {"Conv", "ConvTranspose", "Gemm", "LSTM", "GRU", "RNN", "PRelu", "RMSNormalization"}
"""Here a tensor of one element is a weight, too: the bias of one channel."""
VIEWS = frozenset({"Transpose", "Reshape", "Unsqueeze", "Squeeze", "Flatten", "Identity", "Cast"})
ANGLES = frozenset({"Sin", "Cos"})
"""What is made of positions that exporters write out: no parameters."""
RANDOM = frozenset({"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike"})

Shapes = Mapping[str, tuple[int, ...]]


def counted(path: Path, inputs: Mapping[str, Array]) -> tuple[int, int]:
    """Parameters and MACs with these inputs: of branches the one that is taken, of loops each run."""
    return measured(path, inputs)[:2]


def measured(path: Path, inputs: Mapping[str, Array]) -> tuple[int, int, dict[str, tuple[int, ...]]]:
    """The same, and the shapes of all results of nodes by name, those of loops' bodies excepted."""
    macs = 0
    found: dict[str, tuple[int, ...]] = {}
    constants: dict[tuple[str, ...], Constants] = {}
    weights: dict[str, int] = {}
    for run in runs(inliner.inline_local_functions(onnx.load(str(path))), inputs):
        if not run.again:
            constants[run.key] = Constants(weights, run, constants[run.key[:-1]] if run.key else None)
        shapes = {name: value.shape for name, value in run.values.items()}
        macs += sum(_macs(node, shapes) for node in run.nodes)
        if not run.key:
            found.update((name, shapes[name]) for node in run.nodes for name in node.output if name in shapes)
    return sum(weights.values()), macs, found


class Constants:
    """What is constant in one graph. Elements of those that are weights are put into ``weights``, by where they are stored."""

    def __init__(self, weights: dict[str, int], run: Run, outside: Constants | None) -> None:
        self.weights = weights
        self.values = run.values
        self.source: dict[str, str] = {}
        """Of constants: the stored one that it is a view of, or itself."""
        self.fixed: set[str] = set()
        self.real: set[str] = set()
        self.most: dict[str, int] = {}
        """Elements of the stored constants that one is computed from: repeated rows are no more parameters."""
        if outside is not None:
            self._take(outside, {**{name: name for name in run.values}, **run.passed})
        for name in run.stored:
            self.fixed.add(name)
            self.source[name] = "/".join([*run.key, name])
            if run.values[name].dtype.kind == "f":
                self.real.add(name)
                self.most[name] = run.values[name].size
        for node in run.nodes:
            if not graphs(node):
                self._node(node, "/".join([*run.key, ""]))

    def _take(self, outside: Constants, names: Mapping[str, str]) -> None:
        """Constants around the graph, and those that enter it as states which do not change."""
        for inside, name in names.items():
            if name in outside.fixed:
                self.fixed.add(inside)
                self.source[inside] = outside.source.get(name, name)
            if name in outside.real:
                self.real.add(inside)
                self.most[inside] = outside.most.get(name, self.values[inside].size)

    def _node(self, node: onnx.NodeProto, home: str) -> None:
        given = [name for name in node.input if name]
        found = self.values
        if node.op_type not in RANDOM and all(name in self.fixed for name in given) and not _looks_up(node, found):
            self.fixed.update(node.output)
            numbers = [
                name for name in set(given) if name in self.real and found[name].dtype.kind == "f"
            ]  # no positions
            if node.op_type not in ANGLES and (node.op_type == "Constant" or numbers):
                self.real.update(node.output)
            behind = sum(self.most.get(name, 0) for name in numbers) or 1 << 62
            self.most.update((out, min(found[out].size, behind)) for out in node.output if out in found)
            view = node.op_type in VIEWS and given
            self.source.update((out, self.source[given[0]] if view else home + out) for out in node.output)
            if node.op_type not in NORMS:
                return  # scale and shift of a norm are weights, of what is weights, too
        for place in WEIGHTS.get(node.op_type, ()):
            name = node.input[place] if place < len(node.input) else ""
            if name not in self.real or (node.op_type in NORMS and np.all(found[name] == 2 - place)):
                continue
            if node.op_type in LAYERS or (self.most.get(name, 2) > 1 and _is_weight(found[name])):
                self.weights[self.source[name]] = self.most.get(name, found[name].size)


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
