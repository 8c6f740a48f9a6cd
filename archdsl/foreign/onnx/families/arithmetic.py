"""Functions of several tensors, element by element."""

from __future__ import annotations

from archdsl.foreign.onnx.call import Call, Result, rule

TWO = {
    "Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div", "Pow": "pow", "Equal": "equal", "Less": "less",
    "LessOrEqual": "less_equal", "Greater": "greater", "GreaterOrEqual": "greater_equal", "And": "logical_and",
    "Or": "logical_or",
}  # fmt: skip
MANY = {"Sum": "add", "Max": "max", "Min": "min", "Mean": "average"}


@rule(*TWO)
def two(call: Call) -> Result:
    """Both are broadcast; before opset 7 only the second, from an axis."""
    a, b = call.value(0), call.value(1)
    if call.version < 7 and call.attr("axis") is not None:
        behind = a.type.rank - call.attr("axis") - b.type.rank
        b = call.apply("unsqueeze", b, axis=[b.type.rank + i for i in range(behind)]) if behind > 0 else b
    if call.node.op == "Pow" and b.type.dtype != a.type.dtype:
        b = call.apply("cast", b, dtype=a.type.dtype)
    return call.apply(TWO[call.node.op], a, b)


@rule(*MANY)
def many(call: Call) -> Result:
    """Any number of them."""
    values = [call.value(i) for i in range(len(call.inputs))]
    return values[0] if len(values) == 1 else call.apply(MANY[call.node.op], *values)
