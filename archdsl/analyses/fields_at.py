"""Receptive fields at labelled values, on each axis, and the misaligned joins before them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from archdsl.analyses.depth import ancestors
from archdsl.analyses.measure import Measures, scopes
from archdsl.analyses.receptive_field import Field, Misaligned
from archdsl.diagnostics import Refusal
from archdsl.graph import Graph, Value
from archdsl.record import Record
from archdsl.shown import Shown


class AtTap(Record):
    """A labelled value: the field on each spatial axis of the input (``None``: all of it), and the joins before it."""

    tap: str
    value: Value
    fields: tuple[Field | None, ...]
    misaligned: tuple[Misaligned, ...]


_LISTED = "`--at '*'` lists those of the first level"


class Fields(Shown, Record, report="archdsl.report.fields:FieldsReport"):
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
