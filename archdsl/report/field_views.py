"""What ``archdsl cost --at`` tells: the receptive fields of labelled values on each axis, and misaligned joins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from archdsl.analyses.depth import ancestors
from archdsl.analyses.measure import Measures, plain, scopes
from archdsl.analyses.memory_report import source_line
from archdsl.analyses.receptive_field import Field, Misaligned
from archdsl.diagnostics import Refusal
from archdsl.graph import Graph, Value
from archdsl.record import Record
from archdsl.report.cost_table import comma_separated, number, positions
from archdsl.report.cost_views import CONVENTION
from archdsl.report.json import document, place
from archdsl.report.sections import Report, Section

ROWS = 12
"""Joins that the report for people lists."""


class AtTap(Record):
    """A labelled value: the field on each spatial axis of the input (``None``: all of it), and the joins before it."""

    tap: str
    value: Value
    fields: tuple[Field | None, ...]
    misaligned: tuple[Misaligned, ...]


_LISTED = "`--at '*'` lists those of the first level"


class Fields(Record):
    """Receptive fields at some taps of a net."""

    measures: Measures
    taps: tuple[AtTap, ...]


def at_taps(graph: Graph, binding: Mapping[str, int] | None, taps: Sequence[str]) -> Fields:
    """The fields at labels, or at all labels of one level that match a shell pattern (``layer?``, ``layer3.*``).

    Refuses (E0201) what is none.
    """
    measures = Measures(graph, binding)
    names = dict.fromkeys(name for tap in taps for name in _matching(graph, tap))
    return Fields(measures, tuple(_at(measures, name) for name in names))


def _matching(graph: Graph, tap: str) -> list[str]:
    if not any(sign in tap for sign in "*?["):
        return [tap]
    level = tap.count(".")
    labels = dict.fromkeys([*scopes(graph), *graph.taps, *graph.outputs])
    found = [name for name in labels if name.count(".") == level and fnmatchcase(name, tap)]
    if not found:
        raise Refusal("E0201", f"no label matches `{tap}`", help=_LISTED)
    return found


def _at(measures: Measures, tap: str) -> AtTap:
    try:
        value = measures.value_at(tap)
    except Refusal as refusal:
        refusal.help = refusal.help or _LISTED
        raise
    known = measures.fields
    needed = ancestors(value)
    return AtTap(tap, value, known.at(value), tuple(m for m in known.misaligned if m.node in needed))


def report(found: Fields) -> Report:
    """A row for each tap and axis; the misaligned joins with their lines."""
    graph, source = found.measures.graph, found.measures.fields.source
    type = found.measures.bound.type(source)
    rows = (
        (at.tap, axes, *figures)
        for at in found.taps
        for figures, axes in _by_figures(
            ((str(type.shape[axis]), *_shown(field)), _letter(axis, type.rank))
            for axis, field in zip(found.measures.fields.axes, at.fields)
        )
    )
    head = ("at", "axis", "input", "size", "stride", "offset")
    fields = Section("receptive fields, in positions of the input", head, tuple(rows))
    heading = f"{CONVENTION}, receptive fields: {graph.name}, input {source.name} {type}"
    facts = ("offset: the centre of what position 0 sees; sizes are rounded up to whole positions",)
    return Report(heading, (), facts, (fields, *_joins(found, type.rank)))


def _joins(found: Fields, rank: int) -> tuple[Section, ...]:
    joins = dict.fromkeys(m for at in found.taps for m in at.misaligned)
    if not joins:
        return ()
    found_at = _by_figures(((m.node, _ways(m)), _letter(m.fields[0].axis, rank)) for m in joins)
    rows = tuple(
        (node.path, axes, ways, source_line(node)[0].rpartition("/")[2]) for (node, ways), axes in found_at[:ROWS]
    )
    note = f"and {len(found_at) - ROWS} more" if len(found_at) > ROWS else ""
    title = "misaligned joins: the ways into them differ in stride or offset"
    return (Section(title, ("join", "axis", "size, stride and offset of each", "line"), rows, note),)


def _ways(m: Misaligned) -> str:
    return " | ".join(", ".join(_shown(field)) for field in dict.fromkeys(m.fields))


def _by_figures(axes: Iterable[tuple[Any, str]]) -> list[tuple[Any, str]]:
    """Axes on which the figures are the same stand on one line: ``h w``."""
    found: dict[Any, list[str]] = {}
    for figures, axis in axes:
        found.setdefault(figures, []).append(axis)
    return [(figures, " ".join(letters)) for figures, letters in found.items()]


def _shown(field: Field | None) -> tuple[str, str, str]:
    if field is None:
        return "all", "-", "-"
    return f"{positions(field.size):,}", number(field.jump), number(field.offset)


def _letter(axis: int, rank: int) -> str:
    """The axis as the language names it: ``h`` and ``w`` of an image, ``t`` of a sequence."""
    letters = {3: "nct", 4: "nchw", 5: "ncdhw"}.get(rank)
    return letters[axis] if letters else str(axis)


def json_document(found: Fields) -> str:
    """Sizes, strides and offsets as numbers; joins with the whole chain of places."""
    source = found.measures.fields.source
    return document(
        "fields", convention=CONVENTION, network=found.measures.graph.name,
        input={"name": source.name, "type": str(found.measures.bound.type(source))},
        taps=[{
            "tap": at.tap, "value": at.value.name, "type": str(found.measures.bound.type(at.value)),
            "axes": [{"axis": axis, **_record(f)} for axis, f in zip(found.measures.fields.axes, at.fields)],
            "misaligned": [_join(m) for m in at.misaligned],
        } for at in found.taps],
    )  # fmt: skip


def _join(m: Misaligned) -> dict[str, Any]:
    return {
        "path": m.node.path, "axis": m.axis, "place": place(m.node.origin.span), "line": source_line(m.node)[0],
        "fields": [_record(field) for field in m.fields],
    }  # fmt: skip


def _record(field: Field | None) -> dict[str, Any]:
    """Nulls: the whole axis."""
    if field is None:
        return {"size": None, "stride": None, "offset": None}
    return {"size": plain(field.size), "stride": plain(field.jump), "offset": plain(field.offset)}


def csv(found: Fields) -> str:
    """A line for each tap and axis; empty cells mean the whole axis."""
    rows = (
        (at.tap, axis, *("" if v is None else v for v in _record(field).values()))
        for at in found.taps
        for axis, field in zip(found.measures.fields.axes, at.fields)
    )
    return comma_separated(("tap", "axis", "size", "stride", "offset"), rows)
