"""What came of an elaboration, and whether it holds at the sizes that the inputs declare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import Diagnostic, DiagnosticError
from archdsl.graph import Graph
from archdsl.interpret.session import ClaimValue
from archdsl.record import Record
from archdsl.tape.sized import at_sizes

if TYPE_CHECKING:
    from archdsl.interpret.checkpoint_names import Applied, CheckpointNames


class Elaboration(Record):
    """What came of one network: its graph (``None`` where there were errors), claims and diagnostics."""

    graph: Graph | None
    claims: tuple[ClaimValue, ...]
    diagnostics: tuple[Diagnostic, ...]
    steps: int = 0
    """The work that it took besides making operators."""
    operators: int = 0
    """How many operators it made."""
    stopped: bool = False
    """Whether a bound on the work was exceeded."""
    maps: tuple[CheckpointNames, ...] = ()
    """Its ``weights`` statements."""

    @property
    def measured(self) -> dict[Any, Any]:
        """What was measured for its claims."""
        found: dict[Any, Any] = self.__dict__.setdefault("_measured", {})
        return found

    def applied_maps(self) -> list[Applied]:
        """The maps applied to the graph's parameters, if there is a graph; once."""
        known: list[Applied] | None = self.__dict__.get("_applied")
        if known is None:
            graph = self.graph
            parameters = graph.parameters() if graph is not None and self.maps else {}
            known = [] if graph is None else [names.apply(parameters) for names in self.maps]
            self.__dict__["_applied"] = known
        return known


Elaborated = Callable[[Mapping[str, int]], Elaboration]
"""The elaboration of one network with some symbols bound."""


def held(found: Elaboration, bindings: Mapping[str, int], again: Elaborated) -> Elaboration:
    """The elaboration, unless some rule refuses the sizes that the inputs declare.

    What is told then is what a text with these sizes in the places of the symbols is told.
    """
    graph = found.graph
    if graph is None or not graph.defaults:
        return found
    try:
        at_sizes(graph, graph.defaults)
    except DiagnosticError as error:
        fixed = again({**bindings, **graph.defaults})
        wrong = fixed.diagnostics if fixed.graph is None else (*fixed.diagnostics, *error.diagnostics)
        at = "at the declared sizes " + ", ".join(f"{name} = {size}" for name, size in graph.defaults.items())
        told = tuple(d.replace(notes=(*d.notes, at)) if d.severity == "error" else d for d in wrong)
        return found.replace(graph=None, diagnostics=told, steps=found.steps + fixed.steps)
    return found
