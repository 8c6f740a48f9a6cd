"""The difference between two networks as a report: figures, interface, and the changes with their costs."""

from __future__ import annotations

from typing import Any

from archdsl.analyses.measure import QUANTITIES
from archdsl.compare.diff import Difference, Figure
from archdsl.compare.fold import Change
from archdsl.compare.structure import Structure
from archdsl.dim_text import brief
from archdsl.report.figures import human_bytes
from archdsl.report.page import Facts, Page, Report, Table
from archdsl.report.text import counted

RENAMED = 12
"""Renamed operators that the report for people lists."""
SIGNS = {"added": "+", "removed": "-"}


class DiffReport(Report):
    """The report of ``archdsl diff``."""

    kind = "diff"

    def __init__(self, difference: Difference) -> None:
        self.difference = difference

    def page(self) -> Page:
        """Figures before and after, the interface, and the changes with what they cost."""
        found = self.difference
        figures = Table(
            ("", "before", "after", "change", ""), tuple(figure_rows(found)), frozenset({1, 2, 3, 4}),
            note=found.remark, inset=True,
        )  # fmt: skip
        interface = Facts(found.interface.lines, f"interface: {found.interface.verdict}")
        kept = (Facts((), f"structure: {structure(found)}"),) if structure(found) else ()
        rows = change_rows(found)
        changes = Table(
            ("changes", "where", "params", "MACs"), tuple(row[1:] for row in rows), frozenset({2, 3}),
            levels=tuple(row[0] for row in rows),
        )  # fmt: skip
        return Page(heading(found), (figures, interface, *kept, *_renamed(found), *((changes,) if rows else ())))

    def data(self) -> dict[str, Any]:
        """Everything, exact."""
        found, i = self.difference, self.difference.interface
        figures = {
            f.quantity: {
                "old": f.old, "new": f.new, "unit": QUANTITIES[f.quantity].unit,
                **({"partial": {"old": f.partial[0], "new": f.partial[1]}} if any(f.partial) else {}),
            }
            for f in found.figures
        }  # fmt: skip
        return {
            "old": found.old, "new": found.new, "settings": found.settings, "figures": figures, "remark": found.remark,
            "interface": {
                "verdict": i.verdict, "breaking": list(i.breaking), "weights": list(i.weights), "notes": list(i.notes),
                **({"names": list(i.names)} if i.names else {}),
            },
            "renamed": None if found.renamed is None else dict(found.renamed),
            "corresponding": None if found.structure is None else [list(pair) for pair in found.structure.pairs],
            "changes": [_record(change) for change in found.changes],
        }  # fmt: skip


def _renamed(found: Difference) -> tuple[Table, ...]:
    """The first names that changed."""
    pairs = list((found.renamed or {}).items())
    if not pairs:
        return ()
    note = f"and {len(pairs) - RENAMED:,} more" if len(pairs) > RENAMED else ""
    return (Table(("before", "after"), tuple(pairs[:RENAMED]), frozenset(), note=note),)


def heading(found: Difference) -> str:
    """``mobilenet_v2 -> mobilenet_v2_w1_4 (MobileNetV2: width 1.0 -> 1.4)``."""
    return f"{found.old} -> {found.new}" + (f" ({found.settings})" if found.settings else "")


def figure_rows(found: Difference) -> list[tuple[str, str, str, str, str]]:
    """Quantity, before, after, change, and the change in per cent."""
    return [(f.quantity, *_sides(f), *_change(f)) for f in found.figures]


def _sides(f: Figure) -> tuple[str, str]:
    old, new = (
        (">= " if low else "") + _shown(f.quantity, value) for value, low in zip((f.old, f.new), f.partial)
    )  # fmt: skip
    return old, new


def _change(f: Figure) -> tuple[str, str]:
    if any(f.partial):
        return "unknown", ""
    if not isinstance(f.old, int) or not isinstance(f.new, int):
        return "" if f.old == f.new else "changed", ""
    step = f.new - f.old
    if not step:
        return "0", ""
    return _signed(step, f.quantity), f"{step / f.old:+.1%}" if f.old else ""


def _shown(quantity: str, value: Any) -> str:
    if value is None:
        return "symbolic"
    if isinstance(value, list):
        return "[" + ", ".join("all" if v is None else _shown(quantity, v) for v in value) + "]"
    if QUANTITIES[quantity].unit == "bytes" and isinstance(value, int):
        return human_bytes(value)
    return f"{value:,}" if isinstance(value, int | float) else brief(value)


def _signed(value: int, quantity: str = "params") -> str:
    text = human_bytes(abs(value)) if QUANTITIES[quantity].unit == "bytes" else f"{abs(value):,}"
    return ("+" if value > 0 else "-" if value < 0 else "") + text


def structure(found: Difference) -> str:
    """A line for what did not change."""
    if found.renamed:
        return f"the same network under other names: {counted(len(found.renamed), 'operator')} renamed"
    if found.structure is not None:
        return _aligned(found.structure)
    if not found.changes:
        return "no operator changed"
    kinds = {part.kind for change in found.changes for part in (change, *change.parts)}
    moved = kinds & {"added", "removed", "replaced", "repeat"}
    return "" if moved else "the same operators in the same order"


def _aligned(found: Structure) -> str:
    """What corresponds where names do not say it."""
    pairs, (old, new) = len(found.pairs), found.sizes
    if found.same:
        return f"no difference in structure: all {pairs:,} layers, activations and joins correspond"
    sides = f"of {old:,} before and {new:,} after"
    return f"{pairs:,} layers, activations and joins correspond, {sides} (names are not compared)"


def change_rows(found: Difference) -> list[tuple[int, str, str, str, str]]:
    """Level, what changed, where, and what it costs in parameters and MACs."""
    rows = []
    for change in found.changes:
        rows.append((0, *_row(change)))
        rows += [(1, *_row(part)) for part in change.parts]
    return rows


def _row(change: Change) -> tuple[str, str, str, str]:
    sign = SIGNS.get(change.kind, "~")
    times = f"{change.count} x " if change.count > 1 and change.kind != "repeat" else ""
    what = f"{times}{change.what}"
    if change.kind == "resized":
        noun = "operator that only has" if change.count == 1 else "operators that only have"
        what = f"{change.count} {noun} other sizes: {change.what}"
    return f"{sign} {what}", change.where, _signed(change.params), _signed(change.macs) if change.counted else "?"


def _record(change: Change) -> dict[str, Any]:
    names = ("kind", "what", "where", "count", "params", "macs")
    known = {} if change.counted else {"macs_complete": False}
    return {name: getattr(change, name) for name in names} | known | {"parts": [*map(_record, change.parts)]}
