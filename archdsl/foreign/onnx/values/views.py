"""Known tensors under other shapes, and parts of them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from archdsl.diagnostics import Refusal
from archdsl.dims import product
from archdsl.foreign.known import Array, Known
from archdsl.foreign.onnx.call import Call, Result, known
from archdsl.foreign.onnx.values.compute import MOST, computed, known_inputs


@known("Identity")
def identity(call: Call) -> Result:
    """The same tensor."""
    return call.item(0)


@known("Reshape", "Squeeze", "Unsqueeze", "Flatten")
def reshape(call: Call) -> Result:
    """The same elements in another shape."""
    x = known_inputs(call)[0]
    shape = SHAPES[call.node.op](call, x)
    if shape == x.shape:
        return x
    key = ("shape", shape)
    if key not in x.turned:
        made = computed(call, lambda a: a.reshape(shape), [x], x.dtype, view=True)
        x.turned[key] = made
    return x.turned[key]


def _reshaped(call: Call, x: Known) -> tuple[int, ...]:
    wanted = call.integers("shape" if call.version < 5 else "", 1) or []
    sizes = x.sizes
    found = [sizes[i] if size == 0 and not call.attr("allowzero", 0) and i < len(sizes) else size
             for i, size in enumerate(wanted)]  # fmt: skip
    total = product(sizes)
    rest = product([size for size in found if size != -1])
    assert isinstance(total, int) and isinstance(rest, int)
    found = [total // rest if size == -1 and rest else size for size in found]
    if product(found) != total:
        raise Refusal("E0303", f"{total} elements cannot have the shape {found}")
    return tuple(found)


def _squeezed(call: Call, x: Known) -> tuple[int, ...]:
    found = call.integers("axes", 1)
    axes = call.axes(found, len(x.shape)) if found is not None else [i for i, n in enumerate(x.sizes) if n == 1]
    if any(x.sizes[axis] != 1 for axis in axes):
        raise Refusal("E0303", f"`Squeeze` takes away an axis of {list(x.shape)} that has more than one position")
    return tuple([size for i, size in enumerate(x.sizes) if i not in axes])


def _unsqueezed(call: Call, x: Known) -> tuple[int, ...]:
    found = call.integers("axes", 1) or []
    axes = sorted(call.axes(found, len(x.shape) + len(found)))
    shape = list(x.sizes)
    for axis in axes:
        shape.insert(axis, 1)
    return tuple(shape)


def _flattened(call: Call, x: Known) -> tuple[int, ...]:
    axis = call.attr("axis", 1)
    axis = axis + len(x.shape) if axis < 0 else axis
    first, last = product(x.sizes[:axis]), product(x.sizes[axis:])
    assert isinstance(first, int) and isinstance(last, int)
    return first, last


SHAPES = {"Reshape": _reshaped, "Squeeze": _squeezed, "Unsqueeze": _unsqueezed, "Flatten": _flattened}


@known("Transpose")
def transpose(call: Call) -> Result:
    """Axes in another order; of one tensor in one order, one object."""
    x = known_inputs(call)[0]
    order = tuple(call.attr("perm") or range(len(x.shape))[::-1])
    if order not in x.turned:
        x.turned[order] = computed(call, lambda a: a.transpose(order), [x], x.dtype, view=True)
    return x.turned[order]


@known("Slice")
def slice_(call: Call) -> Result:
    """A part of each of some axes."""
    x = known_inputs(call)[0]
    if any(one.symbolic for one in known_inputs(call)[1:]):
        return NotImplemented  # type: ignore[no-any-return]
    starts, ends = call.integers("starts", 1) or [], call.integers("ends", 2) or []
    axes = call.integers("axes", 3)
    steps = call.integers("", 4)
    parts = [slice(None)] * len(x.shape)
    for i, axis in enumerate(call.axes(axes, len(x.shape)) if axes is not None else range(len(starts))):
        parts[axis] = _part(x.sizes[axis], starts[i], ends[i], steps[i] if steps else 1)
    return computed(call, lambda a: a[tuple(parts)], [x], x.dtype, view=True)


def _part(size: int, start: int, end: int, step: int) -> slice:
    if not step:
        raise Refusal("E1001", "`Slice` has the step 0")
    if step > 0:
        return slice(start, end, step)
    start = size - 1 if start >= size else start
    return slice(start, end if end >= -size else None, step)


@known("Gather")
def gather(call: Call) -> Result:
    """Positions along an axis."""
    x, at = known_inputs(call)
    axis = call.axis(0, len(x.shape))
    if at.symbolic:
        return NotImplemented  # type: ignore[no-any-return]
    index = at.array()
    if index.size and (index.min() < -x.sizes[axis] or index.max() >= x.sizes[axis]):
        raise Refusal("E1001", f"`Gather` takes a position outside of the axis {axis} of {list(x.shape)}")
    if (index.size > x.sizes[axis] or index.ndim > 1) and x.is_parameter:
        # rows that are looked up again and again are no more parameters than the table has, and those of a batch of
        # positions no fewer: the file has the table
        return NotImplemented  # type: ignore[no-any-return]
    if not x.small:
        shape = (*x.sizes[:axis], *at.sizes, *x.sizes[axis + 1 :])
        return Known(
            x.dtype, shape, load=lambda: np.take(x.array(), index, axis), weight=x.weight, fill=x.fill, name=x.name
        )
    return computed(call, lambda a: np.take(a, index, axis), [x], x.dtype)


@known("Concat")
def concat(call: Call) -> Result:
    """Along an axis."""
    items = known_inputs(call)
    axis = call.axis(1, len(items[0].shape))
    if len(items) == 1:
        return items[0]
    shape = list(items[0].sizes)
    shape[axis] = sum(one.sizes[axis] for one in items)
    made = Known(
        items[0].dtype, tuple(shape), load=lambda: np.concatenate(_alike([one.array() for one in items]), axis),
        weight=any(one.weight for one in items), name=items[0].name,
    )  # fmt: skip
    if all(one.small for one in items):
        made.array()
    return made


def _alike(arrays: list[Array]) -> list[Any]:
    return [one.astype(object) for one in arrays] if any(one.dtype == object for one in arrays) else arrays


@known("Split")
def split(call: Call) -> Result:
    """Parts along an axis."""
    x = known_inputs(call)[0]
    axis = call.axis(0, len(x.shape))
    sizes = call.integers("split", 1) or even(x.sizes[axis], len(call.node.outputs))
    ends = np.cumsum([0, *sizes]).tolist()
    before = (slice(None),) * axis
    return [
        computed(call, lambda a, lo=lo, hi=hi: a[(*before, slice(lo, hi))], [x], x.dtype, view=True)
        for lo, hi in pairwise(ends)
    ]


def even(size: int, parts: int) -> list[int]:
    """Equal parts; the last may be smaller."""
    each = -(-size // parts)
    return [min(each, max(size - i * each, 0)) for i in range(parts)]


@known("Expand", "Tile")
def expand(call: Call) -> Result:
    """Repeated along axes."""
    x, sizes = known_inputs(call)
    if x.symbolic or sizes.symbolic:
        return expanded(x, sizes.array().tolist()) if call.node.op == "Expand" else NotImplemented
    wanted = [int(one) for one in sizes.array().ravel()]
    if call.node.op == "Tile":
        shape = tuple([a * b for a, b in zip(x.sizes, wanted)])
    else:
        shape = tuple(np.broadcast_shapes(x.sizes, tuple(wanted)))
    if shape == x.shape:
        return x
    total = product(shape)
    fill = x.fill if x.fill is not None else x.array().ravel()[0].item() if total and x.elements == 1 else None
    if fill is not None:
        return Known(x.dtype, shape, fill=fill, weight=False)
    if x.is_parameter:
        return NotImplemented  # type: ignore[no-any-return]  # repeated, it is no more parameters than it was
    if not isinstance(total, int) or total > MOST:
        return NotImplemented  # type: ignore[no-any-return]
    if call.node.op == "Tile":
        return computed(call, lambda a: np.tile(a, wanted), [x], x.dtype)
    return computed(call, lambda a: np.broadcast_to(a, shape), [x], x.dtype)


def expanded(x: Known, wanted: list[Any]) -> Result:
    """One number in a shape with symbols."""
    if x.elements != 1 or (x.fill is None and x.symbolic):
        return NotImplemented  # type: ignore[no-any-return]
    fill = x.fill if x.fill is not None else x.array().ravel()[0].item()
    if len(x.shape) > len(wanted):
        return NotImplemented  # type: ignore[no-any-return]
    return Known(x.dtype, tuple(wanted), fill=fill)
