"""Known tensors that nothing enters, or only a shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from archdsl.diagnostics import Refusal
from archdsl.dims import ceildiv, product
from archdsl.element_types import FLOATS
from archdsl.foreign.known import Known, numpy_type
from archdsl.foreign.onnx.call import Call, Result, known
from archdsl.foreign.onnx.values.compute import MOST, is_weight, known_inputs, tidy
from archdsl.foreign.onnx.values.elements import symbolic
from archdsl.weights.tensor import Tensor


@known("Shape")
def shape(call: Call) -> Result:
    """The sizes of a tensor, or of some of its axes."""
    sizes = list(call.type(0).shape)
    rank = len(sizes)
    start, end = call.attr("start", 0), call.attr("end", rank)
    return integers(sizes[slice(start, end)])


@known("Size")
def size(call: Call) -> Result:
    """The number of elements."""
    return integers(call.type(0).elements)


def integers(items: Any) -> Known:
    """Sizes as a tensor."""
    found = np.empty(len(items), object) if isinstance(items, list) else np.empty((), object)
    found[...] = items
    array = tidy(found, "i64")
    return Known("i64", array.shape, array=array)


@known("Constant")
def constant(call: Call) -> Result:
    """A tensor that is written into its node."""
    attributes = call.node.attributes
    value = attributes.get("value")
    if isinstance(value, Tensor):
        name = value.name if "." in value.name else call.node.outputs[0]
        return Known(value.dtype, value.shape, file=value, name=name, weight=True)
    for name, dtype in (("value_float", "f32"), ("value_floats", "f32"), ("value_int", "i64"), ("value_ints", "i64")):
        if name in attributes:
            array = np.array(attributes[name], numpy_type(dtype))
            return Known(dtype, array.shape, array=array, name=call.node.outputs[0], weight=True)
    return NotImplemented  # type: ignore[no-any-return]


@known("ConstantOfShape")
def constant_of_shape(call: Call) -> Result:
    """One number everywhere."""
    sizes = known_inputs(call)[0].array().tolist()
    value = call.node.attributes.get("value")
    if any(not symbolic(one) and one < 0 for one in sizes):
        raise Refusal("E1001", f"`ConstantOfShape` of a negative size, {sizes}")
    dtype = value.dtype if isinstance(value, Tensor) else "f32"
    number = value.values()[0].item() if isinstance(value, Tensor) else 0.0
    return Known(dtype, tuple(sizes), fill=number, name=call.node.outputs[0], weight=known_inputs(call)[0].weight)


@known("Range")
def range_(call: Call) -> Result:
    """The numbers from a start to an end."""
    start, end, step = [one.array().ravel().tolist()[0] for one in known_inputs(call)]
    dtype = call.type(0).dtype
    if not symbolic(start) and not symbolic(end) and not symbolic(step):
        if not step or (end - start) / step > MOST:
            raise Refusal("E1001", f"`Range` from {start} to {end} in steps of {step}")
        array = np.arange(start, end, step).astype(numpy_type(dtype))
        return Known(dtype, array.shape, array=array)
    if symbolic(step) or dtype in FLOATS or isinstance(step, float) or step < 1:
        return NotImplemented  # type: ignore[no-any-return]
    count = ceildiv(end - start, step)
    return call.apply("positions", size=count, start=start, step=float(step), dtype=dtype)


@known("OneHot", "EyeLike", "Trilu", "NonZero", "CumSum", "ScatterND", "ScatterElements", "GatherND", "GatherElements")
def table(call: Call) -> Result:
    """Tables of numbers; with symbols in them they are left to run time, as is what looks a weight up."""
    items = known_inputs(call)
    if call.node.op.startswith("Gather") and is_weight(items[:1]):
        return NotImplemented  # type: ignore[no-any-return]
    if any(one.symbolic or not one.small for one in items) or any(product(one.sizes) == 0 for one in items):
        return NotImplemented  # type: ignore[no-any-return]
    arrays = [one.array() for one in items]
    found = TABLES[call.node.op](call, *arrays) if call.node.op in TABLES else None
    if found is None:
        return NotImplemented  # type: ignore[no-any-return]
    dtype = "i64" if call.node.op == "NonZero" else items[0].dtype
    return Known(dtype, found.shape, array=tidy(found, dtype))


def _trilu(call: Call, x: Any, k: Any = 0) -> Any:
    return np.triu(x, int(k)) if call.attr("upper", 1) else np.tril(x, int(k))


def _scatter_nd(call: Call, x: Any, at: Any, values: Any) -> Any:
    if call.attr("reduction", "none") != "none":
        return None
    found = x.copy()
    found[tuple(np.moveaxis(at, -1, 0))] = values
    return found


def _scatter(call: Call, x: Any, at: Any, values: Any) -> Any:
    if call.attr("reduction", "none") != "none":
        return None
    found, axis = x.copy(), call.axis(0, x.ndim)
    np.put_along_axis(found, np.where(at < 0, at + x.shape[axis], at), values, axis)
    return found


def _cumsum(call: Call, x: Any, axis: Any) -> Any:
    if call.attr("exclusive", 0) or call.attr("reverse", 0):
        return None
    return np.cumsum(x, int(axis))


def _gather_nd(call: Call, x: Any, at: Any) -> Any:
    return None if call.attr("batch_dims", 0) else x[tuple(np.moveaxis(at, -1, 0))]


TABLES: dict[str, Callable[..., Any]] = {
    "Trilu": _trilu, "ScatterND": _scatter_nd, "ScatterElements": _scatter, "CumSum": _cumsum, "GatherND": _gather_nd,
    "NonZero": lambda call, x: np.array(np.nonzero(x), np.int64),
    "GatherElements": lambda call, x, at: np.take_along_axis(x, at, call.axis(0, x.ndim)),
}  # fmt: skip
