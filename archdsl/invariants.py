"""The graph's invariants, derived again from the graph alone; every pass must keep them.

Sizes, parameters and order are computed afresh from the operators' rules, so that a pass that forgets to update one of
them is caught here and not on the device.
"""

from __future__ import annotations

from archdsl.graph import Graph, Node, Parameter, Value


class BrokenGraphError(Exception):
    """A graph that breaks an invariant: a fault of the compiler, never of the text."""


def check(graph: Graph) -> Graph:
    """Return the graph if it keeps every invariant; raise :class:`BrokenGraphError` otherwise."""
    defined: set[Value] = set(graph.inputs)
    names: set[str] = set()
    for value in graph.inputs:
        _fresh(value.name, names)
    paths: set[str] = set()
    parameters: dict[str, Parameter] = {}
    for node in graph.nodes:
        if node.path in paths:
            raise BrokenGraphError(f"two nodes have the path {node.path}")
        paths.add(node.path)
        for value in node.inputs:
            if value not in defined:
                raise BrokenGraphError(f"{node.path} uses {value.name} before it is made")
        _check_types(node)
        _check_parameters(node, parameters)
        for value in node.outputs:
            _fresh(value.name, names)
            defined.add(value)
    for name, value in graph.outputs.items():
        if value not in defined:
            raise BrokenGraphError(f"the output {name} is not made by the graph")
    return graph


def _fresh(name: str, names: set[str]) -> None:
    if name in names:
        raise BrokenGraphError(f"two values are called {name}")
    names.add(name)


def _check_types(node: Node) -> None:
    derived = node.op.shape(*(value.type for value in node.inputs))
    actual = tuple(value.type for value in node.outputs)
    if derived != actual:
        raise BrokenGraphError(f"{node.path} gives {derived} by its rule, but is recorded as {actual}")


def _check_parameters(node: Node, known: dict[str, Parameter]) -> None:
    wanted = {(w.slot or "value", w.shape) for w in node.op.weights(*(value.type for value in node.inputs))}
    owned = {(slot, p.type.shape) for slot, p in node.params.items()}
    if wanted != owned:
        raise BrokenGraphError(f"{node.path} owns {sorted(owned)}, but its operator needs {sorted(wanted)}")
    for parameter in node.params.values():
        if known.setdefault(parameter.path, parameter) != parameter:
            raise BrokenGraphError(f"two different parameters are called {parameter.path}")
