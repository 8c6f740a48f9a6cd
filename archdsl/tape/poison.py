"""Poison: the value of a refused expression."""

from __future__ import annotations

from archdsl.graph import Value

UNKNOWN = "\u2370"
"""Begins what stands in a message for what an earlier fault left unknown; it cannot occur in a spec."""
REFUSED = f"{UNKNOWN}0"
"""Stands in a message for a refused value: a refusal that speaks of one merely follows from an earlier fault."""


class Poison:
    """The value of a refused expression. What uses it is poison too, so that no further faults are reported."""

    kind_name = REFUSED

    def __repr__(self) -> str:
        return "POISON"


POISON = Poison()
Flow = Value | tuple[Value, ...] | Poison
"""The current tensor or tuple of tensors."""
