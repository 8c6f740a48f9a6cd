"""Figures of operators in a picture: a line of each box, and how dark it is."""

from __future__ import annotations

from archdsl.analyses.cost import CostTable
from archdsl.diagnostics import Refusal
from archdsl.graph import Node
from archdsl.picture.parts import Part
from archdsl.report.figures import human_bytes

SHADES = ("macs", "params", "activations")
"""What a picture can be shaded by."""
LIGHT, DARK = (255, 250, 240), (250, 150, 80)
"""The areas of boxes that have nothing, and the most: dark letters are read on both."""


class Figures:
    """One figure of every operator."""

    def __init__(self, table: CostTable, quantity: str) -> None:
        self.quantity = quantity
        self.values: dict[Node, int] = {}
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
        value = self.of(part)
        if self.quantity == "activations":
            return human_bytes(value)
        return f"{short(value)} {'MACs' if self.quantity == 'macs' else 'params'}"

    def shades(self, parts: list[Part]) -> dict[Part, str]:
        """The colours of boxes: the square root of their part of the largest."""
        values = {part: self.of(part) for part in parts}
        most = max(values.values(), default=0) or 1
        found = {}
        for part, value in values.items():
            dark = (value / most) ** 0.5
            mixed = (round(low + (high - low) * dark) for low, high in zip(LIGHT, DARK))
            found[part] = "#" + "".join(f"{one:02x}" for one in mixed)
        return found


def short(value: int) -> str:
    """``1.2M``, ``950``."""
    size, unit = float(value), ""
    for unit in ("", "k", "M", "G", "T", "P"):
        if size < 1000 or unit == "P":
            break
        size /= 1000
    return f"{value}" if not unit else f"{size:.3g}{unit}"
