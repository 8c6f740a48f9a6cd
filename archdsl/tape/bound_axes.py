"""Axes that are named by a symbol with a bound size: ``softmax(axis = H)`` with ``--bind H=64``.

Types show numbers then, and two axes may have the same. An axis is the symbol's if it comes, as it is, from an axis of
an input that is declared as the symbol.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archdsl.graph import Value
from archdsl.ops.base import Op
from archdsl.ops.look import AxisWindow
from archdsl.shapes import resolve_axis

Named = dict[tuple[Value, int], str]
"""Axes of inputs that are declared as a symbol with a bound size."""


def with_indices(op: Op, inputs: Sequence[Value], named: Named) -> Op:
    """The operator with such names replaced by indices of axes of its first input, where they are found."""
    names = set(named.values())
    changed: dict[str, Any] = {}
    for name in op.signature if inputs else ():
        given = getattr(op, name)
        if isinstance(given, tuple | str):
            found = _indices(given, inputs[0], named, names)
            if found != given:
                changed[name] = found
    return op.replace(**changed) if changed else op


def _indices(given: Any, value: Value, named: Named, names: set[str]) -> Any:
    if isinstance(given, tuple):
        return tuple([_indices(item, value, named, names) for item in given])
    if not isinstance(given, str) or given not in names:
        return given
    found = [axis for axis in range(value.type.rank) if _source(value, axis, named) == given]
    return found[0] if len(found) == 1 else given


def _source(value: Value, axis: int, named: Named) -> str:
    """The symbol of the axis of an input from which this one comes, position by position and as long; or none."""
    size = value.type.shape[axis]
    while value.producer is not None:
        node = value.producer
        window = node.op.window([one.type for one in node.inputs], [one.type for one in node.outputs])
        look = window[axis] if axis < len(window) else None
        if not isinstance(look, AxisWindow) or look.stride != 1:
            return ""
        ranks = [one for one in node.inputs if one.type.rank == value.type.rank and look.axis < one.type.rank]
        several = [one for one in ranks if one.type.shape[look.axis] != 1] or ranks or list(node.inputs)
        value, axis = several[0], look.axis
        if axis >= value.type.rank:
            return ""
    return named.get((value, axis), "") if value.type.shape[axis] == size else ""


def without_axis(outer: Value, inner: Value, gone: int | None, named: Named) -> Named:
    """The axes of a value inside of a body that are those of a symbol, as they are of the value outside that it stands
    for; it lacks the axis ``gone`` of that.
    """
    if not named:
        return {}
    kept = [axis for axis in range(outer.type.rank) if axis != gone]
    found = {(inner, new): _source(outer, old, named) for new, old in enumerate(kept)}
    return {axis: name for axis, name in found.items() if name}


def axis_index(axis: int | str, value: Value, named: Named) -> int:
    """The index of an axis of a value, which may be named by a symbol with a bound size."""
    found = _indices(axis, value, named, set(named.values()))
    return resolve_axis(found, value.type)
