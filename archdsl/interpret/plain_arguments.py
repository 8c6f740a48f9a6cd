"""Arguments that are taken each by itself: plain values, and blocks where any block is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.interpret.parametric import Formal, Parametric
from archdsl.interpret.values import BlockValue, is_refused

PLAIN = frozenset({int, float, bool, str})
"""The types of plain values."""
MOST = 1000
"""Values and operators that are kept for one parameter or call."""


def accepted(value: Any, formal: Formal, block: Parametric) -> Any:
    """A plain value as its parameter takes it; refuses what that does not take."""
    if formal.kind is None:
        return value
    key = (type(value), value)
    if key in formal.accepted:
        return formal.accepted[key]
    checked = formal.kind.check(value, f"`{formal.name}` of `{block.name}`")
    if len(formal.accepted) < MOST:
        formal.accepted[key] = checked
    return checked


def taken_alone(values: Sequence[Any], formals: Sequence[Formal], block: Parametric) -> dict[str, Any] | None:
    """What each parameter is given; ``None`` where some value is another one, or is refused."""
    given: dict[str, Any] = {}
    try:
        for formal, value in zip(formals, values):
            if type(value) in PLAIN:
                given[formal.name] = accepted(value, formal, block)
            elif isinstance(value, BlockValue) and formal.takes_blocks and not is_refused(value):
                kind = formal.kind
                given[formal.name] = value if kind is None else kind.check(value, f"`{formal.name}`")
            else:
                return None
    except Refusal:  # told where the arguments are taken one by one
        return None
    return given
