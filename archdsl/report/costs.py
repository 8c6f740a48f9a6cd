"""A table of costs as a report: an outline for people, every operator with all columns for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from archdsl.analyses import other_counters
from archdsl.analyses.cost import CostTable
from archdsl.analyses.measure import QUANTITIES, Measurement, plain
from archdsl.analyses.rows import Row
from archdsl.dim_text import brief
from archdsl.dims import Dim, Expr, symbols
from archdsl.ops.base import Work
from archdsl.report.cost_columns import CONVENTION, geometry, sheet
from archdsl.report.cost_sheet import Column, Entry, Partial, Sheet, Total, outline, sums
from archdsl.report.figures import human_bytes, number, seen
from archdsl.report.json import place
from archdsl.report.page import Facts, Page, Report, Table
from archdsl.source import shortened

SHAPE, LONGEST = 64, 120
"""Characters of a shape in a table, and of a polynomial in a line of its own."""
FOLDED = "a folded line (x2) has the figures of one of its repeats"


class CostReport(Report):
    """``tool``: as another tool counts. ``shown``: the sheet to show, where lines were selected or sorted.

    ``depth``: scopes at this level are one line. ``flat``: one line for each operator in the sheet's order, with whole
    paths. ``wide``: all columns.
    """

    kind = "cost"

    def __init__(
        self,
        table: CostTable,
        *,
        tool: str | None = None,
        shown: Sheet | None = None,
        depth: int | None = None,
        flat: bool = False,
        wide: bool = False,
    ) -> None:
        self.table = table
        self.tool = tool
        self.shown = shown
        self.depth = depth
        self.flat = flat
        self.wide = wide

    def _sheet(self, wide: bool) -> Sheet:
        return self.shown if self.shown is not None else sheet(self.table, self.tool, wide=wide)

    def page(self) -> Page:
        """The operators grouped by scope with repeats folded, totals, notes."""
        found = self._sheet(self.wide)
        columns = [c for c in found.columns if self.wide or not c.wide]
        flat = [Entry(line.path, 0, line.cells) for line in found.lines] if self.flat else None
        entries = flat if flat is not None else outline(found, self.depth, columns)
        columns = [c for c in columns if (c.kind != "window" and c.key != "groups") or _tells(c, entries)]
        whole = sums(found.lines, columns)
        table = Table(
            ("path", *(c.title for c in columns)),
            tuple(zip([e.label for e in entries], *(_texts(c, entries) for c in columns))),
            frozenset(i for i, c in enumerate(columns, 1) if c.kind not in ("text", "shape", "window")),
            foot=("total", *(_cell(c, whole.get(c.key)) if c.summed else "" for c in columns)),
            levels=tuple(e.level for e in entries),
            groups=frozenset(i for i, e in enumerate(entries) if e.group),
        )
        told = [*_totals(found.totals), *([FOLDED] if any(e.repeats > 1 for e in entries) else []), *found.notes]
        shown = [entry.cells for entry in entries] + [whole]
        told += _in_brief(self.table, (value for cells in shown for value in cells.values()))
        return Page(found.heading, (table, Facts(tuple(told))))

    def grid(self) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Every operator with all columns."""
        found = self._sheet(True)
        columns = found.columns
        rows = [(line.path, *(_exact(line.cells.get(c.key)) for c in columns)) for line in found.lines]
        return ("path", *(c.key for c in columns)), rows

    def data(self) -> dict[str, Any]:
        """Inputs, binding, totals, the peak, and all columns of every operator that is shown."""
        table = self.table
        records = {row.path: _record(table, row) for row in table.rows}
        extra = _tool_record(table, self.tool, records) if self.tool is not None else {}
        first = table.measures.fields.first_whole
        paths = [line.path for line in self.shown.lines] if self.shown is not None else list(records)
        return {
            "convention": CONVENTION, "network": table.graph.name, "inputs": table.inputs,
            "binding": {k: plain(v) for k, v in table.binding.items()},
            "coverage": float(table.coverage), "totals": {name: _total_record(m) for name, m in table.totals.items()},
            **extra, "sees_all": first.path if first else None, "peak": _peak_record(table),
            "misaligned": _misaligned_records(table),
            "rows": [records[path] for path in paths],
        }  # fmt: skip


def _tells(column: Column, entries: Sequence[Entry]) -> bool:
    """Whether a column of windows or groups says anything: of a network without groups it does not."""
    return any(entry.cells.get(column.key) not in (None, 1) for entry in entries)


def _totals(totals: Sequence[Total]) -> list[str]:
    size = max((len(t.name) for t in totals), default=0)
    return [f"{t.name.replace('_', ' '):<{size}}  {show_total(t)}" for t in totals]


def _in_brief(table: CostTable, values: Iterable[Any]) -> list[str]:
    """Where polynomials are told in brief: that they are, and how to see more."""
    dims = (value.known if isinstance(value, Partial) else value for value in values)
    if not any(brief(dim) != str(dim) for dim in dims if isinstance(dim, Expr)):
        return []
    totals = [total.value for total in table.totals.values() if total is not None]
    free = sorted({name for value in totals if isinstance(value, Expr) for name in symbols(value)})
    sizes = " ".join(f"--bind {name}={table.graph.defaults.get(name, 64)}" for name in free)
    return [f"f(…) and + … stand for long polynomials: `--format json` has them whole, and `{sizes}` gives numbers"]


def show_total(total: Total) -> str:
    """``300,774,272``; ``6,021,120 bytes (5.74 MiB)``; ``>= …`` where it is a lower bound; ``64 * T [8,192]``."""
    if total.declared is not None:
        return f"{show_total(total.replace(declared=None))} [{show_total(total.declared)}]"
    if total.value is None:
        return "depends on the symbols"
    text = brief(total.value, LONGEST) if isinstance(total.value, Expr) else number(total.value)
    text += f" {total.unit}" if total.unit else ""
    if total.unit == "bytes" and isinstance(total.value, int) and total.value >= 1024:
        text += f" ({human_bytes(total.value)})"
    return f">= {text}" if total.partial else text


def _texts(column: Column, entries: Sequence[Entry]) -> list[str]:
    """The cells of a column; most values are there several times."""
    known: dict[Any, str] = {}
    found = []
    for entry in entries:
        value = entry.cells.get(column.key)
        text = known.get(value)
        if text is None:
            text = known[value] = _cell(column, value)
        found.append(text)
    return found


def _cell(column: Column, value: Any) -> str:
    if isinstance(value, Partial):
        return ">= " + _cell(column, value.known)
    if column.kind == "field":
        return _field(value)
    if value is None:
        return "?" if column.summed else ""
    if column.kind == "window":
        return str(value[0]) if column.key != "kernel" and len(set(value)) == 1 else "x".join(map(str, value))
    if column.kind == "bytes" and isinstance(value, int):
        return human_bytes(value)
    if column.kind == "shape":
        return shortened(str(value), SHAPE)
    return str(value) if column.kind == "text" else number(value)


def _field(value: Any) -> str:
    if not isinstance(value, tuple):
        return ""
    return " x ".join(dict.fromkeys(map(seen, value)) if len(set(value)) == 1 else map(seen, value))


def _exact(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return "x".join("all" if v is None else str(_exact(v)) for v in value)
    return float(value) if isinstance(value, Fraction) else value if isinstance(value, int | float) else str(value)


# Records


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
    """Add the tool's counts to the rows; the record that is added to the totals."""
    tool = other_counters.convention(name)
    counts = other_counters.count(table.measures.bound, table.rows, tool)
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
    columns = {name: plain(getattr(work, name)) if work else None for name in Work._fields}
    origin = row.node.origin
    return {
        "path": row.path, "op": row.op, **geometry(table, row), "outputs": [str(t) for t in row.outputs],
        "params": plain(row.params), "buffers": plain(row.buffers), "weight_bytes": plain(row.weight_bytes),
        **columns, "flops": plain(row.flops),
        "in_elements": plain(row.in_elements), "in_bytes": plain(row.in_bytes),
        "out_elements": plain(row.out_elements), "out_bytes": plain(row.out_bytes),
        "traffic": plain(table.traffic(row)), "receptive_field": plain(table.receptive_field(row)),
        "place": place(origin.span), "frames": [frame.name for frame in origin.frames()],
    }  # fmt: skip
