"""Results that files name and seldom use, such as the running statistics of a norm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archdsl.graph import Node, Value


def needed(nodes: list[Node], outputs: Iterable[Value], spare: Sequence[Value]) -> list[Node]:
    """The nodes without those that lead to nothing but ``spare`` results."""
    if not spare:
        return nodes
    seldom, used, kept = {*spare}, {*outputs}, []
    for node in reversed(nodes):
        if used.isdisjoint(node.outputs) and not seldom.isdisjoint(node.outputs):
            seldom.update(node.inputs)
        else:
            used.update(node.inputs)
            kept.append(node)
    return kept[::-1]
