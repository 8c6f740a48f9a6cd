"""Arguments of operators that are tensors: ``lstm(64, start = (h, c))``. They enter behind the other inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archdsl.graph import Value
from archdsl.ops.base import Op
from archdsl.tape.poison import POISON, Poison


def apart(card: type[Op], arguments: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Value | Poison, ...]]:
    """The arguments with the number of tensors in place of tensors, and the tensors, in the order of the card."""
    if not card.operands:
        return dict(arguments), ()
    plain = dict(arguments)
    tensors: list[Value | Poison] = []
    for name in card.operands:
        given = arguments.get(name)
        several = given if isinstance(given, tuple | list) else (given,)
        if all(isinstance(one, Value) or one is POISON for one in several):
            plain[name] = len(several)
            tensors += several
    return plain, tuple(tensors)
