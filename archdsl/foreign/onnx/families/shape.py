"""Tensors under other shapes, and joins."""

from __future__ import annotations

from typing import Any

from archdsl import dims
from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.foreign.onnx.call import Call, Result, rule
from archdsl.graph import Value


@rule("Reshape")
def reshape(call: Call) -> Result:
    """To sizes that are known: 0 takes the input's, and one -1 what is left."""
    x = call.value(0)
    wanted = call.numbers("shape" if call.version < 5 else "", 1)
    assert wanted is not None
    return reshaped(call, x, wanted, keeps=not call.attr("allowzero", 0))


def reshaped(call: Call, x: Value, wanted: list[Any], *, keeps: bool = True) -> Value:
    """``x`` under another shape."""
    sizes: list[Dim] = []
    for axis, size in enumerate(wanted):
        if isinstance(size, int) and size == 0 and keeps:
            if axis >= x.type.rank:
                raise Refusal("E1001", f"`Reshape` keeps the size of axis {axis}, which {x.type} does not have")
            size = x.type.shape[axis]
        sizes.append(size)
    if sum(size == -1 for size in sizes) == 1:
        at = next(i for i, size in enumerate(sizes) if size == -1)
        rest = dims.product([size for i, size in enumerate(sizes) if i != at])
        sizes[at] = 0 if rest == 0 else dims.floordiv(x.type.elements, rest)
    if tuple(sizes) == x.type.shape:
        return x
    flat = x.type.rank > 2 and len(sizes) == 2 and sizes[0] == x.type.shape[0]
    return call.apply("flatten", x) if flat else call.apply("reshape", x, to=sizes)


@rule("Flatten")
def flatten(call: Call) -> Result:
    """To two axes."""
    x = call.value(0)
    axis = call.attr("axis", 1)
    axis = axis + x.type.rank if axis < 0 else axis
    if axis == 1 and x.type.rank > 2:
        return call.apply("flatten", x)
    sizes = [dims.product(x.type.shape[:axis]), dims.product(x.type.shape[axis:])]
    return reshaped(call, x, sizes, keeps=False)


@rule("Transpose")
def transpose(call: Call) -> Result:
    """Axes in another order."""
    x = call.value(0)
    order = call.attr("perm") or list(range(x.type.rank))[::-1]
    return x if order == list(range(x.type.rank)) else call.apply("permute", x, order=order)


@rule("Squeeze", "Unsqueeze")
def squeeze(call: Call) -> Result:
    """Axes of one position taken away, or added."""
    x, adds = call.value(0), call.node.op == "Unsqueeze"
    found = call.integers("axes", 1)
    if found is None:
        found = [i for i, size in enumerate(x.type.shape) if size == 1]
    if not found:
        return x
    axes = sorted(call.axes(found, x.type.rank + len(found) * adds))
    if len({*axes}) != len(axes):
        raise Refusal("E1001", f"`{call.node.op}` names an axis twice")
    return call.apply("unsqueeze" if adds else "squeeze", x, axis=axes if len(axes) > 1 else axes[0])


@rule("Concat")
def concat(call: Call) -> Result:
    """Along an axis."""
    values = [call.value(i) for i in range(len(call.inputs))]
    axis = call.axis(1, values[0].type.rank)
    return values[0] if len(values) == 1 else call.apply("concat", *values, axis=axis)
