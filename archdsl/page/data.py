"""The document of the explorer: what a network is, what it costs layer by layer, and where each layer comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archdsl.analyses.cost import CostTable
from archdsl.analyses.measure import QUANTITIES, Measurement, Measures
from archdsl.dims import Expr
from archdsl.page.against import Against, against_record
from archdsl.page.cells import Cells
from archdsl.page.graph import graph_record
from archdsl.page.layers import COLUMNS, KIND_COLUMNS, Layers
from archdsl.page.memory import memory_record
from archdsl.page.places import Places, shown_name
from archdsl.report.cost_columns import CONVENTION, SHOWN
from archdsl.report.outcome import ClaimOutcome
from archdsl.version import __version__

KIND = "explorer"
"""What the JSON document is called: ``archdsl.explorer``."""


def explorer(
    table: CostTable, target: str, claims: Sequence[ClaimOutcome] = (), against: Against | None = None
) -> dict[str, Any]:
    """The content of the document (``docs/explorer.md``) for a table of costs at fixed sizes.

    ``target``: how the network was named. ``claims``: its expectations and budgets with what was measured.
    ``against``: the network beside it.
    """
    symbolic, cells, places = table.symbolic, Cells(), Places()
    layers = Layers(table, symbolic, cells, places)
    rows = layers.rows()
    graph = table.graph
    taps = [(name, layers.start(value)) for name, value in graph.all_taps().items()]
    return {
        "archdsl": __version__, "convention": CONVENTION, "network": graph.name, "target": shown_name(target),
        "doc": graph.doc,
        "inputs": [[value.name, *layers.type(value.type)] for value in graph.inputs],
        "outputs": [[name, layers.start(value), *layers.type(value.type)] for name, value in graph.outputs.items()],
        "taps": [[name, start] for name, start in taps if start is None or start < 0 or rows[start][0] != name],
        "totals": [_total(name, table, symbolic, cells) for name in SHOWN],
        "claims": [[c.subject, c.op, c.limit, c.shown, c.ok, c.headroom, c.verdict] for c in claims],
        "columns": list(COLUMNS), "rows": rows, "kind_columns": list(KIND_COLUMNS), "kinds": layers.kinds,
        "blocks": blocks([row[0] for row in rows]),
        "maps": layers.fields.record(), "formulas": layers.formulas, "parameters": layers.parameters,
        "spots": layers.spots,
        "memory": memory_record(table, layers),
        "graph": graph_record(graph, table.measures.bound.steps),
        "against": against_record(against) if against is not None else None,
        "fixed": _fixed(table, symbolic, cells), "sources": places.sources, "frames": places.frames,
        "polynomials": cells.polynomials, "symbols": _symbols(table, cells),
    }  # fmt: skip


def blocks(paths: Sequence[str]) -> list[list[Any]]:
    """The scopes of the paths, each behind the one around it: ``[path, the one around it, its first and last row]``."""
    number: dict[str, int] = {}
    found: list[list[Any]] = []
    for row, path in enumerate(paths):
        parts = path.split(".")
        around = None
        for depth in range(1, len(parts)):
            scope = ".".join(parts[:depth])
            if scope not in number:
                number[scope] = len(found)
                found.append([scope, around, row, row])
            around = number[scope]
            found[around][3] = row
    return found


def _symbols(table: CostTable, cells: Cells) -> list[list[Any]]:
    """``[name, its value here, least, most]`` of the symbols of the inputs, and of numbers that the data decide."""
    found = sorted({*table.graph.symbols(), *cells.symbols}, key=lambda one: (one.of_data, one))
    unique = {one.plain: one for one in reversed(found)}
    return [
        [name, value if isinstance(value := table.binding.get(name), int) else None, one.least, one.most]
        for name, one in reversed(unique.items())
    ]


def _fixed(table: CostTable, symbolic: CostTable, cells: Cells) -> dict[str, Any] | None:
    """What is otherwise where all sizes are bound: what they alone decide is computed when a model is loaded, and its
    results are weights then. ``None``: nothing is.
    """
    bound = CostTable(Measures(table.graph, symbolic=True, fixed=True))
    if bound.measures.bound.settled == table.measures.bound.settled:
        return None
    rows: list[list[Any]] = []
    for index, (own, other) in enumerate(zip(symbolic.rows, bound.rows)):
        kernels = [one.measures.schedule.kernels.get(row.node) for one, row in ((symbolic, own), (bound, other))]
        before = own.out_bytes, symbolic.traffic(own), kernels[0]
        after = other.out_bytes, bound.traffic(other), kernels[1]
        if before != after:
            fused = None if kernels[1] is None else bound.measures.bound.steps[kernels[1]]
            rows.append([index, cells.cell(after[0]), cells.cell(after[1]), fused])
    totals = {name: _general(bound.totals[name], cells) for name in SHOWN}
    return {"rows": rows, "totals": totals}


def _total(name: str, table: CostTable, symbolic: CostTable, cells: Cells) -> dict[str, Any]:
    """A total: its value here; ``general`` is the polynomial that it is at any sizes, where there is one."""
    here, what = table.totals[name], QUANTITIES[name]
    return {
        "name": name, "unit": what.unit, "doc": what.doc, "partial": bool(here and here.partial),
        "value": cells.seen(here.value) if here else None, "general": _general(symbolic.totals[name], cells),
    }  # fmt: skip


def _general(measured: Measurement | None, cells: Cells) -> Any:
    value = measured.value if measured is not None else None
    return cells.cell(value) if isinstance(value, int | Expr) else None
