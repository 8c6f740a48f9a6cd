"""Axes that may have no position, such as that of a cache which is empty at first: what may be done with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archdsl.diagnostics import Refusal
from archdsl.dim_order import at_least
from archdsl.dims import Dim, limits
from archdsl.ops.base import Op
from archdsl.ops.look import AxisWindow
from archdsl.shapes import TensorType


def may_be_empty(size: Dim) -> bool:
    """Whether a size can be 0."""
    return at_least(size, 1) is not True


def anything_empty(sizes: Iterable[Dim]) -> bool:
    """Whether some size is 0, or has a symbol that can be."""
    return any(size == 0 or any(name.least == 0 for name in limits(size)) for size in sizes)


def check_empty(op: Op, ins: Sequence[TensorType], outs: Sequence[TensorType]) -> None:
    """Refuse (E0302) an operator that needs an element of an axis that may have none: the largest of nothing.

    An operator says what it takes (:meth:`archdsl.ops.base.Op.empty_axes`). What looks at a neighbourhood takes none,
    not even an empty batch: engines have no such kernels.
    """
    takes = op.empty_axes()
    if takes == "all" and not (op.holds_graph and may_be_empty(op.runs(ins))):
        return
    for source, type in enumerate(ins):
        axes = [axis for axis, size in enumerate(type.shape) if may_be_empty(size)]
        if not axes:
            continue
        looks = [look for look in op.looks(ins, outs, source, 0) if isinstance(look, AxisWindow)]
        kept = [look.axis for look in looks] if takes == "own" and all(map(_own, looks)) else []
        for axis in axes:
            if axis not in kept:
                size = type.shape[axis]
                shown = "is" if size == 0 else "may be"
                help = "join what may be empty to something that is not first: `concat`" if size != 0 else ""
                message = f"`{op.name}` needs an element on axis {axis} of {type}, which {shown} empty"
                raise Refusal("E0302", message, help=help)


def _own(look: AxisWindow) -> bool:
    return look.extent == 0 and look.stride == 1 and look.shift == 0 and not look.whole
