"""Removal of operators whose results are not needed."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.graph import Graph, Node, Value


def drop_dead(graph: Graph) -> Graph:
    """The graph without nodes that reach no output, also inside of bodies; taps on them go too. Inputs stay: they are
    the interface. What a body no longer reads is no longer captured.
    """
    needed = set(graph.outputs.values())
    kept: list[Node] = []
    bodies: dict[Node, tuple[Sequence[Value], Graph]] = {}
    for node in reversed(graph.nodes):
        if not any(value in needed for value in node.outputs):
            continue
        kept.append(node)
        inputs: Sequence[Value] = node.inputs
        if node.body is not None:
            inputs, inner = _pruned(node, node.body)
            if inner is not node.body:
                bodies[node] = inputs, inner
        needed.update(inputs)
    if len(kept) == len(graph.nodes) and not bodies:
        return graph
    new: dict[Value, Value] = {}
    nodes = [_again(node, new, bodies) for node in reversed(kept)] if bodies else kept[::-1]
    alive = needed | set(graph.inputs) | {value for node in kept for value in node.outputs}
    taps = {name: new.get(value, value) for name, value in graph.taps.items() if value in alive}
    outputs = {name: new.get(value, value) for name, value in graph.outputs.items()}
    return graph.rewired(graph.inputs, nodes, outputs, taps)


def _pruned(node: Node, body: Graph) -> tuple[Sequence[Value], Graph]:
    """The inputs of a node, and its body, without what is not needed."""
    body = drop_dead(body)
    used = {value for inner in body.nodes for value in inner.inputs} | set(body.outputs.values())
    first = node.op.first_captured
    pairs = [pair for i, pair in enumerate(zip(node.inputs, body.inputs)) if i < first or pair[1] in used]
    if len(pairs) == len(body.inputs):
        return node.inputs, body
    return [outer for outer, _ in pairs], body.rewired([v for _, v in pairs], body.nodes, body.outputs, body.taps)


def _again(node: Node, new: dict[Value, Value], bodies: dict[Node, tuple[Sequence[Value], Graph]]) -> Node:
    """The node, made again where its body or one of its inputs is another one."""
    inputs, body = bodies.get(node, (node.inputs, node.body))
    if body is node.body and not any(value in new for value in inputs):
        return node
    params = node.params if body is None else body.parameters()
    types = [value.type for value in node.outputs]
    made = Node(node.op, [new.get(value, value) for value in inputs], types, node.path, params, node.origin, body)
    new.update(zip(node.outputs, made.outputs))
    return made
