"""Renaming: whether two networks are one network under other names, by an isomorphism of their graphs.

Both graphs are coloured in two walks, so that vertices of one colour are made from the same by the same, and used for
the same. Networks that differ in a colour are not the same, and that is found in linear time; so is the usual case that
the operators stand in the same order. Where they do not (branches were exchanged), networkx searches among vertices of
one colour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING

from archdsl.graph import Graph, Node, Value

if TYPE_CHECKING:
    from networkx import DiGraph

MOST = 20_000
"""Operators up to which networkx searches: it takes about half a millisecond for each."""

Vertex = Hashable
"""An operator, an input, a shared parameter's path, or an operand (node, position) where an operator has several."""


def renamed(old: Graph, new: Graph) -> dict[str, str] | None:
    """The paths of the newer network's operators by those of the older one, if both are one network under other names.

    The same operators with the same arguments and types, wired alike, with inputs, outputs and shared parameters in the
    same places. ``None`` where they are not the same (or may be, but stand in another order and are more than
    :data:`MOST`).
    """
    if len(old.nodes) != len(new.nodes):
        return None
    known: dict[Hashable, int] = {}
    a, b = _coloured(old, known), _coloured(new, known)
    if Counter(a.values()) != Counter(b.values()):
        return None
    if _in_order(old, new):
        return _paths(zip(old.nodes, new.nodes))
    if len(old.nodes) > MOST:
        return None
    from networkx import vf2pp_isomorphism

    found = vf2pp_isomorphism(_wires(old, a), _wires(new, b), node_label="colour")
    if found is None:
        return None
    return _paths((node, found[node]) for node in old.nodes)


def _paths(pairs: Iterable[tuple[Node, Node]]) -> dict[str, str]:
    """The paths of operators that correspond; those in bodies correspond in their order."""
    found: dict[str, str] = {}
    for x, y in pairs:
        if x.body is not None and y.body is not None:
            found |= _paths(zip(x.body.nodes, y.body.nodes))
        found[x.path] = y.path
    return found


def _in_order(old: Graph, new: Graph) -> bool:
    """Whether the operators of both correspond in their order."""
    parameters: dict[str, str] = {}
    return _alike(old, new, parameters) and len(set(parameters.values())) == len(parameters)


def _alike(old: Graph, new: Graph, parameters: dict[str, str]) -> bool:
    """The same of a graph or a body; adds the paths of the parameters that correspond."""
    if len(old.nodes) != len(new.nodes) or len(old.inputs) != len(new.inputs):
        return False
    values: dict[Value, Value] = dict(zip(old.inputs, new.inputs))
    for x, y in zip(old.nodes, new.nodes):
        if (x.op, [v.type for v in x.outputs]) != (y.op, [v.type for v in y.outputs]):
            return False
        if x.body is not None or y.body is not None:
            if x.body is None or y.body is None or [values[value] for value in x.inputs] != list(y.inputs):
                return False
            if not _alike(x.body, y.body, parameters):
                return False
            values.update(zip(x.outputs, y.outputs))
            continue
        if [values[value] for value in x.inputs] != list(y.inputs) or list(x.params) != list(y.params):
            return False
        for slot, parameter in x.params.items():
            other = y.params[slot]
            if parameters.setdefault(parameter.path, other.path) != other.path:
                return False
        values.update(zip(x.outputs, y.outputs))
    return [values[v] for v in old.outputs.values()] == list(new.outputs.values())


def _coloured(graph: Graph, known: dict[Hashable, int]) -> dict[Node | Value, int]:
    """A colour for each input and operator; ``known`` numbers what colours stand for, and is shared by both graphs."""
    shared = _shared(graph)
    made: dict[Value, int] = {}
    down: dict[Node | Value, int] = {}
    for place, value in enumerate(graph.inputs):
        down[value] = made[value] = known.setdefault(("input", place, value.type), len(known))
    for node in graph.nodes:
        parameters: object = tuple((slot, p.trainable, p.path in shared) for slot, p in node.params.items())
        if node.body is not None:
            parameters = _written(node.body, shared)
        types = tuple(value.type for value in node.outputs)
        key = ("node", node.op, types, parameters, tuple(made[value] for value in node.inputs))
        down[node] = colour = known.setdefault(key, len(known))
        for value in node.outputs:
            made[value] = known.setdefault(("result", colour, value.index), len(known))
    used: dict[Node | Value, list[tuple[int, int, int]]] = {vertex: [] for vertex in down}
    for place, value in enumerate(graph.outputs.values()):
        used[_maker(value)].append((-1, place, value.index))
    up: dict[Node | Value, int] = {}
    for vertex in reversed(down):
        up[vertex] = known.setdefault(("used", down[vertex], *sorted(used[vertex])), len(known))
        if isinstance(vertex, Node):
            for slot, value in enumerate(vertex.inputs):
                used[_maker(value)].append((up[vertex], slot, value.index))
    return up


def _written(body: Graph, shared: set[str]) -> Hashable:
    """A body without its names: equal for bodies that do the same in the same order."""
    number: dict[Value, int] = {value: i for i, value in enumerate(body.inputs)}
    lines: list[Hashable] = []
    for node in body.nodes:
        owned: Hashable = tuple((slot, p.trainable, p.path in shared) for slot, p in node.params.items())
        if node.body is not None:
            owned = _written(node.body, shared)
        lines.append((node.op, owned, tuple(number[value] for value in node.inputs)))
        for value in node.outputs:
            number[value] = len(number)
    return tuple(lines), tuple(number[value] for value in body.outputs.values())


def _maker(value: Value) -> Node | Value:
    return value if value.producer is None else value.producer


def _shared(graph: Graph) -> set[str]:
    """The paths of parameters that several operators own."""
    nodes = [node for node in graph.all_nodes() if node.body is None]
    owners = Counter(p.path for node in nodes for p in node.params.values())
    return {path for path, count in owners.items() if count > 1}


def _wires(graph: Graph, colours: dict[Node | Value, int]) -> DiGraph[Vertex]:
    """The graph for networkx, which knows colours of vertices and nothing of wires: places of operands are vertices."""
    from networkx import DiGraph

    view: DiGraph[Vertex] = DiGraph()
    for vertex, colour in colours.items():
        view.add_node(vertex, colour=colour)
    shared = _shared(graph)
    for node in graph.nodes:
        for slot, value in enumerate(node.inputs):
            if len(node.inputs) == 1 and value.index == 0:
                view.add_edge(_maker(value), node)
                continue
            view.add_node((node, slot), colour=("operand", slot, value.index))
            view.add_edge(_maker(value), (node, slot))
            view.add_edge((node, slot), node)
        for name, parameter in node.params.items():
            if parameter.path in shared:
                view.add_node(parameter.path, colour=("parameter", name))
                view.add_edge(parameter.path, node)
    return view
