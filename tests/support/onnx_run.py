"""Graphs of an ONNX model as ONNX Runtime runs them, with every value: of branches the one that is taken, of loops each
run of the body. What a graph within the graph computes is found by running it as a model of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

Array = np.ndarray[Any, Any]
Values = dict[str, Array]


class Run(NamedTuple):
    """One run of a graph. ``key`` is the way to it, the outputs of the loops that hold it; ``again``: a later run."""

    key: tuple[str, ...]
    nodes: Sequence[onnx.NodeProto]
    """Those of branches that are taken stand in the places of their ``If``."""
    stored: frozenset[str]
    """What the graph, and branches in it, have stored."""
    values: Values
    passed: Mapping[str, str]
    """What enters the graph and is the same in all runs -> its name outside."""
    again: bool


class Runner:
    """A graph as a session that gives every value."""

    def __init__(self, model: onnx.ModelProto) -> None:
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
        self.session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self.names = [one.name for one in self.session.get_outputs()]
        self.stored = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}

    def run(self, inputs: Mapping[str, Array]) -> Values:
        """The values of a run, constants included."""
        found = self.session.run(self.names, dict(inputs))
        return {**self.stored, **inputs, **{name: np.asarray(value) for name, value in zip(self.names, found)}}


class Body:
    """A graph within a graph, to be run with what it takes and with values from outside."""

    def __init__(self, model: onnx.ModelProto, graph: onnx.GraphProto, outside: Values) -> None:
        self.model, self.graph = model, graph
        self.takes = [one.name for one in graph.input]
        self.outside = {name: outside[name] for name in sorted(taken(graph)) if name in outside}
        self._runner: Runner | None = None

    def run(self, given: Sequence[Array]) -> Values:
        """All values of a run."""
        inputs = {**self.outside, **dict(zip(self.takes, given, strict=True))}
        if not self.graph.node:
            return {**inputs, **{one.name: numpy_helper.to_array(one) for one in self.graph.initializer}}
        self._runner = self._runner or Runner(self._alone(inputs))
        return self._runner.run(inputs)

    def outputs(self, values: Values) -> list[Array]:
        """The outputs among all values."""
        return [values[one.name] for one in self.graph.output]

    def _alone(self, inputs: Mapping[str, Array]) -> onnx.ModelProto:
        made = onnx.ModelProto(ir_version=self.model.ir_version, opset_import=self.model.opset_import)
        made.graph.name = "body"
        made.graph.node.extend(self.graph.node)
        made.graph.initializer.extend(self.graph.initializer)
        for name, value in inputs.items():
            type = helper.np_dtype_to_tensor_dtype(value.dtype)
            made.graph.input.append(helper.make_tensor_value_info(name, type, [None] * value.ndim))
        return made


def graphs(node: onnx.NodeProto) -> dict[str, onnx.GraphProto]:
    """The graphs that a node has, by attribute."""
    return {one.name: one.g for one in node.attribute if one.HasField("g")}


def taken(graph: onnx.GraphProto) -> set[str]:
    """The names that a graph, or a graph within it, takes from outside."""
    names = {name for node in graph.node for name in node.input} | {one.name for one in graph.output}
    names |= {name for node in graph.node for inner in graphs(node).values() for name in taken(inner)}
    own = {name for node in graph.node for name in node.output}
    return names - own - {one.name for one in (*graph.input, *graph.initializer)} - {""}


def runs(model: onnx.ModelProto, inputs: Mapping[str, Array]) -> Iterator[Run]:
    """Every run of every graph of a model, an outer one before those within it."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    yield from _within(model, model.graph, (), Runner(made).run(inputs), {}, False)


def _within(
    model: onnx.ModelProto, graph: onnx.GraphProto, key: tuple[str, ...], values: Values, passed: Mapping[str, str], again: bool
) -> Iterator[Run]:  # fmt: skip
    """A run, and those of the loops in it."""
    flat = Flat(model, graph, values)
    yield Run(key, flat.nodes, frozenset(flat.stored), values, passed, again)
    for node in flat.nodes:
        if graphs(node):
            body = graphs(node)["body"]
            for i, (one, same) in enumerate(LOOPS[node.op_type](model, node, values)):
                yield from _within(model, body, (*key, node.output[0]), one, same, again or i > 0)


class Flat:
    """The nodes of a graph with those of the branches that are taken; their values are added to the graph's."""

    def __init__(self, model: onnx.ModelProto, graph: onnx.GraphProto, values: Values) -> None:
        self.model, self.values = model, values
        self.nodes: list[onnx.NodeProto] = []
        self.stored = {one.name for one in graph.initializer}
        for node in graph.node:
            self._add(node)

    def _add(self, node: onnx.NodeProto) -> None:
        if node.op_type != "If":
            self.nodes.append(node)
            return
        taken_one = bool(self.values[node.input[0]].ravel()[0])
        branch = graphs(node)["then_branch" if taken_one else "else_branch"]
        found = Body(self.model, branch, self.values).run([])
        own = {one.name for one in branch.initializer} | {name for one in branch.node for name in one.output if name}
        called = {name: f"{node.output[0]}/{name}" if name in self.values else name for name in own}
        self.values.update((called[name], found[name]) for name in own)
        self.stored.update(called[one.name] for one in branch.initializer)
        for one in branch.node:
            self._add(_renamed(one, called))
        for name, port in zip(node.output, branch.output):
            self._add(helper.make_node("Identity", [called.get(port.name, port.name)], [name]))


def _renamed(node: onnx.NodeProto, called: Mapping[str, str]) -> onnx.NodeProto:
    """The node with other names; a graph in it sees its values under these, too."""
    made = onnx.NodeProto()
    made.CopyFrom(node)
    made.input[:] = [called.get(name, name) for name in node.input]
    made.output[:] = [called.get(name, name) for name in node.output]
    for inner in graphs(made).values():
        own = {one.name for one in (*inner.input, *inner.initializer)} | {n for one in inner.node for n in one.output}
        free = {name: new for name, new in called.items() if name not in own}
        nodes = [_renamed(one, free) for one in inner.node]
        del inner.node[:]
        inner.node.extend(nodes)
        for port in inner.output:
            port.name = free.get(port.name, port.name)
    return made


Made = tuple[Values, Mapping[str, str]]


def _loop(model: onnx.ModelProto, node: onnx.NodeProto, seen: Values) -> Iterator[Made]:
    graph = graphs(node)["body"]
    body = Body(model, graph, seen)
    most = int(seen[node.input[0]].ravel()[0]) if node.input[0] else None
    go = bool(seen[node.input[1]].ravel()[0]) if len(node.input) > 1 and node.input[1] else True
    states = [seen[name] for name in node.input[2:]]
    passed = _same(graph, 2, 1, node.input[2:])
    done = 0
    while go and (most is None or done < most):
        values = body.run([np.array(done, np.int64), np.array(True), *states])
        yield values, passed
        after = body.outputs(values)
        go, states, done = bool(after[0].ravel()[0]), after[1 : 1 + len(states)], done + 1


def _scan(model: onnx.ModelProto, node: onnx.NodeProto, seen: Values) -> Iterator[Made]:
    given = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    graph, count = given["body"], given["num_scan_inputs"]
    body = Body(model, graph, seen)
    entering = [seen[name] for name in node.input]
    states, cut = entering[: len(entering) - count], entering[len(entering) - count :]
    axes = given.get("scan_input_axes") or [0] * count
    back = given.get("scan_input_directions") or [0] * count
    passed = _same(graph, 0, 0, node.input[: len(states)])
    for i in range(cut[0].shape[axes[0]]):
        slices = [np.take(one, -1 - i if turned else i, axis) for one, axis, turned in zip(cut, axes, back)]
        values = body.run([*states, *slices])
        yield values, passed
        states = body.outputs(values)[: len(states)]


LOOPS = {"Loop": _loop, "Scan": _scan}


def _same(graph: onnx.GraphProto, first: int, out: int, names: Sequence[str]) -> dict[str, str]:
    """The states that the body hands on as they are, with their names outside."""
    behind = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Identity"}
    found = {}
    for i, name in enumerate(names):
        at = graph.output[out + i].name
        while at in behind:
            at = behind[at]
        if at == graph.input[first + i].name:
            found[at] = name
    return found
