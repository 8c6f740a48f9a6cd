"""The shape of the graph itself: its depth, and the nodes that a value needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import lcm

from archdsl.analyses.at_binding import Bound
from archdsl.diagnostics import Refusal
from archdsl.dim_faults import to_give
from archdsl.dims import symbols
from archdsl.graph import Graph, Node, Value
from archdsl.ops.base import Work
from archdsl.ops.scan import Scan


def depths(nodes: Iterable[Node], bound: Bound) -> dict[Node, int]:
    """For every node (in order of use), the layers with weights on the longest path that ends with it.

    A layer with weights multiplies by parameters: convolutions, linear layers, and products with a raw parameter.
    Normalisations, learned activations and embeddings are none: ResNet-50 has depth 50 and DenseNet-121 has 121. What a
    ``scan`` holds counts as if its runs were written one behind the other. Refuses (E0307) a number of runs that is
    not known.
    """
    found: dict[Node, int] = {}
    known: dict[Value, int] = {}
    for node in nodes:
        _add(node, bound, known)
        found[node] = max(known[value] for value in node.outputs)
    return found


def _add(node: Node, bound: Bound, known: dict[Value, int]) -> None:
    """Add the depth of a node's results."""
    before = [known.get(value, 0) for value in node.inputs]
    if node.body is not None:
        known.update(zip(node.outputs, _unrolled(node, node.body, before, bound)))
        return
    deep = max(before, default=0) + _has_weights(node, bound.work(node))
    known.update(dict.fromkeys(node.outputs, deep))


def _unrolled(node: Node, body: Graph, before: Sequence[int], bound: Bound) -> list[int]:
    """The depths of a node's results, run by run. With ``s`` states the growth repeats itself after the first few runs,
    with a period that divides the least common multiple of 1 to ``s``: what is left is whole periods.
    """
    states = node.op.states if isinstance(node.op, Scan) else 0
    count = bound.op(node).runs(bound.types(node.inputs))
    if not states:
        return _one_run(body, before, bound)
    if not isinstance(count, int):
        name = min(symbols(count))
        message = f"the depth depends on `{name}`, the number of runs of `{node.path}`"
        raise Refusal("E0307", message, help=to_give([name]))
    period = lcm(*range(1, min(states, 6) + 1))
    now, history = [*before[:states]], [[*before[:states]]]
    for run in range(count):
        left = count - run
        if run > states + period and left % period == 0:
            turns = left // period
            return [deep + turns * (deep - was) for deep, was in zip(now, history[run - period])]
        now = _one_run(body, [*now[:states], *before[states:]], bound)
        history.append(now)
    return now


def _one_run(body: Graph, entering: Sequence[int], bound: Bound) -> list[int]:
    known = dict(zip(body.inputs, entering))
    for node in body.nodes:
        _add(node, bound, known)
    return [known[value] for value in body.outputs.values()]


def _has_weights(node: Node, work: Work | None) -> bool:
    if work is None or work.mac == 0:
        return False
    return bool(node.params) or any(v.producer is not None and _is_weight(v.producer) for v in node.inputs)


def _is_weight(node: Node) -> bool:
    return not node.inputs and bool(node.params)


def stands_for(graph: Graph) -> dict[Value, tuple[Value, ...]]:
    """For every input of a body, what it is: the value outside, and of a state also what a run hands on."""
    found: dict[Value, tuple[Value, ...]] = {}
    for node in graph.holders():
        assert node.body is not None
        found.update({inner: (outer,) for inner, outer in zip(node.body.inputs, node.inputs)})
        if isinstance(node.op, Scan):
            pairs = zip(node.body.inputs[: node.op.states], node.inputs, node.body.outputs.values())
            found.update({inner: (outer, after) for inner, outer, after in pairs})
    return found


def ancestors(value: Value, graph: Graph | None = None) -> set[Node]:
    """The nodes that computing a value takes, its producer and all bodies included. ``graph`` is needed for values
    inside of bodies.
    """
    outside: Mapping[Value, tuple[Value, ...]] = {} if graph is None else stands_for(graph)
    found: set[Node] = set()
    seen: set[Value] = set()
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if value in seen:
            continue
        seen.add(value)
        node = value.producer
        if node is None:
            waiting += outside.get(value, ())
        elif node not in found:
            found.add(node)
            found.update(() if node.body is None else node.body.all_nodes())
            waiting += node.inputs
    return found


def within(graph: Graph, path: str) -> list[Node]:
    """The nodes under a path: the node of that path, and those in its scope."""
    scope = path + "."
    return [node for node in graph.all_nodes() if node.path == path or node.path.startswith(scope)]


def scopes(graph: Graph) -> list[str]:
    """All labels' paths: every prefix of a node's path."""
    found: dict[str, None] = {}
    for node in graph.all_nodes():
        path = node.path
        while path and path not in found:
            found[path] = None
            path = path.rpartition(".")[0]
    return list(found)
