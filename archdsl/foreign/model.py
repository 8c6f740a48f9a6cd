"""A model of another tool, as :func:`archdsl.load` gives it: a network without parameters to set."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from archdsl.arguments import checked
from archdsl.graph import Graph
from archdsl.shown import Verbatim

Read = Callable[[Mapping[str, int]], Graph]


class Model(Verbatim):
    """A model that can be read as a graph, with sizes that are free there bound or not."""

    def __init__(self, name: str, read: Read) -> None:
        self.name = name
        self._read = read

    @checked
    def graph(self, *, bind: Mapping[str, int] | None = None) -> Graph:
        """The network, its free sizes as in ``bind``. Raises :class:`archdsl.DiagnosticError`."""
        return self._read(bind or {})

    def __str__(self) -> str:
        graph = self.graph()
        inputs = ", ".join(f"{value.name}: {value.type}" for value in graph.inputs)
        return f"{self.name}: {len(graph.nodes)} operators, inputs {inputs}, outputs {', '.join(graph.outputs)}"
