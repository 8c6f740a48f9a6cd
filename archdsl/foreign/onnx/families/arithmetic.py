"""Functions of several tensors, element by element."""

from __future__ import annotations

from archdsl.element_types import ELEMENT_TYPES, INTEGERS
from archdsl.foreign.onnx.call import Call, Result, rule

TWO = {
    "Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div", "Pow": "pow", "Equal": "equal", "Less": "less",
    "LessOrEqual": "less_equal", "Greater": "greater", "GreaterOrEqual": "greater_equal", "And": "logical_and",
    "Or": "logical_or",
}  # fmt: skip
NARROW = frozenset(name for name in INTEGERS if ELEMENT_TYPES[name].bytes < 8)
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
        return call.not_supported("the quotient of integers")  # it rounds to zero
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
    """The remainder of integers with the sign of the divisor, or with ``fmod`` of what is divided.

    In ``f64`` the quotient of two integers of at most 32 bits is never rounded up to the next one.
    """
    a, b = call.value(0), call.value(1)
    dtype = a.type.dtype
    if dtype not in NARROW:
        return call.not_supported(f"remainders of {dtype}")
    wide = [call.apply("cast", one, dtype="f64") for one in (a, b)]
    quotient = call.apply("div", *wide)
    if call.attr("fmod", 0):
        whole = call.apply("mul", call.apply("floor", call.apply("abs", quotient)), call.apply("sign", quotient))
    else:
        whole = call.apply("floor", quotient)
    rest = call.apply("sub", wide[0], call.apply("mul", whole, wide[1]))
    return call.apply("cast", rest, dtype=dtype)
