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
    _check(graph, set(), set(), {})
    return graph


def _check(graph: Graph, names: set[str], paths: set[str], parameters: dict[str, Parameter]) -> None:
    """Check a graph or a body, which shares its names with the graph that it is in, but no value."""
    defined: set[Value] = set(graph.inputs)
    for value in graph.inputs:
        _fresh(value.name, names)
    for node in graph.nodes:
        if node.path in paths:
            raise BrokenGraphError(f"two nodes have the path {node.path}")
        paths.add(node.path)
        for value in node.inputs:
            if value not in defined:
                raise BrokenGraphError(f"{node.path} uses {value.name} before it is made")
        _check_types(node)
        if node.body is not None:
            _check_body(node, node.body)
            _check(node.body, names, paths, parameters)
        _check_parameters(node, parameters)
        for value in node.outputs:
            _fresh(value.name, names)
            defined.add(value)
    for name, value in graph.outputs.items():
        if value not in defined:
            raise BrokenGraphError(f"the output {name} is not made by the graph")


def _fresh(name: str, names: set[str]) -> None:
    if name in names:
        raise BrokenGraphError(f"two values are called {name}")
    names.add(name)


def _check_types(node: Node) -> None:
    derived = node.op.shape(*(value.type for value in node.inputs))
    actual = tuple(value.type for value in node.outputs)
    if derived != actual:
        raise BrokenGraphError(f"{node.path} gives {derived} by its rule, but is recorded as {actual}")


def _check_body(node: Node, body: Graph) -> None:
    if not node.op.holds_graph:
        raise BrokenGraphError(f"{node.path} holds a graph, which {node.op.name} does not")
    entering = node.op.enters([value.type for value in node.inputs])
    actual = tuple(value.type for value in body.inputs)
    if entering != actual:
        raise BrokenGraphError(f"the body of {node.path} gets {entering}, but takes {actual}")
    given = tuple(value.type for value in body.outputs.values())
    if given != node.op.leaves():
        raise BrokenGraphError(f"the body of {node.path} gives {given}, but is recorded to give {node.op.leaves()}")
    if node.params != body.parameters():
        raise BrokenGraphError(f"{node.path} does not own the parameters of its body")


def _check_parameters(node: Node, known: dict[str, Parameter]) -> None:
    if node.op.holds_graph:
        if node.body is None:
            raise BrokenGraphError(f"{node.path} holds no graph")
        return
    wanted = {(w.slot or "value", w.shape) for w in node.op.weights(*(value.type for value in node.inputs))}
    owned = {(slot, p.type.shape) for slot, p in node.params.items()}
    if wanted != owned:
        raise BrokenGraphError(f"{node.path} owns {sorted(owned)}, but its operator needs {sorted(wanted)}")
    for parameter in node.params.values():
        if known.setdefault(parameter.path, parameter) != parameter:
            raise BrokenGraphError(f"two different parameters are called {parameter.path}")
