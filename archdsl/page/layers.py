"""The rows of the document: one for each operator, a list of cells in the order of :data:`COLUMNS`. What operators that
are alike have in common is a kind, a list of cells in the order of :data:`KIND_COLUMNS`.
"""

from __future__ import annotations

from typing import Any

from archdsl.analyses.cost import CostTable
from archdsl.analyses.rows import Row, flops
from archdsl.graph import Node, Value
from archdsl.page.cells import Cells
from archdsl.page.fields import Fields
from archdsl.page.formula import mac_formula
from archdsl.page.places import Places
from archdsl.report.cost_columns import geometry
from archdsl.shapes import TensorType

COLUMNS = ("path", "inputs", "fused_into", "receptive_field", "map", "frame", "kind")
KIND_COLUMNS = (
    "op", "text", "role", "outputs", "kernel", "stride", "groups", "params", "buffers", "weight_bytes",
    "macs", "adds", "muls", "comparisons", "specials", "flops", "activations", "traffic", "weights", "formula",
    "line", "made_at",
)  # fmt: skip
MAX_TEXT = 300
"""Characters of an operator as a spec would write it."""


class Layers:
    """Makes the rows of a table of costs; figures are polynomials where ``symbolic`` has them."""

    def __init__(self, table: CostTable, symbolic: CostTable, cells: Cells, places: Places) -> None:
        self.table = table
        self.symbolic = symbolic
        self.cells = cells
        self.places = places
        self.steps = table.measures.bound.steps
        self.parameters: list[list[Any]] = []
        """Slots and shapes of the parameters of an operator; equal ones once."""
        self._parameters: dict[str, int] = {}
        self.spots: list[list[int]] = []
        """Places in texts, each once."""
        self._spots: dict[tuple[int, ...], int] = {}
        self.formulas: list[list[str]] = []
        self._formulas: dict[tuple[str, ...], int] = {}
        self.fields = Fields(table)
        self.kinds: list[list[Any]] = []
        self._kinds: dict[str, int] = {}
        inputs = table.graph.inputs
        self._inputs = {value: -1 - number for number, value in enumerate(inputs)}

    def rows(self) -> list[list[Any]]:
        """Every operator in order of use."""
        return [self._row(*both) for both in zip(self.table.rows, self.symbolic.rows)]

    def type(self, type: TensorType) -> list[Any]:
        """``[element type, [size, …]]``."""
        return [type.dtype, [self.cells.cell(size) for size in type.shape]]

    def start(self, value: Value) -> int | None:
        """Where a value is from: the number of a row, ``-1 - i`` for input i of the network, ``None`` for the input of
        a body.
        """
        return self.steps[value.producer] if value.producer is not None else self._inputs.get(value)

    def _row(self, row: Row, symbolic: Row) -> list[Any]:
        node, cell = row.node, self.cells.cell
        work = symbolic.work
        kernel = self.table.measures.schedule.kernels.get(node)
        shape = geometry(self.table, row)
        figures = [work.mac, work.add, work.mul, work.cmp, work.special, flops(work)] if work else [None] * 6
        kind = [
            row.op, repr(node.op)[:MAX_TEXT], node.op.role, [self.type(type) for type in symbolic.outputs],
            _sizes(shape["kernel"]), _sizes(shape["stride"]), shape["groups"],
            cell(symbolic.params), cell(symbolic.buffers), cell(symbolic.weight_bytes),
            *map(cell, figures), cell(symbolic.out_bytes), cell(self.symbolic.traffic(symbolic)),
            self._weights(node), self._formula(symbolic), self._spot(self.places.reader(node)),
            self._spot(self.places.spot(node.origin.span)),
        ]  # fmt: skip
        return [
            row.path, [self.start(value) for value in node.inputs], None if kernel is None else self.steps[kernel],
            self.cells.seen(self.table.receptive_field(row)), self.fields.of(node.outputs[0]) if node.outputs else None,
            self.places.frame(node.origin.frame), self._kind(kind),
        ]  # fmt: skip

    def _kind(self, kind: list[Any]) -> int:
        number = self._kinds.setdefault(repr(kind), len(self.kinds))
        if number == len(self.kinds):
            self.kinds.append(kind)
        return number

    def _spot(self, spot: list[int] | None) -> int | None:
        if spot is None:
            return None
        number = self._spots.setdefault(tuple(spot), len(self.spots))
        if number == len(self.spots):
            self.spots.append(spot)
        return number

    def _weights(self, node: Node) -> int | None:
        """The number of what an operator owns; ``None`` where that is nothing, or what a body owns."""
        held = [[slot, *map(self.cells.cell, one.type.shape)] for slot, one in node.params.items()]
        if not held or node.body is not None:
            return None
        number = self._parameters.setdefault(repr(held), len(self.parameters))
        if number == len(self.parameters):
            self.parameters.append(held)
        return number

    def _formula(self, row: Row) -> list[Any] | None:
        """``[number of its names, size, …]``."""
        found = mac_formula(self.symbolic.measures.bound, row)
        if not found:
            return None
        names = tuple(name for name, _ in found)
        if names not in self._formulas:
            self._formulas[names] = len(self.formulas)
            self.formulas.append(list(names))
        return [self._formulas[names], *(self.cells.cell(size) for _, size in found)]


def _sizes(sizes: Any) -> list[int | str] | None:
    return [int(size) if isinstance(size, int) else str(size) for size in sizes] if sizes is not None else None
