"""What is chosen by its values, and how many that are the data says: elements that are not zero, boxes that stay."""

from __future__ import annotations

from typing import Any

from archdsl import dims
from archdsl.dim_order import at_least
from archdsl.element_types import FLOATS
from archdsl.foreign.known import Known
from archdsl.foreign.onnx.call import Call, Result, rule


@rule("NonZero")
def nonzero(call: Call) -> Result:
    """A line of positions for each axis."""
    return call.apply("permute", call.apply("nonzero", call.value(0)), order=[1, 0])


@rule("Compress")
def compress(call: Call) -> Result:
    """Positions of an axis, or of all elements in their order. What is behind the last condition goes."""
    x, keep = call.value(0), call.item(1)
    axis = call.attr("axis")
    if axis is None:
        x, axis = call.apply("reshape", x, to=[dims.product(x.type.shape)]), 0
    axis = call.axes([axis], x.type.rank)[0]
    length, size = call.type(1).shape[0], x.type.shape[axis]
    if length != size and at_least(size, length):
        x = call.apply("slice", x, axis=axis, start=0, stop=length)
    if isinstance(keep, Known) and not keep.symbolic and keep.small:
        return call.apply("gather", x, indices=keep.array().nonzero()[0].tolist(), axis=axis)
    return call.apply("compress", x, call.value(1), axis=axis)


@rule("OneHot")
def one_hot(call: Call) -> Result:
    """Two values, off and on; where they are not 0 and 1, one is chosen for each position."""
    depth = call.integers("", 1)
    assert depth is not None
    at, ends, dtype = call.value(0), call.item(2), call.type(2).dtype
    if at.type.dtype in FLOATS:
        at = call.apply("cast", at, dtype="i64")
    plain = isinstance(ends, Known) and not ends.symbolic and ends.array().tolist() == [0, 1]
    made = call.apply("one_hot", at, depth=depth[0], axis=call.attr("axis", -1), dtype=dtype if plain else "bool")
    if plain:
        return made
    call.no_weights()
    off, on = (call.apply("select", call.value(2), axis=0, index=i) for i in (0, 1))
    return call.apply("where", made, on, off)


@rule("NonMaxSuppression")
def non_max_suppression(call: Call) -> Result:
    """With limits that stand in the file."""
    most, overlap, score = (_number(call, i) for i in (2, 3, 4))
    if not most or most < 1:
        return call.not_supported("no box at all")
    return call.apply(
        "non_max_suppression", call.value(0), call.value(1), max_per_class=int(most), iou_threshold=overlap or 0.0,
        score_threshold=score, center=bool(call.attr("center_point_box", 0)),
    )  # fmt: skip


def _number(call: Call, index: int) -> Any:
    """A limit; ``None`` where none is given."""
    item = call.given(index)
    if item is None:
        return None
    if not isinstance(item, Known) or item.symbolic:
        return call.not_supported("limits that are computed")
    return item.array().ravel().tolist()[0]
