"""Memory over time in the document: what is live when, the peak, and where every buffer lies in the arena."""

from __future__ import annotations

from typing import Any

from archdsl.analyses.at_binding import Bound
from archdsl.analyses.cost import CostTable
from archdsl.analyses.memory import Planner
from archdsl.analyses.memory_plan import Memory
from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.graph import Value
from archdsl.page.layers import Layers


def memory_record(table: CostTable, layers: Layers) -> dict[str, Any] | None:
    """The memory plan at fusion level ``full``; ``None`` where sizes without a value decide it."""
    sizes = {name: size for name, size in table.binding.items() if isinstance(size, int) and "." not in name}
    try:
        found = Memory(table.graph, sizes)
    except Refusal as refusal:
        if refusal.code != "E0307":
            raise
        return None
    buffers = found.plan.buffers
    cell = layers.cells.cell
    number = {buffer: index for index, buffer in enumerate(buffers)}
    return {
        "steps": found.plan.steps,
        "peak": {
            "bytes": cell(found.peak.bytes), "at": found.peak.step, "path": found.at,
            "tensors": [[number[t.buffer], _name(t.value), layers.start(t.value)] for t in found.live],
        },
        "arena": cell(found.arena.size),
        "buffer_columns": ["name", "from", "bytes", "start", "end", "offset", "external"],
        "buffers": [
            [_name(b.values[0]), layers.start(b.values[0]), cell(b.size), b.start, b.end,
             cell(found.arena.offsets[b.values[0]]), b.external]
            for b in buffers
        ],
        "bound": _bound(table, layers),
    }  # fmt: skip


def _name(value: Value) -> str | None:
    """``None`` where it is the path of the row that the value is from."""
    return None if value.producer is not None and value.producer.path == value.name else value.name


def _bound(table: CostTable, layers: Layers) -> dict[str, Any]:
    """The buffers where all sizes are bound, as polynomials. Which operator writes over its input depends on sizes that
    are equal: where two of ``unless`` are, that polynomials say are not, the buffers are others.
    """
    planner = Planner(Bound(table.graph, symbolic=True, fixed=True), "full")
    plan, cell = planner.plan(), layers.cells.cell
    pairs: dict[tuple[Dim, Dim], None] = {}
    for node in planner.bound.nodes:
        made = planner.bound.bytes[node.outputs[0]] if node.outputs else 0
        if node.body is not None or not planner.may_overwrite(node):
            continue
        held = [plan.by_value[value].size for value in node.inputs if value in plan.by_value]
        pairs |= {(size, made): None for size in held if size != made}
    return {
        "buffers": [[cell(b.size), b.start, b.end, layers.start(b.values[0])] for b in plan.buffers],
        "unless": [
            [cell(a), cell(b)] for a, b in pairs if not (isinstance(a, int) and isinstance(b, int))
        ],
    }  # fmt: skip
