"""Forks: where the paths of a graph separate, and where they join again."""

from __future__ import annotations

from collections.abc import Iterable

END = 0
"""Stands behind every vertex that nothing follows."""


def closing_joins(edges: Iterable[tuple[str, str]]) -> dict[str, str]:
    """For each vertex with several successors, the first one that every path from it to an end goes through.

    That is its immediate post-dominator: its immediate dominator in the reversed graph (Cooper, Harvey and Kennedy
    2001). Vertices whose paths do not meet again are left out.
    """
    from networkx import DiGraph, immediate_dominators

    backwards: DiGraph[str | int] = DiGraph()
    leaving: dict[str, set[str]] = {}
    for start, end in edges:
        backwards.add_edge(end, start)
        leaving.setdefault(start, set()).add(end)
    if not leaving:
        return {}
    backwards.add_edges_from([(END, vertex) for vertex in list(backwards) if vertex not in leaving])
    above = immediate_dominators(backwards, END)
    forks = ((fork, above.get(fork)) for fork, ends in leaving.items() if len(ends) > 1)
    return {fork: join for fork, join in forks if isinstance(join, str)}
