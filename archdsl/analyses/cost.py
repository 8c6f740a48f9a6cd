"""Costs of a network, for each operator and in total.

``cost(graph)`` measures at the graph's defaults (batch 1). Everything is exact: integers where all symbols have values,
polynomials where they do not. What is counted how is ``archdsl cost v1``: ``docs/cost_model.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import cached_property
from typing import Any

from archdsl.analyses import memory
from archdsl.analyses.field import AtMost
from archdsl.analyses.field_entries import Open, sizes
from archdsl.analyses.measure import QUANTITIES, Amount, Measurement, Measures
from archdsl.analyses.rows import Row
from archdsl.arguments import checked
from archdsl.diagnostics import Refusal
from archdsl.dim_faults import needs_sizes
from archdsl.dims import Dim
from archdsl.graph import Graph
from archdsl.rewrites.merge import deployed
from archdsl.shown import Tabled


def cost(graph: Graph, binding: Mapping[str, int] | None = None, *, symbolic: bool = False) -> CostTable:
    """The costs of a graph.

    ``binding`` gives values to symbols (``{"N": 8, "H": 384}``) over the graph's own defaults; a batch ``N`` without
    any is 1. With ``symbolic`` nothing is bound and costs are polynomials of the graph's symbols.
    """
    if not isinstance(graph, Graph):
        raise TypeError(f"cost() takes a graph, not {graph!r:.60}; use archdsl.load(…).graph()")
    return CostTable(Measures(graph, binding, symbolic=symbolic))


class CostTable(Tabled, report="archdsl.report.costs:CostReport"):
    """A row for each operator, and the totals. Rows and totals are computed when first read; it prints itself."""

    def __init__(self, measures: Measures) -> None:
        self.measures = measures
        self.graph = measures.graph
        self._seen: dict[tuple[int, ...], tuple[int | AtMost | Open | None, ...]] = {}
        """Sizes of receptive fields, by the entries that they are of and the axes of which everything is seen."""

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

    @checked
    def total(self, quantity: str) -> Amount:
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
        """The costs of the deployed graph: batch norms folded into layers, parallel linear branches merged."""
        given = {name: size for name, size in self.binding.items() if isinstance(size, int)}
        return cost(deployed(self.graph), given, symbolic=not self.binding)

    def receptive_field(self, row: Row) -> tuple[int | AtMost | Open | None, ...] | None:
        """What a row's first output sees of the input along maps, per spatial axis (``None``: all of the axis).

        ``None`` for operators that do not depend on the input.
        """
        fields = self.measures.fields
        value = row.node.outputs[0]
        if value not in fields:
            return None
        like = id(fields.entries[value]), *fields.whole[value]
        if like not in self._seen:
            self._seen[like] = sizes(fields.at(value))
        return self._seen[like]

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


def _number(dim: Dim) -> float:
    if not isinstance(dim, int):
        raise needs_sizes("a time", [dim])
    return float(dim)
