"""The receptive fields of a network held against what its positions really depend on."""

from __future__ import annotations

from collections import Counter
from typing import Any

from dependence import Repeated, dependences, ends, statistics

import archdsl
from archdsl.analyses.at_binding import Bound
from archdsl.analyses.field import Field
from archdsl.analyses.receptive_field import ReceptiveFields, receptive_fields
from archdsl.graph import Graph, Value


def compare(text: str, fields: Any = receptive_fields) -> Counter[str]:
    """Assert of every map of a network that each position that padding does not reach sees what the field says, that
    an upper bound is one, and that statistics of whole maps are told where they come in. What was compared, counted.
    """
    graph = archdsl.load(text).graph()
    found: ReceptiveFields = fields(Bound(graph))
    try:
        truth, whole = dependences(graph), statistics(graph)
    except Repeated:
        return Counter(repeated=1)
    holes = any(None in e.spans for entries in found.entries.values() for e in entries if isinstance(e, Field))
    counted: Counter[str] = Counter(networks=1, flat=len(found.axes) == 1)
    for value, sets in truth.items():
        if sets is None or value not in found:
            continue
        first = whole[value]
        assert set(found.whole[value].values()) == ({first} if first else set()), f"{value.name} sees all"
        counted["maps"] += 1
        counted["gated"] += first is not None
        for axis, field in enumerate(found.at(value)):
            if not isinstance(field, Field):
                counted["lost"] += 1
                continue
            own = next(i for i, e in enumerate(found.entries[value]) if isinstance(e, Field) and e.axis == axis + 2) - 2
            real = _along(ends(sets, _sizes(graph), axis), own)
            counted["exact" if field.exact else "bounds"] += 1
            counted["positions"] += len(real)
            _hold(value, field, real, holes and len(found.axes) > 1)
    return counted


def _sizes(graph: Graph) -> tuple[int, ...]:
    return tuple(size for size in graph.inputs[0].type.shape[2:] if isinstance(size, int))


def _along(real: dict[tuple[int, ...], tuple[int, int] | None], axis: int) -> dict[int, tuple[int, int] | None]:
    """What all positions of one index see together."""
    found: dict[int, tuple[int, int] | None] = {}
    for position, span in real.items():
        before = found.get(position[axis])
        if span is not None and before is not None:
            span = min(span[0], before[0]), max(span[1], before[1])
        found[position[axis]] = span or before
    return found


def _hold(value: Value, field: Field, real: dict[int, tuple[int, int] | None], holes: bool) -> None:
    """``holes``: some positions see nothing, which on two axes leaves others with less than each axis says alone."""
    seen = {}
    for y, span in real.items():
        where = f"{value.name}, position {y}: {field}"
        if not field.exact:
            assert span is None or (field.low + field.jump * y <= span[0] and span[1] <= field.high + field.jump * y)
            continue
        turns, phase = divmod(y, len(field.spans))
        one, moved = field.spans[phase], int(turns * len(field.spans) * field.jump)
        told = None if one is None else (one[0] + moved, one[1] + moved)
        if holes:
            assert span is None or (told is not None and told[0] <= span[0] and span[1] <= told[1]), (where, span)
        else:
            assert told == span, (where, span)
        seen[phase] = span
    widths = [span[1] - span[0] + 1 for span in real.values() if span is not None]
    assert max(widths, default=0) <= field.size, value.name
    if field.exact and len(seen) == len(field.spans) and not holes:
        assert max(widths, default=0) == field.size, f"{value.name} is said to see {field.size}"
