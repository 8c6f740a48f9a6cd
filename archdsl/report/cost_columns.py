"""The columns of a cost table: a sheet of all operators, and of what another tool counts beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archdsl.analyses import other_counters
from archdsl.analyses.cost import CostTable, cost
from archdsl.analyses.measure import QUANTITIES
from archdsl.analyses.rows import Row, flops
from archdsl.dims import Dim, Expr
from archdsl.ops.base import Work
from archdsl.ops.windows import Windowed
from archdsl.report.cost_sheet import Column, Line, Sheet, Total
from archdsl.source import shortened

CONVENTION = "archdsl cost v1"

WORK = tuple(name for name in Work._fields if name != "mac")
"""The columns of arithmetic outside of contractions."""
COLUMNS = (
    Column("op", "operator", "text"),
    Column("kernel", "kernel", "window"),
    Column("stride", "stride", "window"),
    Column("dilation", "dilation", "window", wide=True),
    Column("groups", "groups", "count"),
    Column("shape", "output", "shape"),
    Column("params", "params", "count", summed=True),
    Column("macs", "MACs", "count", summed=True),
    Column("flops", "FLOPs", "count", summed=True, wide=True),
    Column("receptive_field", "field", "field"),
    Column("activation_bytes", "activation", "bytes", summed=True),
    Column("in_elements", "in map", "count", wide=True),
    Column("out_elements", "out map", "count", wide=True),
    *(Column(name, name, "count", summed=True, wide=True) for name in WORK),
    Column("buffers", "buffers", "count", summed=True, wide=True),
    Column("weight_bytes", "weights", "bytes", summed=True, wide=True),
    Column("traffic", "traffic", "bytes", summed=True, wide=True),
)
"""The columns of the table; ``wide`` ones only in machine formats, or where they are asked for."""
NARROW = tuple(column for column in COLUMNS if not column.wide)


def sheet(table: CostTable, tool: str | None = None, *, wide: bool = True) -> Sheet:
    """All columns of every operator, and the totals; with ``tool``, the count of another tool (``fvcore``, …) and ours.
    Unless ``wide``, those columns that a table has.

    Refuses (E0007) tools that are not known.
    """
    if tool is not None:
        return _as_counted(table, other_counters.convention(tool))
    return Sheet(
        CONVENTION, table.graph.name, table.inputs, COLUMNS if wide else NARROW,
        tuple([Line(row.path, _cells(table, row, wide)) for row in table.rows]),
        _totals(table), _notes(table),
    )  # fmt: skip


def _shape(row: Row) -> str:
    return ", ".join(str(t) if t.dtype != "f32" else str(t)[3:] for t in row.outputs)


def geometry(table: CostTable, row: Row) -> dict[str, Any]:
    """Kernel, stride and dilation of a window on each axis, and the groups of a layer; ``None`` where there is none."""
    op = table.measures.bound.op(row.node)
    sizes: Sequence[Any] = (None,) * 3
    groups = getattr(op, "groups", None)
    if isinstance(op, Windowed):
        sizes = op.geometry(table.measures.bound.type(row.node.inputs[0]))
    return {**dict(zip(("kernel", "stride", "dilation"), sizes)), "groups": groups if isinstance(groups, int) else None}


def _cells(table: CostTable, row: Row, wide: bool) -> dict[str, Any]:
    work = row.work
    cells: dict[str, Any] = {
        "op": row.op, **geometry(table, row), "shape": _shape(row),
        "params": row.params, "macs": work.mac if work else None,
        "receptive_field": table.receptive_field(row), "activation_bytes": row.out_bytes,
    }  # fmt: skip
    if wide:
        cells |= {
            "flops": flops(work) if work else None, "in_elements": row.in_elements, "out_elements": row.out_elements,
            "buffers": row.buffers, "weight_bytes": row.weight_bytes, "traffic": table.traffic(row),
        }  # fmt: skip
        cells |= {name: getattr(work, name) if work else None for name in WORK}
    return cells


SHOWN = (
    "params", "active_params", "buffers", "weights", "macs", "flops", "activations", "peak_activations", "arena",
    "states", "traffic", "intensity", "depth", "nodes", "receptive_field", "stride",
)  # fmt: skip


def _totals(table: CostTable) -> tuple[Total, ...]:
    other = at_declared(table)
    found = []
    for name in SHOWN:
        if (name == "active_params" and not table.measures.bound.idle) or (name == "states" and not table.graph.states):
            continue
        total = _total(name, table)
        if other is not None and (total.partial or total.value is None or isinstance(total.value, Expr)):
            total = total.replace(declared=_total(name, other))
        found.append(total)
    return tuple(found)


def _total(name: str, table: CostTable) -> Total:
    m = table.totals[name]
    return Total(name, m.value if m else None, QUANTITIES[name].unit, bool(m and m.partial))


def at_declared(table: CostTable) -> CostTable | None:
    """The same costs at the sizes that the spec declares, where they are polynomials now and all sizes are declared."""
    sizes = table.graph.defaults
    if table.binding or sizes in ({}, {"N": 1}) or not {str(one) for one in table.graph.symbols()} <= sizes.keys():
        return None
    return cost(table.graph)


def _notes(table: CostTable) -> tuple[str, ...]:
    known = len(table.rows) - len(table.unknown)
    notes = [] if at_declared(table) is None else [f"in brackets: at {shown_sizes(table.graph.defaults)}"]
    notes += [f"coverage: the work of {known} of {len(table.rows)} operators is known"]
    found = [f"{name} = {size}" for name, size in table.binding.items() if "." in name]
    if found:
        notes.append(f"as many as the data can give: {', '.join(found)}")
    if table.unknown:
        told = [
            f"{row.path} ({shortened(repr(row.node.op), 60)})" if row.node.op.foreign else row.path
            for row in table.unknown[:8]
        ]
        notes.append("unknown: " + ", ".join(told) + (", …" if len(table.unknown) > 8 else ""))
    if table.measures.fields.first_whole:
        notes.append(f"everything is first seen at {table.measures.fields.first_whole.path}; fields are along maps")
    if table.measures.fields.misaligned:
        joins = dict.fromkeys(found.node.path for found in table.measures.fields.misaligned)
        notes.append("misaligned receptive fields at " + ", ".join(list(joins)[:8]))
    return tuple(notes)


def shown_sizes(sizes: Mapping[str, int]) -> str:
    """``N = 1, T = 128``."""
    return ", ".join(f"{name} = {size}" for name, size in sizes.items())


def _as_counted(table: CostTable, tool: other_counters.Convention) -> Sheet:
    """The figures of another tool's rule next to ours."""
    figures = (Column("count", tool.title, "count", True), Column("macs", "our MACs", "count", True))
    counts = other_counters.count(table.measures.bound, table.rows, tool)
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
    return Sheet(
        title,
        table.graph.name,
        table.inputs,
        (*(c for c in COLUMNS if c.key in ("op", "shape")), *figures),
        tuple(lines),
        totals,
        tool.notes,
    )
