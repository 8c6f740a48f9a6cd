"""Recurrent networks whose layers and loops begin with states that are given, and give their last ones."""

from __future__ import annotations

from archdsl.graph import Graph, Node, Value
from archdsl.ops.recurrent import Recurrent
from archdsl.ops.scan import Scan


def goes_on(node: Node) -> bool:
    """Whether a node reads from the beginning to the end, and hands states on."""
    if isinstance(node.op, Scan):
        return node.op.states > 0 and not node.op.reverse
    return isinstance(node.op, Recurrent) and not (node.op.both or node.op.reverse)


def carried(graph: Graph, *, given: bool) -> tuple[Graph, dict[str, str]]:
    """The network with the last states of its layers and loops as outputs; where they are ``given``, with their first
    ones as inputs. For each such input the output that goes on in it.
    """
    inputs, ends, nodes = list(graph.inputs), dict[str, Value](), []
    now = {value: value for value in graph.inputs}
    for node in graph.nodes:
        entering = [now[value] for value in node.inputs]
        op, types = node.op, [value.type for value in node.outputs]
        count = op.states if isinstance(op, Scan) else len(op.state_widths) if isinstance(op, Recurrent) else 0
        count = count if goes_on(node) else 0
        if count and isinstance(op, Recurrent):
            assert op.lengths is None and op.start is None and not op.final
            types += [types[0].with_shape([types[0].shape[0], width]) for width in op.state_widths]
            op = op.replace(final=True, start=count if given else None)
        if count and given:
            lasts = types[:count] if isinstance(op, Scan) else types[1:]
            starts = [Value(f"{node.path}/start.{i}", type) for i, type in enumerate(lasts)]
            inputs += starts
            entering = [*starts, *entering[count:]] if isinstance(op, Scan) else [*entering, *starts]
        again = Node(op, entering, types, node.path, node.params, node.origin, node.body)
        nodes.append(again)
        now.update(zip(node.outputs, again.outputs))
        last = again.outputs[:count] if isinstance(op, Scan) else again.outputs[1 : 1 + count]
        ends |= {f"{node.path}/end.{i}": value for i, value in enumerate(last)}
    outputs = {**{name: now[value] for name, value in graph.outputs.items()}, **ends}
    return graph.rewired(inputs, nodes, outputs, {}), {name.replace("/end.", "/start."): name for name in ends}
