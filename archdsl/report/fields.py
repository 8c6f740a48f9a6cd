"""Receptive fields at labels as a report: the fields on each axis, and the joins whose ways in do not agree."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archdsl.analyses.field import Field
from archdsl.analyses.field_entries import Seen, size
from archdsl.analyses.fields_at import Fields
from archdsl.analyses.measure import plain
from archdsl.analyses.memory_plan import source_line
from archdsl.analyses.receptive_field import Misaligned
from archdsl.report.cost_columns import CONVENTION
from archdsl.report.figures import number, seen
from archdsl.report.json import place
from archdsl.report.page import Facts, Page, Report, Table
from archdsl.shapes import axis_letter

ROWS = 12
"""Joins that the report for people lists."""


class FieldsReport(Report):
    """The report of ``archdsl cost --at``."""

    kind = "fields"

    def __init__(self, fields: Fields) -> None:
        self.fields = fields

    def page(self) -> Page:
        """A row for each tap and axis; the misaligned joins with their lines."""
        found = self.fields
        graph, source = found.measures.graph, found.measures.fields.source
        type = found.measures.bound.type(source)
        rows = (
            (at.tap, axes, *figures)
            for at in found.taps
            for figures, axes in _by_figures(
                ((str(type.shape[axis]), *_shown(field), whole.path if whole else "-"), axis_letter(axis, type.rank))
                for axis, field, whole in zip(found.measures.fields.axes, at.fields, at.whole)
            )
        )
        head = ("at", "axis", "input", "size", "stride", "offset", "everything seen since")
        fields = Table(head, tuple(rows), title="receptive fields, in positions of the input")
        heading = f"{CONVENTION}, receptive fields: {graph.name}, input {source.name} {type}"
        facts = (
            "size: input positions from the first to the last that a position sees along maps; <=: at most",
            "offset: the centre of what position 0 sees",
        )  # fmt: skip
        return Page(heading, (Facts(facts), fields, *_joins(found, type.rank)))

    def data(self) -> dict[str, Any]:
        """Sizes, strides and offsets as numbers; joins with the whole chain of places."""
        measures, source = self.fields.measures, self.fields.measures.fields.source
        return {
            "convention": CONVENTION, "network": measures.graph.name,
            "input": {"name": source.name, "type": str(measures.bound.type(source))},
            "taps": [{
                "tap": at.tap, "value": at.value.name, "type": str(measures.bound.type(at.value)),
                "axes": [
                    {"axis": axis, **_record(f), "sees_all": whole.path if whole else None}
                    for axis, f, whole in zip(measures.fields.axes, at.fields, at.whole)
                ],
                "misaligned": [_join(m) for m in at.misaligned],
            } for at in self.fields.taps],
        }  # fmt: skip

    def grid(self) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """A line for each tap and axis; empty cells mean the whole axis."""
        rows = [
            (at.tap, axis, *("" if v is None else v for v in _record(field).values()))
            for at in self.fields.taps
            for axis, field in zip(self.fields.measures.fields.axes, at.fields)
        ]
        return ("tap", "axis", "size", "stride", "offset"), rows


def _joins(found: Fields, rank: int) -> tuple[Table, ...]:
    joins = dict.fromkeys(m for at in found.taps for m in at.misaligned)
    if not joins:
        return ()
    found_at = _by_figures(((m.node, _ways(m)), axis_letter(m.fields[0].axis, rank)) for m in joins)
    rows = tuple(
        (node.path, axes, ways, source_line(node)[0].rpartition("/")[2]) for (node, ways), axes in found_at[:ROWS]
    )
    note = f"and {len(found_at) - ROWS} more" if len(found_at) > ROWS else ""
    title = "misaligned joins: the ways into them differ in stride or offset"
    return (Table(("join", "axis", "size, stride and offset of each", "line"), rows, title=title, note=note),)


def _ways(m: Misaligned) -> str:
    return " | ".join(", ".join(_shown(field)) for field in dict.fromkeys(m.fields))


def _by_figures(axes: Iterable[tuple[Any, str]]) -> list[tuple[Any, str]]:
    """One line for all axes on which the figures are the same: ``h w``."""
    found: dict[Any, list[str]] = {}
    for figures, axis in axes:
        found.setdefault(figures, []).append(axis)
    return [(figures, " ".join(letters)) for figures, letters in found.items()]


def _shown(field: Seen) -> tuple[str, str, str]:
    if not isinstance(field, Field):
        return seen(size(field)), "-", "-"
    return seen(size(field)), number(field.jump), "?" if field.drift else number(field.offset)


def _join(m: Misaligned) -> dict[str, Any]:
    return {
        "path": m.node.path, "axis": m.axis, "place": place(m.node.origin.span), "line": source_line(m.node)[0],
        "fields": [_record(field) for field in m.fields],
    }  # fmt: skip


def _record(field: Seen) -> dict[str, Any]:
    """Nulls: the whole axis. A size that is not known exactly is a text."""
    if not isinstance(field, Field):
        return {"size": plain(size(field)), "stride": None, "offset": None}
    offset = None if field.drift else plain(field.offset)
    return {"size": plain(size(field)), "stride": plain(field.jump), "offset": offset}
