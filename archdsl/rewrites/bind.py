"""Binding of symbols to sizes: the same graph with every type derived again from the bound inputs."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.graph import Graph
from archdsl.tape.bindings import check_bound
from archdsl.tape.sized import bound


def bind(graph: Graph, sizes: Mapping[str, int]) -> Graph:
    """The graph with the symbols in ``sizes`` replaced, each shape rule applied again.

    Raises ``DiagnosticError``: E0007 for a symbol that no input declares or a size below 1, and whatever a shape rule
    refuses at these sizes.
    """
    check_bound(sizes, graph.symbols())
    return bound(graph, sizes)
