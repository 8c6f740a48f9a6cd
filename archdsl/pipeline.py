"""The pipeline of rewrites between a graph's text and a backend, the same for all backends.

The graph's invariants are checked after every stage that changed it, so that a rewrite which breaks one is found where
it happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from archdsl.graph import Graph
from archdsl.record import Record

Stage = Callable[[Graph], Graph]


class Pipeline(Record):
    """Which rewrites are applied; always in this order."""

    bind: Mapping[str, int] = {}
    """Symbols that get a fixed size."""
    drop_dead: bool = False
    """Drop nodes that reach no output."""
    settle: str | None = None
    """Give running variances the values that initial weights of this scheme send to them. Loaded weights are left."""
    fold: bool = False
    """Fold batch norms into the layers in front of them, and merge parallel linear branches."""

    def run(self, graph: Graph) -> Graph:
        """The rewritten graph. Raises ``DiagnosticError`` for what cannot be bound."""
        from archdsl.invariants import check

        for stage in self._stages(graph):
            rewritten = stage(graph)
            if rewritten is not graph:
                graph = check(rewritten)
        return graph

    def _stages(self, graph: Graph) -> Iterator[Stage]:
        """Rewrites are imported when they are needed."""
        if self.bind:
            from archdsl.rewrites.bind import bind

            yield lambda graph: bind(graph, self.bind)
        if self.drop_dead:
            from archdsl.rewrites.dead import drop_dead

            yield drop_dead
        scheme = self.settle
        if scheme is not None and not _loaded(graph):
            from archdsl.rewrites.settle import settle

            yield lambda graph: settle(graph, scheme)
        if self.fold:
            from archdsl.rewrites.merge import deployed

            yield deployed


def _loaded(graph: Graph) -> bool:
    """Whether some parameter has its value from a file."""
    from archdsl.weights.tensor import Loaded

    return any(isinstance(parameter.init, Loaded) for parameter in graph.parameters().values())
