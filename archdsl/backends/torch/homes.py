"""Where the parameters of a foreign model live in a module: in the layer that uses them.

In a network of ours a parameter's path is its layer's with the slot behind it, and this changes nothing. Other files
call parameters as they like, and let layers of different kinds share one: then the first that uses it keeps it, and the
others are tied to it, as PyTorch has it (``self.head.weight = self.embed.weight``).
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence

from archdsl.graph import Graph, Node, Parameter, Value
from archdsl.tape.rebuild import rebuilt
from archdsl.weights.tensor import Loaded

Ties = Mapping[str, str]
"""Path of a parameter -> the path of the one that it is."""


def settled(graph: Graph, reserved: frozenset[str]) -> tuple[Graph, Ties]:
    """The graph with its parameters under paths that a module can have, and which of them are one.

    ``reserved`` are names that no module may have.
    """
    nodes = [node for node in graph.all_nodes() if node.params and node.body is None]
    if _ours(nodes, reserved):
        return graph, {}
    homes = _Homes(nodes, reserved)

    def change(node: Node, inputs: Sequence[Value]) -> Node:
        params = homes.params.get(node.path, {})
        types = [value.type for value in node.outputs]
        return Node(node.op, inputs, types, free(node.path, reserved), params, node.origin)

    return rebuilt(graph, change), homes.ties


def _ours(nodes: Sequence[Node], reserved: frozenset[str]) -> bool:
    """Whether the paths of all parameters say where their layers are, and a layer is one operator wherever it is used.

    A name that no module may have is told of a network of ours, where it can be changed.
    """
    layers: dict[str, Hashable] = {}
    for node in nodes:
        if any(isinstance(one.init, Loaded) for one in node.params.values()) and free(node.path, reserved) != node.path:
            return False
        if node.op.role == "source":
            continue
        owners = {
            one.path.removesuffix(f".{slot}") for slot, one in node.params.items() if one.path.endswith(f".{slot}")
        }
        if len(owners) != 1 or any(not one.path.endswith(f".{slot}") for slot, one in node.params.items()):
            return False
        if layers.setdefault(owners.pop(), node.op) != node.op:
            return False
    return True


def free(path: str, reserved: frozenset[str]) -> str:
    """A path without names that no module may have."""
    return ".".join([f"{part}_" if part in reserved else _NOT_OF_NAMES.sub("_", part) for part in path.split(".")])


_NOT_OF_NAMES = re.compile(r"\W+")


class _Homes:
    """Layers first, so that a parameter by itself is read where a layer has it."""

    def __init__(self, nodes: Sequence[Node], reserved: frozenset[str]) -> None:
        self.reserved = reserved
        self.params: dict[str, dict[str, Parameter]] = {}
        """Path of a node -> its parameters."""
        self.ties: dict[str, str] = {}
        self._kept: dict[int, Parameter] = {}
        """Parameters as the model has them -> as the module has them."""
        self._owners: dict[Hashable, dict[str, Parameter]] = {}
        """Layers that are one: equal operators with the same parameters."""
        self._layers: set[str] = set()
        self._alone: set[str] = set()
        sources = [node for node in nodes if node.op.role == "source"]
        layers = [node for node in nodes if node.op.role != "source"]
        for node in sorted(layers, key=lambda node: node.path.count(".")):  # outer layers keep their names
            self._layer(node)
        for node in sources:
            self._source(node)

    def _layer(self, node: Node) -> None:
        key = (node.op, *((slot, id(parameter)) for slot, parameter in sorted(node.params.items())))
        if key not in self._owners:
            owner = self._place(node.path)
            self._layers.add(owner)
            self._owners[key] = {slot: self._own(one, f"{owner}.{slot}") for slot, one in node.params.items()}
        self.params[node.path] = self._owners[key]

    def _own(self, parameter: Parameter, path: str) -> Parameter:
        made = parameter.replace(path=path)
        if id(parameter) in self._kept:
            self.ties[path] = self._kept[id(parameter)].path
        else:
            self._kept[id(parameter)] = made
        return made

    def _source(self, node: Node) -> None:
        ((slot, parameter),) = node.params.items()
        if id(parameter) not in self._kept:
            path = self._place(node.path)
            self._alone.add(path)
            self._kept[id(parameter)] = parameter.replace(path=path)
        self.params[node.path] = {slot: self._kept[id(parameter)]}

    def _place(self, path: str) -> str:
        """The path, beside a layer that it would lie in."""
        parts = free(path, self.reserved).split(".")
        for count in range(1, len(parts)):
            if ".".join(parts[:count]) in self._layers:
                parts = [*parts[: count - 1], "_".join(parts[count - 1 :])]
                break
        name, found, number = ".".join(parts), ".".join(parts), 1
        while found in self._layers or found in self._alone:
            number += 1
            found = f"{name}_{number}"
        return found
