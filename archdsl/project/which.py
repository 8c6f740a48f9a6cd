"""Which network of the zoo a model is: by its figures and its layers, and never by names."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

from archdsl.analyses.measure import Measures
from archdsl.compare.skeleton import Skeleton, skeleton
from archdsl.compare.which import Match, Which
from archdsl.graph import Graph
from archdsl.project.comparing import called
from archdsl.project.targets import Network, graph_of
from archdsl.project.zoo import networks

LOOKED_AT = 12
"""Networks of the zoo that are read: those with the nearest figures."""
FACTOR = 3.0
"""How much larger or smaller a network may be that is looked at."""
SHOWN = 3


def which(model: Network, bind: Mapping[str, int] | None = None) -> Which:
    """Which networks of the zoo a graph or target is like. ``bind`` gives its symbols sizes.

    Of the zoo, those are read whose parameters and MACs are the nearest; they are compared by their layers with
    weights, so that folded norms, names and other classes do not matter. Raises ``DiagnosticError``.
    """
    graph = graph_of(model, bind=bind)
    ours, of = skeleton(graph), _measured(graph)
    candidates = []
    for entry in networks().entries:
        params, macs = entry.measured["params"], entry.measured["macs"]
        if not (isinstance(params, int) and isinstance(macs, int) and of.params and params):
            continue
        away = abs(log(params / of.params))
        if away <= log(FACTOR):
            more = abs(log(macs / of.macs)) if macs and of.macs else 1.0
            candidates.append((away + more / 4, entry.name, params, macs))
    found: list[tuple[Match, Skeleton]] = []
    for _, name, params, macs in sorted(candidates)[:LOOKED_AT]:
        theirs = skeleton(graph_of(name))
        match = Match(name, ours.likeness(theirs), ours.shared(theirs), theirs.layers.total(), params, macs)
        found.append((match, theirs))
        if match.likeness == 1 and theirs.links == ours.links:
            break
    found.sort(key=lambda one: (-one[0].likeness, -ours.wiring(one[1])))
    best = (ours, found[0][1]) if found else None
    matches = tuple([one for one, _ in found if one.likeness > 0])[:SHOWN]
    return Which(called(model, graph), of.replace(layers=ours.layers.total()), matches, best)


def _measured(graph: Graph) -> Match:
    measures = Measures(graph)
    params, macs = (measures.of(quantity).value for quantity in ("params", "macs"))
    return Match(
        graph.name, 1.0, 0, 0, params if isinstance(params, int) else 0, macs if isinstance(macs, int) else None
    )
