"""Computing with known tensors: small ones at once, weights when somebody needs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from archdsl.dims import Expr
from archdsl.element_types import FLOATS
from archdsl.foreign.known import QUANTIZED, Array, Known, numpy_type
from archdsl.foreign.onnx.call import Call
from archdsl.foreign.onnx.values.elements import Quotient

MOST = 1 << 22
"""Elements of what is computed from sizes."""
Compute = Callable[..., Array]


def tidy(array: Any, dtype: str) -> Array:
    """An array of an element type; of objects only while some element is symbolic."""
    found = np.asarray(array)
    if found.dtype == object:
        if any(isinstance(one, Expr | Quotient) for one in found.ravel().tolist()):
            return found
        found = found.astype(numpy_type(dtype))
    return found if found.dtype == np.dtype(numpy_type(dtype)) else found.astype(numpy_type(dtype))


def known_inputs(call: Call) -> list[Known]:
    """All inputs that are given; they are known."""
    return [one for one in call.inputs if isinstance(one, Known)]


def heavy(items: Sequence[Known]) -> bool:
    """Whether some of them are too large to be computed with now."""
    return not all(one.small for one in items)


def is_weight(items: Sequence[Known]) -> bool:
    """Whether what is computed from them is learned: some come from the file and are more than single numbers."""
    return any(one.weight and one.dtype in FLOATS | QUANTIZED and one.shape for one in items)


def computed(call: Call, compute: Compute, items: Sequence[Known], dtype: str, *, view: bool = False) -> Known:
    """``compute`` of the items' arrays. Of large ones when it is needed: ``view`` functions give the shape at once,
    others are element by element.
    """
    weight = is_weight(items)
    name = next((one.name for one in items if one.weight and one.name), "")
    if not heavy(items):
        found = tidy(compute(*[one.array() for one in items]), dtype)
        return Known(dtype, found.shape, array=found, weight=weight, name=name)
    if view:
        shape = compute(*[np.broadcast_to(np.zeros((), np.int8), one.sizes) for one in items]).shape
    else:
        shape = np.broadcast_shapes(*[one.sizes for one in items])
    fills = [one.fill for one in items]
    fill = fills[0] if view and all(one is not None and one == fills[0] for one in fills) else None
    return Known(
        dtype, shape, load=lambda: tidy(compute(*[one.array() for one in items]), dtype), weight=weight, fill=fill,
        name=name,
    )  # fmt: skip


def elementwise(function: Callable[..., Any], *arrays: Array) -> Array:
    """A function of elements, with arrays broadcast."""
    found: Array = np.frompyfunc(function, len(arrays), 1)(*[one.astype(object) for one in arrays])
    return np.asarray(found, object)


def objects(*arrays: Array) -> bool:
    """Whether some of them hold symbols."""
    return any(one.dtype == object for one in arrays)
