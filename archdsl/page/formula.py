"""The formula behind the MACs of an operator: a product of sizes, held against what the cost model counts."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.analyses.at_binding import Bound
from archdsl.analyses.rows import Row
from archdsl.dims import Dim, floordiv, product
from archdsl.graph import Node
from archdsl.ops.windows import Windowed

Factors = list[tuple[str, Dim]]
"""What each size is called, and the size."""


def mac_formula(bound: Bound, row: Row) -> Factors:
    """The sizes whose product is the MACs of an operator; empty where they are no such product.

    Elements of the result, by axis, times what each of them sums over: the channels of a group and the window of a
    convolution, the features of a linear layer, the length of the axis that a matrix product sums over.
    """
    macs = row.work.mac if row.work is not None else 0
    if macs == 0:
        return []
    each = _each(bound, row.node, row.outputs[0].elements, macs)
    runs: Factors = [("runs", bound.runs[row.node])] if row.node in bound.runs else []
    whole = runs + _axes(row.outputs[0].shape) + each
    return whole if each and product(size for _, size in whole) == macs else []


def _axes(shape: Sequence[Dim]) -> Factors:
    return [(f"axis {number} of the result", size) for number, size in enumerate(shape)]


def _each(bound: Bound, node: Node, elements: Dim, macs: Dim) -> Factors:
    """What one element of the result sums over."""
    op = bound.op(node)
    if op.role == "layer" and isinstance(op, Windowed):
        entering = bound.type(node.inputs[0])
        groups = getattr(op, "groups", 1)
        if isinstance(groups, int) and groups:
            window = [(f"window, axis {number}", size) for number, size in enumerate(op.geometry(entering)[0])]
            found = [("channels in" + (" a group" if groups > 1 else ""), floordiv(entering.shape[1], groups)), *window]
            if product([elements, *(size for _, size in found)]) == macs:
                return found
    per_run = floordiv(macs, bound.runs.get(node, 1))
    if elements == 0:
        return []
    return [("products summed for each element", floordiv(per_run, elements))]
