"""Costs: what a net takes, operator by operator and in total.

``cost(graph)`` measures at the graph's defaults (batch 1). Everything is exact: integers where all symbols have values,
polynomials where they do not. What is counted how is ``archdsl cost v1``: ``docs/cost-model.md``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.graph import Graph
from archdsl.passes import memory, tools
from archdsl.passes.fold import fold
from archdsl.passes.measure import QUANTITIES, Measurement, Measures
from archdsl.passes.receptive_field import sizes
from archdsl.passes.work import Row, flops
from archdsl.report.cost_sheet import Column, Line, Sheet, Total
from archdsl.report.json import document, place

CONVENTION = "archdsl cost v1"


def cost(graph: Graph, binding: Mapping[str, int] | None = None, *, symbolic: bool = False) -> CostTable:
    """The costs of a graph.

    ``binding`` gives values to symbols (``{"N": 8, "H": 384}``) over the graph's own defaults; a batch ``N`` without
    any is 1. With ``symbolic`` nothing is bound and costs are polynomials of the graph's symbols.
    """
    return CostTable(Measures(graph, binding, symbolic=symbolic))


class CostTable:
    """A row for each operator, and the totals. Rows and totals are computed when first read."""

    def __init__(self, measures: Measures) -> None:
        self.measures = measures
        self.graph = measures.graph

    @property
    def rows(self) -> tuple[Row, ...]:
        """One row per operator, in the order of the graph."""
        return self.measures.rows

    @property
    def binding(self) -> dict[str, Dim]:
        """The values of the symbols."""
        return self.measures.bound.binding

    @cached_property
    def inputs(self) -> dict[str, str]:
        """The inputs' types at the binding, by name."""
        return {value.name: str(self.measures.bound.type(value)) for value in self.graph.inputs}

    @cached_property
    def totals(self) -> dict[str, Measurement | None]:
        """Every quantity of the net by name; ``None`` where it depends on a symbol without a value."""
        found: dict[str, Measurement | None] = {}
        for quantity in QUANTITIES:
            try:
                found[quantity] = self.measures.of(quantity)
            except Refusal as refusal:
                if refusal.code != "E0307":
                    raise
                found[quantity] = None
        return found

    def total(self, quantity: str) -> Any:
        """The value of one total: ``cost(graph).total("macs")``."""
        return self.measures.of(quantity).value

    @cached_property
    def unknown(self) -> tuple[Row, ...]:
        """Operators whose work is not known; with any of them totals are lower bounds."""
        return tuple(row for row in self.rows if row.work is None)

    @property
    def partial(self) -> bool:
        """Whether the work of some operator is not known."""
        return bool(self.unknown)

    @property
    def coverage(self) -> Fraction:
        """The part of the operators whose work is known."""
        return Fraction(len(self.rows) - len(self.unknown), len(self.rows)) if self.rows else Fraction(1)

    @cached_property
    def symbolic(self) -> CostTable:
        """The same costs as polynomials of the graph's symbols."""
        return cost(self.graph, symbolic=True)

    @cached_property
    def folded(self) -> CostTable:
        """The costs of the deployed graph, in which batch norms behind convolutions and linear layers are gone."""
        given = {name: size for name, size in self.binding.items() if isinstance(size, int)}
        return cost(fold(self.graph), given, symbolic=not self.binding)

    def receptive_field(self, row: Row) -> tuple[Any, ...] | None:
        """What a row's first output sees of the input, per spatial axis (``None``: all of the axis).

        ``None`` for operators that do not depend on the input.
        """
        fields = self.measures.fields
        value = row.node.outputs[0]
        return sizes(fields.at(value)) if value in fields.fields else None

    def traffic(self, row: Row) -> Dim:
        """Bytes a row's operator reads and writes at fusion level ``full``."""
        return memory.traffic(self.measures.bound, self.measures.schedule, row.node)

    def peak(self, level: str = "full") -> memory.Peak:
        """The largest sum of live tensors at a fusion level, and the tensors that make it."""
        if level == "full":
            return memory.peak(self.measures.schedule)
        return memory.peak(memory.schedule(self.measures.bound, level))

    def seconds(self, peak_flops: float, bandwidth: float) -> float:
        """A roofline: the time on a device of ``peak_flops`` FLOP/s and ``bandwidth`` bytes/s.

        Each kernel (fusion level ``full``) takes as long as its arithmetic or its traffic, whichever is longer.
        """
        work: dict[Any, list[float]] = {}
        for row in self.rows:
            kernel = self.measures.schedule.kernels.get(row.node)
            if kernel is None:
                continue
            both = work.setdefault(kernel, [0.0, 0.0])
            both[0] += _number(row.flops or 0)
            both[1] += _number(self.traffic(row))
        return sum(max(f / peak_flops, b / bandwidth) for f, b in work.values())

    def sheet(self, tool: str | None = None) -> Sheet:
        """What ``archdsl.report`` renders; with ``tool``, the column of another tool's rule (``fvcore``, …)."""
        return _sheet(self) if tool is None else _tool_sheet(self, tools.convention(tool))

    def to_json(self, tool: str | None = None, paths: Sequence[str] | None = None) -> str:
        """A JSON document with ``format_version``: inputs, binding, totals, and all columns of every operator.

        With ``tool`` the rows have that tool's ``count`` too; ``paths`` chooses and orders the rows.
        """
        records = {row.path: _record(self, row) for row in self.rows}
        extra = _tool_record(self, tool, records) if tool is not None else {}
        return document(
            "cost", convention=CONVENTION, network=self.graph.name, inputs=self.inputs,
            binding={k: plain(v) for k, v in self.binding.items()},
            coverage=float(self.coverage), totals={name: _total_record(m) for name, m in self.totals.items()},
            **extra, peak=_peak_record(self), misaligned=_misaligned_records(self),
            rows=[records[path] for path in (records if paths is None else paths)],
        )  # fmt: skip


def plain(value: Any) -> Any:
    """A value for JSON: integers as they are, polynomials as text, fractions as floats."""
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, tuple):
        return [plain(v) for v in value]
    return float(value) if isinstance(value, Fraction | float) else str(value)


def _number(dim: Dim) -> float:
    if not isinstance(dim, int):
        raise Refusal("E0307", f"a time needs sizes in numbers, not {dim}", help="bind the symbols with `--bind`")
    return float(dim)


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


def _sheet(table: CostTable) -> Sheet:
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
        value = m.value if m else None
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


def _tool_sheet(table: CostTable, tool: tools.Convention) -> Sheet:
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
