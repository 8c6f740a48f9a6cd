"""What a cost table shows: its sheets, and its JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archdsl.analyses import other_counters as tools
from archdsl.analyses.measure import QUANTITIES, Measurement, plain
from archdsl.analyses.rows import Row, flops
from archdsl.dims import Dim
from archdsl.report.cost_sheet import Column, Line, Sheet, Total
from archdsl.report.cost_table import positions
from archdsl.report.json import document, place

if TYPE_CHECKING:
    from archdsl.analyses.cost import CostTable

CONVENTION = "archdsl cost v1"


def json_document(table: CostTable, tool: str | None, paths: Sequence[str] | None) -> str:
    """See :meth:`CostTable.to_json`."""
    records = {row.path: _record(table, row) for row in table.rows}
    extra = _tool_record(table, tool, records) if tool is not None else {}
    return document(
        "cost", convention=CONVENTION, network=table.graph.name, inputs=table.inputs,
        binding={k: plain(v) for k, v in table.binding.items()},
        coverage=float(table.coverage), totals={name: _total_record(m) for name, m in table.totals.items()},
        **extra, peak=_peak_record(table), misaligned=_misaligned_records(table),
        rows=[records[path] for path in (records if paths is None else paths)],
    )  # fmt: skip


def _peak_record(table: CostTable) -> dict[str, Any] | None:
    """The tensors that make the peak; ``None`` where it depends on a symbol."""
    if table.totals["peak_activations"] is None:
        return None
    found = table.peak()
    return {
        "bytes": plain(found.bytes), "step": found.step,
        "tensors": [{"name": b.values[0].name, "bytes": plain(b.size), "until": b.end} for b in found.buffers],
    }  # fmt: skip


def _misaligned_records(table: CostTable) -> list[dict[str, Any]]:
    """Joins whose branches see differently centred or spaced fields."""
    return [
        {"path": m.node.path, "axis": m.axis, "place": place(m.node.origin.span)}
        for m in table.measures.fields.misaligned
    ]


def _tool_record(table: CostTable, name: str, records: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Adds the tool's counts to the rows; what goes beside the totals."""
    tool = tools.convention(name)
    counts = tools.count(table.measures.bound, table.rows, tool)
    total: Dim = 0
    for row, count in zip(table.rows, counts):
        records[row.path]["count"] = plain(count)
        total = total + (count or 0)
    summary = {"name": tool.name, "release": tool.release, "counts": tool.title, "total": plain(total)}
    return {"as": {**summary, "partial": None in counts, "notes": list(tool.notes)}}


def _total_record(m: Measurement | None) -> dict[str, Any] | None:
    if m is None:
        return None
    return {"value": plain(m.value), "unit": QUANTITIES[m.quantity].unit, "partial": m.partial}


def _record(table: CostTable, row: Row) -> dict[str, Any]:
    work = row.work
    columns = {name: plain(getattr(work, name)) if work else None for name in ("mac", "add", "mul", "cmp", "special")}
    origin = row.node.origin
    return {
        "path": row.path, "op": row.op, "outputs": [str(t) for t in row.outputs],
        "params": plain(row.params), "buffers": plain(row.buffers), "weight_bytes": plain(row.weight_bytes),
        **columns, "flops": plain(row.flops),
        "in_elements": plain(row.in_elements), "in_bytes": plain(row.in_bytes),
        "out_elements": plain(row.out_elements), "out_bytes": plain(row.out_bytes),
        "traffic": plain(table.traffic(row)), "receptive_field": plain(table.receptive_field(row)),
        "place": place(origin.span), "frames": [frame.name for frame in origin.frames()],
    }  # fmt: skip


COLUMNS = (
    Column("op", "operator", "text"),
    Column("shape", "output", "shape"),
    Column("params", "params", "count", summed=True),
    Column("macs", "MACs", "count", summed=True),
    Column("flops", "FLOPs", "count", summed=True, wide=True),
    Column("receptive_field", "field", "field"),
    Column("activation_bytes", "activation", "bytes", summed=True),
    Column("in_elements", "in map", "count", wide=True),
    Column("out_elements", "out map", "count", wide=True),
    Column("add", "add", "count", summed=True, wide=True),
    Column("mul", "mul", "count", summed=True, wide=True),
    Column("cmp", "cmp", "count", summed=True, wide=True),
    Column("special", "special", "count", summed=True, wide=True),
    Column("buffers", "buffers", "count", summed=True, wide=True),
    Column("weight_bytes", "weights", "bytes", summed=True, wide=True),
    Column("traffic", "traffic", "bytes", summed=True, wide=True),
)
"""The columns of the table; ``wide`` ones only in machine formats, or where they are asked for."""


def sheet(table: CostTable) -> Sheet:
    """All columns of every operator, and the totals."""
    return Sheet(
        CONVENTION, table.graph.name, table.inputs, COLUMNS,
        tuple(Line(row.path, _cells(table, row)) for row in table.rows),
        _totals(table), _notes(table),
    )  # fmt: skip


def _shape(row: Row) -> str:
    return ", ".join(str(t) if t.dtype != "f32" else str(t)[3:] for t in row.outputs)


def _cells(table: CostTable, row: Row) -> dict[str, Any]:
    work = row.work
    cells: dict[str, Any] = {
        "op": row.op, "shape": _shape(row), "params": row.params, "macs": work.mac if work else None,
        "flops": flops(work) if work else None, "receptive_field": table.receptive_field(row),
        "activation_bytes": row.out_bytes, "in_elements": row.in_elements, "out_elements": row.out_elements,
        "buffers": row.buffers, "weight_bytes": row.weight_bytes, "traffic": table.traffic(row),
    }  # fmt: skip
    for name in ("add", "mul", "cmp", "special"):
        cells[name] = getattr(work, name) if work else None
    return cells


SHOWN = (
    "params", "buffers", "weights", "macs", "flops", "activations", "peak_activations", "arena", "traffic",
    "intensity", "depth", "nodes", "receptive_field", "stride",
)  # fmt: skip


def _totals(table: CostTable) -> tuple[Total, ...]:
    found = []
    for name in SHOWN:
        m = table.totals[name]
        value: Any = m.value if m else None
        if name == "receptive_field" and isinstance(value, Fraction):
            value = positions(value)
        found.append(Total(name, value, QUANTITIES[name].unit, bool(m and m.partial)))
    return tuple(found)


def _notes(table: CostTable) -> tuple[str, ...]:
    known = len(table.rows) - len(table.unknown)
    notes = [f"coverage: the work of {known} of {len(table.rows)} operators is known"]
    if table.unknown:
        notes.append("unknown: " + ", ".join(row.path for row in table.unknown[:8]))
    if table.measures.fields.misaligned:
        joins = dict.fromkeys(found.node.path for found in table.measures.fields.misaligned)
        notes.append("misaligned receptive fields at " + ", ".join(list(joins)[:8]))
    return tuple(notes)


def tool_sheet(table: CostTable, tool: tools.Convention) -> Sheet:
    """The figures of another tool's rule beside ours."""
    figures = (Column("count", tool.title, "count", True), Column("macs", "our MACs", "count", True))
    counts = tools.count(table.measures.bound, table.rows, tool)
    lines = []
    total: Dim = 0
    for row, number in zip(table.rows, counts):
        total = total + (number or 0)
        cells = {"op": row.op, "shape": _shape(row), "count": number, "macs": row.work.mac if row.work else None}
        lines.append(Line(row.path, cells))
    macs = table.totals["macs"]
    ours = Total("our macs", macs and macs.value, "", table.partial)
    totals = (Total(tool.title, total, "", None in counts), ours)
    title = f"{CONVENTION}, as counted by {tool.name} ({tool.release})"
    return Sheet(title, table.graph.name, table.inputs, (*COLUMNS[:2], *figures), tuple(lines), totals, tool.notes)
