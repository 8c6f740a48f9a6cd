"""Whether a weight file that does not fit a network is one of another variant of its spec."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.diagnostics import DiagnosticError
from archdsl.graph import Graph
from archdsl.project.targets import Network, Target, open_target

if TYPE_CHECKING:
    from archdsl.weights.tensor import Checkpoint

MOST = 24
"""Variants that are looked at; those with many more or fewer parameters than the file has tensors are not."""


def fitting_variant(network: Network, graph: Graph, checkpoint: Checkpoint, names: str = "") -> str:
    """A sentence that names the variant of the network's spec that a file fits completely; empty if none does."""
    from archdsl.weights.choose import parameters_in
    from archdsl.weights.match import match

    if isinstance(network, str | Path):
        network = open_target(network)
    if not isinstance(network, Target) or network.program is None:
        return ""
    count = len(parameters_in(checkpoint, {}))
    for name in [one for one in network.program.variants if one != graph.name][:MOST]:
        with suppress(DiagnosticError):
            other = network.program.graph(name)
            if len(other.parameters()) <= count <= 2 * len(other.parameters()):
                found = match(other, checkpoint, names)
                if found.complete:
                    return f"the file fits the variant `{name}` ({len(found.pairs)} of {found.total} tensors)"
    return ""
