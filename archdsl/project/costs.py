"""Costs of a network, its memory over time, and receptive fields at labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from archdsl.diagnostics import Refusal, check_choice
from archdsl.driver import Settings
from archdsl.graph import Graph
from archdsl.process import collector_paused
from archdsl.project.targets import Network, graph_of

if TYPE_CHECKING:
    from archdsl.analyses.cost import CostTable
    from archdsl.analyses.fields_at import Fields
    from archdsl.analyses.memory_plan import Memory


def cost(
    network: Network,
    bind: Mapping[str, int] | None = None,
    *,
    symbolic: bool = False,
    folded: bool = False,
    settings: Settings | None = None,
    train: bool = False,
) -> CostTable:
    """Parameters, MACs, receptive field and memory of a graph or target, operator by operator and in total.

    ``bind`` gives values to symbols (``{"N": 8, "H": 384}``) over the network's own defaults; a batch ``N`` without any
    is 1. With ``symbolic`` nothing is bound and costs are polynomials. ``folded``: the deployed graph, without batch
    norms. ``settings`` are the network's parameters; ``train`` includes outputs that exist only for training. Raises
    ``DiagnosticError``.
    """
    if symbolic and bind:
        raise Refusal("E0007", "`--symbolic` and `--bind` cannot be used together")
    from archdsl.analyses.cost import cost

    graph = _graph(network, bind, settings, train)
    table = cost(graph, bind, symbolic=symbolic)
    return table.folded if folded else table


@collector_paused()
def memory(
    network: Network,
    bind: Mapping[str, int] | None = None,
    *,
    level: str = "full",
    dtype: str | None = None,
    folded: bool = False,
    settings: Settings | None = None,
    train: bool = False,
) -> Memory:
    """What is live when, what makes the peak, and where everything lies in an arena; bytes throughout.

    ``level``: ``none``, ``act`` or ``full`` fusion. ``dtype``: floats as ``f32``, ``f16``, ``bf16`` or ``i8``. The rest
    is as for :func:`cost`. Raises ``DiagnosticError``.
    """
    from archdsl.analyses.memory import LEVELS
    from archdsl.analyses.memory_plan import DTYPES, Memory

    for value, option, choices in ((level, "--level", LEVELS), (dtype, "--dtype", DTYPES)):
        if value is not None:
            check_choice(value, option, choices)
    return Memory(_graph(network, bind, settings, train, folded), bind or {}, level=level, dtype=dtype)


def fields(
    network: Network,
    taps: str | Sequence[str],
    bind: Mapping[str, int] | None = None,
    *,
    folded: bool = False,
    settings: Settings | None = None,
    train: bool = False,
) -> Fields:
    """The receptive fields at labels (``layer3``, or ``layer*``), and the misaligned joins before them.

    The rest is as for :func:`cost`. Raises ``DiagnosticError``.
    """
    from archdsl.analyses.fields_at import at_taps

    graph = _graph(network, bind, settings, train, folded)
    return at_taps(graph, bind, [taps] if isinstance(taps, str) else taps)


def _graph(
    network: Network, bind: Mapping[str, int] | None, settings: Settings | None, train: bool, folded: bool = False
) -> Graph:
    """The graph at the sizes."""
    graph = graph_of(network, settings, bind, train)
    if folded:
        from archdsl.rewrites.merge import deployed

        return deployed(graph)
    return graph
