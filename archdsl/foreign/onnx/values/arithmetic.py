"""Arithmetic of known tensors, element by element, and sums of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from archdsl.dims import product
from archdsl.element_types import FLOATS
from archdsl.foreign.known import Array, Known, numpy_type
from archdsl.foreign.onnx.call import Call, Result, known
from archdsl.foreign.onnx.values import elements as element
from archdsl.foreign.onnx.values.compute import MOST, computed, elementwise, known_inputs, objects, tidy
from archdsl.foreign.onnx.wire import ELEMENTS

NUMPY: dict[str, Callable[..., Any]] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Max": np.maximum, "Min": np.minimum, "Sum": np.add,
    "Pow": np.power, "Equal": np.equal, "Less": np.less, "LessOrEqual": np.less_equal, "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal, "And": np.logical_and, "Or": np.logical_or, "Xor": np.logical_xor,
    "BitwiseAnd": np.bitwise_and, "BitwiseOr": np.bitwise_or,
}  # fmt: skip
LOGIC = frozenset({"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor", "Not"})
ONE: dict[str, Callable[..., Any]] = {
    "Neg": np.negative, "Abs": np.abs, "Sqrt": np.sqrt, "Floor": np.floor, "Ceil": np.ceil, "Not": np.logical_not,
    "Exp": np.exp, "Log": np.log, "Sin": np.sin, "Cos": np.cos, "Reciprocal": np.reciprocal, "Sign": np.sign,
    "Round": np.round, "Tanh": np.tanh,
}  # fmt: skip
SYMBOLIC = {
    "Neg": lambda a: element.multiply(a, -1), "Floor": element.floor, "Ceil": element.ceil,
    "Abs": lambda a: a if element.order(a, 0) >= 0 else element.multiply(a, -1),
}  # fmt: skip
REDUCE: dict[str, Callable[..., Any]] = {
    "ReduceProd": np.prod, "ReduceSum": np.sum, "ReduceMax": np.max, "ReduceMin": np.min, "ReduceMean": np.mean,
}  # fmt: skip


WEIGHTS = 64
"""Numbers of a weight from which on it is not computed with: it is a parameter, and what is made of it are nodes."""


def fits(call: Call) -> bool:
    """Whether the result of broadcasting is small enough to be written out, or all of it is from the file."""
    items = known_inputs(call)
    if any(one.is_parameter and int(one.elements) > WEIGHTS for one in items):  # type: ignore[arg-type]
        return False  # it would be another weight
    try:
        shape = np.broadcast_shapes(*[one.sizes for one in items])
    except ValueError:
        return False
    largest = max(int(product(one.sizes)) for one in items)  # type: ignore[arg-type]
    return int(product(shape)) <= max(MOST, largest)  # type: ignore[arg-type]


@known(*NUMPY)
def two(call: Call) -> Result:
    """Two tensors, or more of a sum."""
    if not fits(call):
        return NotImplemented  # type: ignore[no-any-return]
    items, name = known_inputs(call), call.node.op
    dtype = "bool" if name in LOGIC else items[0].dtype
    made = items[0]
    for other in items[1:]:
        made = computed(call, _pair(name), [made, other], dtype)
    return made


def _pair(name: str) -> Callable[[Array, Array], Array]:
    def pair(a: Array, b: Array) -> Array:
        if objects(a, b):
            if name not in element.TWO:
                raise element.UnknownError
            return elementwise(element.TWO[name], a, b)
        with np.errstate(all="ignore"):
            return np.asarray(NUMPY[name](a, b))

    return pair


@known("Div")
def div(call: Call) -> Result:
    """Integers are divided towards zero."""
    if not fits(call):
        return NotImplemented  # type: ignore[no-any-return]
    items = known_inputs(call)
    floats = items[0].dtype in FLOATS

    def pair(a: Array, b: Array) -> Array:
        if objects(a, b) or (not floats and a.size < 1000):
            return elementwise(element.divide_floats if objects(a, b) and floats else element.divide, a, b)
        with np.errstate(all="ignore"):
            return np.asarray(np.divide(a, b) if floats else np.trunc(np.divide(a, b)))

    return computed(call, pair, items, items[0].dtype)


@known("Mod")
def mod(call: Call) -> Result:
    """The remainder, with the sign of the divisor, or of what is divided (``fmod``)."""
    if not fits(call):
        return NotImplemented  # type: ignore[no-any-return]
    items, fmod = known_inputs(call), call.attr("fmod", 0)

    def pair(a: Array, b: Array) -> Array:
        if objects(a, b):
            return elementwise(element.modulo, a, b)
        return np.asarray(np.fmod(a, b) if fmod else np.mod(a, b))

    return computed(call, pair, items, items[0].dtype)


@known(*ONE)
def one(call: Call) -> Result:
    """One tensor."""
    if not fits(call):
        return NotImplemented  # type: ignore[no-any-return]
    (x,) = known_inputs(call)
    name = call.node.op

    def of(a: Array) -> Array:
        if objects(a):
            if name not in SYMBOLIC:
                raise element.UnknownError
            return elementwise(SYMBOLIC[name], a)
        with np.errstate(all="ignore"):
            return np.asarray(ONE[name](a))

    return computed(call, of, [x], x.dtype)


@known("Cast")
def cast(call: Call) -> Result:
    """To another element type."""
    (x,) = known_inputs(call)
    to = ELEMENTS.get(call.attr("to", 0))
    if to is None:
        return NotImplemented  # type: ignore[no-any-return]
    if to == x.dtype:
        return x
    if not fits(call):
        return NotImplemented  # type: ignore[no-any-return]
    if x.fill is not None and not x.small:
        return Known(to, x.shape, fill=np.array(x.fill).astype(numpy_type(to)).item(), weight=x.weight)
    whole = to not in FLOATS

    def of(a: Array) -> Array:
        if objects(a):
            if to == "bool":
                return elementwise(lambda one: element.order(one, 0) != 0, a)
            return elementwise(element.truncate, a) if whole else a
        return tidy(a, to)

    return computed(call, of, [x], to)


@known("Where")
def where(call: Call) -> Result:
    """One of two, by a condition."""
    if not fits(call):
        return NotImplemented  # type: ignore[no-any-return]
    items = known_inputs(call)

    def of(c: Array, a: Array, b: Array) -> Array:
        return np.where(c.astype(bool), a.astype(object), b.astype(object)) if objects(a, b) else np.where(c, a, b)

    return computed(call, of, items, items[1].dtype)


@known("Clip")
def clip(call: Call) -> Result:
    """Between two numbers."""
    x = known_inputs(call)[0]
    low, high = (call.numbers(name, i) for i, name in ((1, "min"), (2, "max")))

    def of(a: Array) -> Array:
        if objects(a) or objects(np.array([*(low or ()), *(high or ())])):
            found = elementwise(element.larger, a, np.array(low[0], object)) if low else a
            return elementwise(element.smaller, found, np.array(high[0], object)) if high else found
        return np.clip(a, low[0] if low else None, high[0] if high else None)

    return computed(call, of, [x], x.dtype)


@known(*REDUCE)
def reduce(call: Call) -> Result:
    """Along axes."""
    x = known_inputs(call)[0]
    if not x.small or not fits(call):
        return NotImplemented  # type: ignore[no-any-return]
    given = call.integers("axes", 1)
    if not given and call.attr("noop_with_empty_axes", 0):
        return x
    axes, keep = tuple(call.axes(given or None, len(x.shape))), bool(call.attr("keepdims", 1))
    name = call.node.op

    def of(a: Array) -> Array:
        if not objects(a):
            return np.asarray(REDUCE[name](a, axis=axes, keepdims=keep))
        if name not in FOLDS:
            raise element.UnknownError
        found = a
        for axis in sorted(axes, reverse=True):
            found = np.frompyfunc(FOLDS[name], 2, 1).reduce(found, axis=axis, keepdims=keep)
        return np.asarray(found, object)

    return computed(call, of, [x], x.dtype)


FOLDS = {
    "ReduceProd": element.multiply, "ReduceSum": element.add, "ReduceMax": element.larger, "ReduceMin": element.smaller
}  # fmt: skip
