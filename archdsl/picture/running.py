"""Concatenations that take what an earlier one took and one value more, as dense blocks have them.

Of n layers they have n²/2 lines, in which nobody sees anything. Where the last one takes many values, each is drawn as
taking the one before it and what is new: the same numbers, in n lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archdsl.graph import Node, Value
from archdsl.ops.join import Concat

MOST = 8
"""Values up to which all lines of the last concatenation are drawn."""

Takes = Mapping[Node, tuple[Value, ...]]
"""What enters some operators in the picture, where that is another thing than in the graph."""


def running(nodes: Sequence[Node]) -> Takes:
    """What is drawn as entering, for the concatenations of which that is less than what does."""
    known: dict[tuple[object, tuple[Value, ...]], Node] = {}
    before: dict[Node, Node] = {}
    for node in nodes:
        if isinstance(node.op, Concat):
            known[node.op, node.inputs] = node
            one = known.get((node.op, node.inputs[:-1]))
            if one is not None:
                before[node] = one
    found: dict[Node, tuple[Value, ...]] = {}
    for last in before.keys() - set(before.values()):
        node = last
        while len(last.inputs) > MOST and node in before:
            found[node] = before[node].outputs[0], node.inputs[-1]
            node = before[node]
    return found
