"""Memory over time in the document: what is live when, the peak, and where every buffer lies in the arena."""

from __future__ import annotations

from typing import Any

from archdsl.analyses.cost import CostTable
from archdsl.analyses.memory import schedule
from archdsl.analyses.memory_plan import Memory
from archdsl.diagnostics import Refusal
from archdsl.page.layers import Layers


def memory_record(table: CostTable, symbolic: CostTable, layers: Layers) -> dict[str, Any] | None:
    """The memory plan at fusion level ``full``; ``None`` where sizes without a value decide it."""
    sizes = {name: size for name, size in table.binding.items() if isinstance(size, int) and "." not in name}
    try:
        found = Memory(table.graph, sizes)
    except Refusal as refusal:
        if refusal.code != "E0307":
            raise
        return None
    buffers = found.plan.buffers
    general = schedule(symbolic.measures.bound).buffers
    alike = [(b.start, b.end) for b in buffers] == [(b.start, b.end) for b in general]
    cell = layers.cells.cell
    number = {buffer: index for index, buffer in enumerate(buffers)}
    return {
        "steps": found.plan.steps, "symbolic": alike,
        "peak": {
            "bytes": cell(found.peak.bytes), "step": found.peak.step, "path": found.at,
            "tensors": [[number[t.buffer], t.value.name, layers.start(t.value)] for t in found.live],
        },
        "arena": cell(found.arena.size),
        "buffer_columns": ["name", "from", "bytes", "start", "end", "offset", "external"],
        "buffers": [
            [b.values[0].name, layers.start(b.values[0]), cell((general[i] if alike else b).size), b.start, b.end,
             cell(found.arena.offsets[b.values[0]]), b.external]
            for i, b in enumerate(buffers)
        ],
    }  # fmt: skip
