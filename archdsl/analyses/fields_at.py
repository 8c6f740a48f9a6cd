"""Receptive fields at labelled values, on each axis, and the misaligned joins before them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from archdsl.analyses.depth import scopes
from archdsl.analyses.field_entries import Seen
from archdsl.analyses.measure import Measures
from archdsl.analyses.receptive_field import Misaligned
from archdsl.diagnostics import Refusal
from archdsl.graph import Graph, Node, Value
from archdsl.record import Record
from archdsl.shown import Shown


class AtTap(Record):
    """A labelled value: what it sees on each spatial axis of the input along maps (``None``: all of it), the operator
    since which everything is seen as well (``None``: it is not), and the joins before it.
    """

    tap: str
    value: Value
    fields: tuple[Seen, ...]
    whole: tuple[Node | None, ...]
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
    values = {name: _value(measures, name) for name in names}
    fields, before = measures.fields, joins_before(measures, values.values())
    found = []
    for name, value in values.items():
        whole = fields.whole.get(value, {})
        since = tuple(whole.get(axis) for axis in fields.axes)
        found.append(AtTap(name, value, fields.at(value), since, before[value]))
    return Fields(measures, tuple(found))


def _matching(graph: Graph, tap: str) -> list[str]:
    if not any(sign in tap for sign in "*?["):
        return [tap]
    level = tap.count(".")
    labels = dict.fromkeys([*scopes(graph), *graph.all_taps(), *graph.outputs])
    found = [name for name in labels if name.count(".") == level and fnmatchcase(name, tap)]
    if not found:
        raise Refusal("E0201", f"no label matches `{tap}`", help=_LISTED)
    return found


def _value(measures: Measures, tap: str) -> Value:
    try:
        return measures.value_at(tap)
    except Refusal as refusal:
        refusal.help = refusal.help or _LISTED
        raise


def joins_before(measures: Measures, values: Iterable[Value]) -> dict[Value, tuple[Misaligned, ...]]:
    """The misaligned joins that each value depends on. One walk over the graph, whatever the number of values."""
    known = measures.fields.misaligned
    wanted: dict[Value, tuple[Misaligned, ...]] = dict.fromkeys(values, ())
    if not known:
        return wanted
    own: dict[Node, int] = {}  # as the bits of a number, so that sets are merged by `|`
    for bit, join in enumerate(known):
        own[join.node] = own.get(join.node, 0) | 1 << bit
    last = {value: step for step, node in enumerate(measures.bound.nodes) for value in node.inputs}
    seen: dict[Value, int] = {}
    for step, node in enumerate(measures.bound.nodes):
        bits = own.get(node, 0)
        for value in node.inputs:
            bits |= seen.get(value, 0)
            if last[value] == step and value not in wanted:
                seen.pop(value, None)
        seen.update(dict.fromkeys(node.outputs, bits))
    return {value: tuple(join for bit, join in enumerate(known) if seen.get(value, 0) >> bit & 1) for value in wanted}
