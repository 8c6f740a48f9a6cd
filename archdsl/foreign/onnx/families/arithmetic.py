"""Functions of several tensors, element by element."""

from __future__ import annotations

from archdsl.element_types import FLOATS
from archdsl.foreign.known import Known
from archdsl.foreign.onnx.call import Call, Item, Result, rule
from archdsl.graph import Value
from archdsl.shapes import TensorType, broadcast

TWO = {
    "Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div", "Pow": "pow", "Equal": "equal", "Less": "less",
    "LessOrEqual": "less_equal", "Greater": "greater", "GreaterOrEqual": "greater_equal", "And": "logical_and",
    "Or": "logical_or",
}  # fmt: skip
COMPARISONS = frozenset({"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"})
MANY = {"Sum": "add", "Max": "max", "Min": "min", "Mean": "average"}


@rule(*TWO)
def two(call: Call) -> Result:
    """Both are broadcast; before opset 7 only the second, from an axis."""
    if call.node.op in COMPARISONS:
        call.no_weights()  # thresholds
    a, b = call.value(0), call.value(1)
    if call.version < 7 and call.attr("axis") is not None:
        behind = a.type.rank - call.attr("axis") - b.type.rank
        b = call.apply("unsqueeze", b, axis=[b.type.rank + i for i in range(behind)]) if behind > 0 else b
    if call.node.op == "Pow" and b.type.dtype != a.type.dtype:
        b = call.apply("cast", b, dtype=a.type.dtype)
    if call.node.op == "Div" and a.type.dtype[0] in "iu":
        return _quotient(call, a, b)
    return call.apply(TWO[call.node.op], a, b)


@rule(*MANY)
def many(call: Call) -> Result:
    """Any number of them."""
    values = [call.value(i) for i in range(len(call.inputs))]
    return values[0] if len(values) == 1 else call.apply(MANY[call.node.op], *values)


@rule("Where")
def where(call: Call) -> Result:
    """One of two, by a condition."""
    return call.apply("where", call.value(0), call.value(1), call.value(2))


@rule("Xor")
def xor(call: Call) -> Result:
    """One and not the other."""
    return call.apply("not_equal", call.value(0), call.value(1))


@rule("IsNaN")
def is_nan(call: Call) -> Result:
    """What does not equal itself."""
    x = call.value(0)
    return call.apply("not_equal", x, x)


@rule("Mod")
def mod(call: Call) -> Result:
    """The remainder, with the sign of the divisor, or with ``fmod`` of what is divided; of floats always so."""
    a, b = call.value(0), call.value(1)
    dtype, fmod = a.type.dtype, call.attr("fmod", 0)
    made = TensorType(dtype, broadcast([a.type.shape, b.type.shape]))
    if dtype in FLOATS and not (fmod and dtype != "f64" and _ordinary(call.item(1))):
        return call.not_supported("remainders by floats that are computed, or of double precision", made)
    if dtype == "u64":
        return call.not_supported(TOO_WIDE, made)
    wide = [call.apply("cast", one, dtype="f64") for one in (a, b)]
    quotient = call.apply("div", *wide)
    whole = _towards_zero(call, quotient) if fmod else call.apply("floor", quotient)
    rest = call.apply("sub", wide[0], call.apply("mul", whole, wide[1]))
    return call.apply("cast", rest, dtype=dtype)


TOO_WIDE = "the quotient of integers that no float holds"


def _quotient(call: Call, a: Value, b: Value) -> Result:
    """Of integers, towards zero: in ``f64``, which is exact below 2 ** 53."""
    dtype = a.type.dtype
    if dtype == "u64":
        return call.not_supported(TOO_WIDE, TensorType(dtype, broadcast([a.type.shape, b.type.shape])))
    wide = [call.apply("cast", one, dtype="f64") for one in (a, b)]
    return call.apply("cast", _towards_zero(call, call.apply("div", *wide)), dtype=dtype)


def _towards_zero(call: Call, x: Value) -> Value:
    return call.apply("mul", call.apply("floor", call.apply("abs", x)), call.apply("sign", x))


def _ordinary(item: Item) -> bool:
    """Whether all divisors are known, finite and not zero."""
    import numpy as np

    return (
        isinstance(item, Known)
        and item.small
        and item.plain
        and bool((np.isfinite(item.array()) & (item.array() != 0)).all())
    )
