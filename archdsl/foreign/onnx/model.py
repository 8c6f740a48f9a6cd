"""An ONNX model as it is written: graphs, nodes and attributes (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).

Tensors are places in the file. Nothing is understood here, and no operator is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from archdsl.weights.tensor import Tensor

Sizes = tuple[int | str, ...]
"""The sizes that a file declares: integers, names, and "" where it says nothing."""


class Port:
    """An input or output of a graph; of another kind than a tensor, ``dtype`` is empty and ``kind`` says which."""

    __slots__ = ("dtype", "kind", "name", "sizes")

    def __init__(self, name: str, dtype: str, sizes: Sizes | None, kind: str = "tensor") -> None:
        self.name = name
        self.dtype = dtype
        self.sizes = sizes
        self.kind = kind


class Reference:
    """An attribute of a node in a function that is the function's own attribute."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


NONE: Mapping[str, Any] = MappingProxyType({})
"""What many nodes have."""


class Node:
    """One node. ``attributes`` are numbers, bytes, tensors, graphs, and lists of them; ``notes`` are its exporter's."""

    __slots__ = ("attributes", "domain", "inputs", "name", "notes", "op", "outputs", "overload")

    def __init__(self) -> None:
        self.op = self.domain = self.name = self.overload = ""
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        self.attributes: Mapping[str, Any] = NONE
        self.notes: Mapping[str, str] = NONE


class Graph:
    """Nodes in the order of the file, with the tensors that are stored beside them."""

    __slots__ = ("initialisers", "inputs", "name", "nodes", "outputs", "values")

    def __init__(self) -> None:
        self.name = ""
        self.nodes: list[Node] = []
        self.initialisers: dict[str, Tensor] = {}
        self.inputs: list[Port] = []
        self.outputs: list[Port] = []
        self.values: list[Port] = []
        """What the file says of values inside."""


class Function:
    """An operator that the file defines by nodes of others."""

    __slots__ = ("defaults", "domain", "inputs", "name", "nodes", "opsets", "outputs", "overload")

    def __init__(self) -> None:
        self.name = self.domain = self.overload = ""
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        self.nodes: list[Node] = []
        self.defaults: dict[str, Any] = {}
        self.opsets: dict[str, int] = {}


class Model:
    """A whole file."""

    __slots__ = ("functions", "graph", "opsets", "producer")

    def __init__(self) -> None:
        self.graph: Graph | None = None
        self.producer = ""
        self.opsets: dict[str, int] = {}
        self.functions: dict[tuple[str, str, str], Function] = {}
