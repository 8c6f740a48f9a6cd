"""The typed IR: values, nodes in order of use, and nothing else.

Combinators leave edges and provenance; none of them is in here. A value has its type from birth.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from importlib import import_module
from typing import TYPE_CHECKING

from archdsl.dims import Symbol, limits
from archdsl.ops.base import Initializer, Op
from archdsl.record import Record
from archdsl.shapes import Shape, TensorType
from archdsl.shown import Verbatim
from archdsl.source import Origin

if TYPE_CHECKING:
    import networkx

    from archdsl.interface import Preprocess


class Parameter(Record):
    """One tensor of weights. ``path`` is its identity; shared parameters are one object."""

    path: str
    type: TensorType
    init: Initializer
    buffer: bool = False
    """State that is not learned by gradient descent: running statistics."""
    trainable: bool = True
    """``False`` for buffers and for what the spec declares ``frozen``."""


class Stored(Record):
    """How a checkpoint keeps a parameter: as ``name``, in ``shape``. With an ``order`` its axis i is the parameter's
    axis ``order[i]``; without one it has the parameter's elements in the same order.
    """

    name: str
    shape: Shape
    order: tuple[int, ...] = ()


NameMap = Callable[[Mapping[str, Parameter]], Mapping[str, Stored]]
"""Parameters by path -> how the checkpoints of a framework keep them."""


_PLAIN = re.compile(r"[^\s\"=%,(){}\\]+")


def shown(name: str) -> str:
    """The name of a value as the text of a graph has it: ``%conv``, ``%"a name"``."""
    if _PLAIN.fullmatch(name):
        return f"%{name}"
    from json import dumps  # hardly any name needs it

    return f"%{dumps(name, ensure_ascii=False)}"


class Value:
    """One tensor: the result of a node, or an input of the graph. Compared by identity."""

    __slots__ = ("index", "name", "producer", "type")

    def __init__(self, name: str, type: TensorType, producer: Node | None = None, index: int = 0) -> None:
        self.name = name
        self.type = type
        self.producer = producer
        self.index = index

    def __repr__(self) -> str:
        return f"{shown(self.name)}: {self.type}"


class Node:
    """One application of an operator. ``path`` is unique in a graph, and stable under edits elsewhere.

    ``body`` is the graph that the node holds, if its operator does (:attr:`~archdsl.ops.base.Op.holds_graph`): one
    input for each input of the node, no value from outside. Its parameters are the node's, by their paths.
    """

    __slots__ = ("body", "inputs", "op", "origin", "outputs", "params", "path")

    def __init__(
        self,
        op: Op,
        inputs: Sequence[Value],
        types: Sequence[TensorType],
        path: str,
        params: Mapping[str, Parameter],
        origin: Origin,
        body: Graph | None = None,
    ) -> None:
        self.op = op
        self.inputs = tuple(inputs)
        self.path = path
        self.params = dict(params)
        self.origin = origin
        self.body = body
        if len(types) == 1:
            self.outputs: tuple[Value, ...] = (Value(path, types[0], self),)
        else:
            self.outputs = tuple([Value(f"{path}.{i}", t, self, i) for i, t in enumerate(types)])

    def __repr__(self) -> str:
        ins = ", ".join(shown(v.name) for v in self.inputs)
        outs = ", ".join(map(repr, self.outputs))
        return f"{outs} = {ins} -> {self.op!r}" if ins else f"{outs} = {self.op!r}"


class Graph(Verbatim):
    """A network with all its choices made: inputs, nodes in topological order, named outputs.

    ``taps`` are labelled results by path; ``defaults`` give the symbol values at which costs are reported;
    ``source_hash`` is of the texts it was made from (empty for graphs from Python); ``maps`` give the names of the
    parameters in the checkpoints of other frameworks; ``preprocess`` says by input how pictures enter, ``labels`` by
    output what its classes are called; ``states`` by input the output that enters there in the next call.
    """

    def __init__(
        self,
        name: str,
        inputs: Sequence[Value],
        nodes: Sequence[Node],
        outputs: Mapping[str, Value],
        *,
        taps: Mapping[str, Value] | None = None,
        defaults: Mapping[str, int] | None = None,
        doc: str = "",
        source_hash: str = "",
        maps: Mapping[str, NameMap] | None = None,
        preprocess: Mapping[str, Preprocess] | None = None,
        labels: Mapping[str, tuple[str, ...]] | None = None,
        states: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.inputs = tuple(inputs)
        self.nodes = tuple(nodes)
        self.outputs = dict(outputs)
        self.taps = dict(taps or {})
        self.defaults = dict(defaults or {})
        self.doc = doc
        self.source_hash = source_hash
        self.maps = dict(maps or {})
        self.preprocess = dict(preprocess or {})
        self.labels = dict(labels or {})
        self.states = dict(states or {})

    def rewired(
        self,
        inputs: Sequence[Value],
        nodes: Sequence[Node],
        outputs: Mapping[str, Value],
        taps: Mapping[str, Value],
    ) -> Graph:
        """Another graph for the same network: everything except its nodes is kept."""
        graph = copy(self)
        graph.inputs, graph.nodes = tuple(inputs), tuple(nodes)
        graph.outputs, graph.taps = dict(outputs), dict(taps)
        return graph

    def parameters(self) -> dict[str, Parameter]:
        """All parameters and buffers by path, shared ones once, in order of first use."""
        return {p.path: p for node in self.nodes for p in node.params.values()}

    def holders(self) -> list[Node]:
        """The nodes that hold a graph, those inside of others included."""
        found: list[Node] = []
        for node in self.nodes:
            if node.body is not None:
                found += [*node.body.holders(), node]
        return found

    def all_nodes(self) -> list[Node]:
        """Every node in order of use. Those of a body stand in front of the node that holds it; a value that they use
        may be an input of their body.
        """
        found: list[Node] = []
        for node in self.nodes:
            if node.body is not None:
                found += node.body.all_nodes()
            found.append(node)
        return found

    def symbols(self) -> list[Symbol]:
        """The symbols of the inputs, with their bounds, sorted."""
        return sorted({name for value in self.inputs for dim in value.type.shape for name in limits(dim)})

    def all_taps(self) -> dict[str, Value]:
        """The labelled results by path, those inside of bodies included."""
        found = dict(self.taps)
        for node in self.holders():
            if node.body is not None:
                found.update(node.body.taps)
        return found

    def values(self) -> list[Value]:
        """Inputs, then every node's outputs in order; the values of a body in front of those of its node."""
        found = list(self.inputs)
        for node in self.nodes:
            if node.body is not None:
                found += node.body.values()
            found += node.outputs
        return found

    def networkx(self) -> networkx.MultiDiGraph[str]:
        """A lens for algorithms: one vertex per graph input and node path, one edge per use of a value."""
        import networkx

        view: networkx.MultiDiGraph[str] = networkx.MultiDiGraph(name=self.name)
        for value in self.inputs:
            view.add_node(value.name, op="input", type=str(value.type))
        for node in self.nodes:
            view.add_node(node.path, op=node.op.name, type=", ".join(str(v.type) for v in node.outputs))
        for node in self.nodes:
            for slot, value in enumerate(node.inputs):
                start = value.producer.path if value.producer else value.name
                view.add_edge(start, node.path, value=value.name, slot=slot, type=str(value.type))
        return view

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """The picture of the network, which is drawn on a higher floor; else its text."""
        picture: str = import_module("archdsl.project.picture").draw(self).svg
        return {"text/plain": str(self), "image/svg+xml": picture}

    def __str__(self) -> str:
        lines = [f"graph {self.name}({', '.join(map(repr, self.inputs))}) {{"]
        for node in self.nodes:
            lines.append(f"  {node!r}")
            lines += [f"  {line}" for line in str(node.body).splitlines()] if node.body is not None else ()
        results = [f"{shown(name)[1:]} = {shown(value.name)}" for name, value in self.outputs.items()]
        lines += [f"  return {', '.join(results)}", "}"]
        return "\n".join(lines)
