"""Figures of operators in a picture: a line of each box, and how dark it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archdsl.analyses.cost import CostTable
from archdsl.diagnostics import Refusal
from archdsl.graph import Node
from archdsl.picture.parts import Part
from archdsl.record import Record
from archdsl.report.figures import human_bytes

SHADES = ("macs", "params", "activations")
"""What a picture can be shaded by."""
UNITS = {"macs": "MACs", "params": "parameters", "activations": "bytes of results"}
LIGHT, DARK = (255, 250, 240), (250, 150, 80)
"""The areas of boxes that have nothing, and the most: dark letters are read on both."""


class Figures:
    """One figure of every operator."""

    def __init__(self, table: CostTable, quantity: str) -> None:
        self.quantity = quantity
        self.values: dict[Node, int] = {}
        free = set(table.graph.symbols())
        sizes = ", ".join(f"{name} = {size}" for name, size in table.binding.items() if name in free)
        self.sizes = f" at {sizes}" if sizes and quantity != "params" else ""
        for row in table.rows:
            work = 0 if row.work is None else row.work.mac
            value = {"macs": work, "params": row.params, "activations": row.out_bytes}[quantity]
            if not isinstance(value, int):
                help = "give every symbol a size with `--bind`"
                raise Refusal("E0007", f"the {quantity} of `{row.path}` depend on symbols: {value}", help=help)
            self.values[row.node] = value

    def of(self, part: Part) -> int:
        """Of all that is in a part."""
        return sum(self.values.get(node, 0) for node in part.all_nodes())

    def text(self, part: Part) -> str:
        """``1.2M MACs``."""
        unit = {"macs": " MACs", "params": " params", "activations": ""}[self.quantity]
        return f"{self._number(self.of(part))}{unit}"

    def shades(self, parts: list[Part]) -> Shades:
        """The colours of boxes: the square root of their part of the largest."""
        values = {part: self.of(part) for part in parts}
        most = max(values.values(), default=0)
        areas = {part: shade((value / (most or 1)) ** 0.5) for part, value in values.items()}
        ticks = [self._number(value) for value in (0, most // 4, most)]
        return Shades(areas, f"{UNITS[self.quantity]}{self.sizes}", ticks)

    def _number(self, value: int) -> str:
        return human_bytes(value) if self.quantity == "activations" else short(value)


class Shades(Record):
    """The areas of boxes, and what a legend says of them."""

    areas: Mapping[Part, str]
    title: str
    """The figure, its unit, and the sizes that it is of."""
    ticks: Sequence[str]
    """The figures at the begin, the middle and the end of the scale."""


def shade(dark: float) -> str:
    """A colour between that of nothing (0) and that of the most (1)."""
    mixed = (round(low + (high - low) * dark) for low, high in zip(LIGHT, DARK))
    return "#" + "".join(f"{one:02x}" for one in mixed)


def short(value: int) -> str:
    """``1.2M``, ``950``."""
    size, unit = float(value), ""
    for unit in ("", "k", "M", "G", "T", "P"):
        if size < 1000 or unit == "P":
            break
        size /= 1000
    return f"{value}" if not unit else f"{size:.3g}{unit}"
