"""The value of whatever was refused."""

from __future__ import annotations

from archdsl.graph import Value


class Poison:
    """Stands for what was refused. Whatever touches it is poison too, so that faults that merely follow stay silent."""

    kind_name = "a refused value"

    def __repr__(self) -> str:
        return "POISON"


POISON = Poison()
Flow = Value | tuple[Value, ...] | Poison
"""The current tensor or tuple of tensors."""
