"""Parts of tensors, and positions that are given or computed."""

from __future__ import annotations

from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.dim_order import at_least
from archdsl.dim_solve import bindable
from archdsl.dims import Dim, Expr, symbol
from archdsl.element_types import FLOATS
from archdsl.foreign.importer import BoundedError
from archdsl.foreign.known import Known
from archdsl.foreign.onnx.call import Call, Result, rule
from archdsl.graph import Value

FAR = (1 << 31) - 1
"""Ends from here on mean the end of the axis."""


@rule("Slice")
def slice_(call: Call) -> Result:
    """One of ours for each axis; backwards it is a reversal first."""
    x = call.value(0)
    starts, ends = call.numbers("starts", 1), call.numbers("ends", 2)
    steps = call.integers("", 4)
    if starts is None or ends is None or len(starts) != len(ends):
        raise Refusal("E1001", "`Slice` has no starts and ends")
    given = call.integers("axes", 3)
    axes = call.axes(given, x.type.rank) if given is not None else list(range(len(starts)))
    for i, axis in enumerate(axes):
        x = _sliced(call, x, axis, starts[i], ends[i], steps[i] if steps else 1)
    return x


def _sliced(call: Call, x: Value, axis: int, start: Any, end: Any, step: int) -> Value:
    size = x.type.shape[axis]
    if step < 0:
        x = call.apply("reverse", x, axis=axis)
        start, end, step = _backwards(call, start, size), _backwards(call, end, size), -step
    start, stop = _place(start, size), _place(end, size)
    if start == 0 and (stop is None or stop == size) and step == 1:
        return x
    _bounded(size, stop)
    return call.apply("slice", x, axis=axis, start=start, stop=stop, step=step)


def _bounded(size: Dim, stop: Any) -> None:
    """A table is cut to a size of the inputs: the model works up to the table's length, which bounds that size."""
    if isinstance(size, int) and isinstance(stop, Expr) and at_least(size, stop) is None:
        name = bindable(stop)
        if name is not None and stop == symbol(name):
            raise BoundedError(str(name), size)


def _place(at: Any, size: Dim) -> Any:
    """A start or an end, clamped; ``None`` for the end of the axis."""
    if isinstance(at, int) and at >= FAR:
        return None
    if isinstance(at, int) and isinstance(size, int):
        return min(max(at + size if at < 0 else at, 0), size)
    return at


def _backwards(call: Call, at: Any, size: Dim) -> Any:
    if isinstance(at, int) and at >= FAR:
        return 0
    if isinstance(at, int) and at <= -FAR:
        return FAR
    at = at + size if isinstance(at, int) and at < 0 else at
    if isinstance(size, int) and isinstance(at, int):
        at = min(at, size - 1)
    return size - 1 - at


@rule("Gather")
def gather(call: Call) -> Result:
    """A table of the file that is looked up is an embedding."""
    table, at = call.item(0), call.item(1)
    rank = call.type(0).rank
    axis = call.axis(0, rank)
    if isinstance(at, Known) and not at.symbolic and at.dtype[0] == "i" and len(at.shape) <= 1 and at.small:
        index = at.array().tolist()
        if isinstance(index, int):
            return call.apply("select", call.value(0), axis=axis, index=index)
        if index:
            return call.apply("gather", call.value(0), indices=index, axis=axis)
    if isinstance(table, Known) and rank == 2 and not axis and table.dtype in FLOATS and table.is_parameter:
        rows, features = table.sizes
        return call.apply(
            "embedding", call.value(1), weights={"weight": table}, count=rows, features=features, dtype=table.dtype
        )
    if rank == 1:
        call.no_weights()  # a list of numbers, and no embedding
    return call.apply("take", call.value(0), call.value(1), axis=axis)


@rule("GatherElements", "GatherND")
def gather_elements(call: Call) -> Result:
    """Single elements."""
    if call.node.op == "GatherElements":
        return call.apply("gather_elements", call.value(0), call.value(1), axis=call.axis(0, call.type(0).rank))
    if call.attr("batch_dims", 0):
        return call.not_supported("axes that are common to both")
    return call.apply("gather_nd", call.value(0), call.value(1))


@rule("ScatterElements", "Scatter")
def scatter(call: Call) -> Result:
    """Single elements replaced, or taken in; numbers of the file that are put into places are no layer's weight."""
    call.no_weights()
    return call.apply(
        "scatter_elements", call.value(0), call.value(1), call.value(2), axis=call.axis(0, call.type(0).rank),
        reduce=call.attr("reduction", "none"),
    )  # fmt: skip


@rule("Split")
def split(call: Call) -> Result:
    """Parts along an axis."""
    x = call.value(0)
    axis = call.axis(0, x.type.rank)
    count = len(call.node.outputs)
    sizes = call.numbers("split", 1)
    size = x.type.shape[axis]
    if sizes is None:
        count = call.attr("num_outputs", count)
        each = size
        if isinstance(size, int):
            whole = -(-size // count)
            sizes = [min(whole, size - whole * i) for i in range(count)]
        if isinstance(each, int) and len({*(sizes or ())}) == 1:
            sizes = None
    elif len({*sizes}) == 1:
        sizes = None
    if count == 1:
        return x
    return call.apply_all("split", x, parts=sizes if sizes is not None else count, axis=axis)


@rule("Expand")
def expand(call: Call) -> Result:
    """To a shape that both broadcast to."""
    from archdsl.shapes import broadcast

    x = call.value(0)
    shape = broadcast([x.type.shape, tuple(call.numbers("", 1) or ())])
    return x if shape == x.type.shape else call.apply("broadcast_to", x, to=list(shape))


@rule("Tile")
def tile(call: Call) -> Result:
    """Repeated along axes; a symbolic number of times by way of an axis of one position."""
    x = call.value(0)
    counts = call.numbers("", 1) or []
    if all(isinstance(one, int) for one in counts):
        return x if set(counts) <= {1} else call.apply("tile", x, counts=counts)
    apart: list[Dim] = []
    wide: list[Dim] = []
    for count, size in zip(counts, x.type.shape):
        apart += [1, size]
        wide += [count, size]
    made = call.apply("broadcast_to", call.apply("reshape", x, to=apart), to=wide)
    return call.apply("reshape", made, to=[count * size for count, size in zip(counts, x.type.shape)])


@rule("Trilu")
def trilu(call: Call) -> Result:
    """A triangle of the last two axes, zeros elsewhere."""
    import numpy as np

    x, k = call.value(0), (call.integers("", 1) or [0])[0]
    rows, columns = (call.integer(size, "a size") for size in x.type.shape[-2:])
    kept = (
        np.triu(np.ones((rows, columns), bool), k)
        if call.attr("upper", 1)
        else np.tril(np.ones((rows, columns), bool), k)
    )
    mask = Known("bool", kept.shape, array=kept)
    zero = call.apply("constant", values=0, dtype=x.type.dtype)
    return call.apply("where", call.as_value(mask, "triangle"), x, zero)
