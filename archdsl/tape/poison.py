"""Poison: the value of a refused expression."""

from __future__ import annotations

from archdsl.graph import Value


class Poison:
    """The value of a refused expression. What uses it is poison too, so that no further faults are reported."""

    kind_name = "a refused value"

    def __repr__(self) -> str:
        return "POISON"


POISON = Poison()
Flow = Value | tuple[Value, ...] | Poison
"""The current tensor or tuple of tensors."""
