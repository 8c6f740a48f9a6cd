"""Functions of one tensor."""

from __future__ import annotations

from math import isfinite
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.foreign.known import Known
from archdsl.foreign.onnx.call import Call, Result, rule

PLAIN = {
    "Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Softplus": "softplus", "Softsign": "softsign",
    "HardSwish": "hard_swish", "Mish": "mish", "Neg": "neg", "Abs": "abs", "Sign": "sign", "Exp": "exp", "Log": "log",
    "Sqrt": "sqrt", "Reciprocal": "reciprocal", "Erf": "erf", "Sin": "sin", "Cos": "cos", "Floor": "floor",
    "Ceil": "ceil", "Round": "round", "Not": "logical_not",
}  # fmt: skip


@rule(*PLAIN)
def plain(call: Call) -> Result:
    """The same operator under our name."""
    if call.node.op in ("Sin", "Cos"):
        call.no_weights()  # angles of positions, which exporters write out
    return call.apply(PLAIN[call.node.op], call.value(0))


@rule("Identity")
def identity(call: Call) -> Result:
    """Nothing."""
    return call.item(0)


@rule("Dropout")
def dropout(call: Call) -> Result:
    """Nothing at inference; the mask lets everything through."""
    x = call.item(0)
    if len(call.node.outputs) > 1 and call.node.outputs[1]:
        type = call.type(0)
        return [x, call.apply("ones", size=list(type.shape), dtype="bool")]
    return x


@rule("LeakyRelu")
def leaky_relu(call: Call) -> Result:
    """With its slope."""
    return call.apply("leaky_relu", call.value(0), slope=call.attr("alpha", 0.01))


@rule("Elu", "Celu", "Selu", "ThresholdedRelu", "HardSigmoid", "Gelu", "Shrink")
def with_numbers(call: Call) -> Result:
    """Those that have numbers of their own."""
    x, op = call.value(0), call.node.op
    if op == "Elu":
        return call.apply("elu", x, alpha=call.attr("alpha", 1.0))
    if op == "Gelu":
        return call.apply("gelu", x, approximate=call.attr("approximate", "none"))
    if op == "Selu" and abs(call.attr("alpha", 1.67326) - 1.67326) < 1e-4:
        return call.apply("selu", x)
    if op == "HardSigmoid":
        return _hard_sigmoid(call, call.attr("alpha", 0.2), call.attr("beta", 0.5))
    return call.not_supported("this form")


def _hard_sigmoid(call: Call, alpha: float, beta: float) -> Result:
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return call.apply("hard_sigmoid", call.value(0))
    x = call.value(0)
    slope = call.apply("constant", values=alpha, dtype=x.type.dtype)
    offset = call.apply("constant", values=beta, dtype=x.type.dtype)
    return call.apply("clip", call.apply("add", call.apply("mul", x, slope), offset), low=0.0, high=1.0)


@rule("PRelu")
def prelu(call: Call) -> Result:
    """A slope of each channel, or one."""
    x, slope = call.value(0), call.item(1)
    channels = x.type.shape[1] if x.type.rank > 1 else 1
    if isinstance(slope, Known) and x.type.rank > 1 and slope.elements == channels and channels != 1:
        shape = slope.shape
        if shape[:1] == (channels,) and len(shape) == max(x.type.rank - 1, 1):
            flat = Known(
                slope.dtype, (channels,), load=lambda: slope.array().reshape(-1), name=slope.name, weight=slope.weight,
                fill=slope.fill,
            )  # fmt: skip
            return call.apply("prelu", x, weights={"weight": slope.turned.setdefault("flat", flat)})
    zero = call.apply("constant", values=0.0, dtype=x.type.dtype)
    below = call.apply("mul", call.apply("min", x, zero), call.value(1))
    return call.apply("add", call.apply("max", x, zero), below)


@rule("Softmax", "LogSoftmax")
def softmax(call: Call) -> Result:
    """Along one axis; before opset 13 over all axes from ``axis`` on."""
    x, name = call.value(0), "softmax" if call.node.op == "Softmax" else "log_softmax"
    rank = x.type.rank
    if call.version >= 13:
        return call.apply(name, x, axis=call.axis(-1, rank))
    axis = call.axis(1, rank)
    if axis == rank - 1 or all(size == 1 for size in x.type.shape[axis + 1 :]):
        return call.apply(name, x, axis=axis)
    last: Any = 1
    for size in x.type.shape[axis:]:
        last = last * size
    flat = call.apply("reshape", x, to=[*x.type.shape[:axis], last])
    return call.apply("reshape", call.apply(name, flat, axis=-1), to=list(x.type.shape))


@rule("Clip")
def clip(call: Call) -> Result:
    """Between two numbers; limits that are computed are a maximum and a minimum."""
    x = call.value(0)
    ends = []
    for index, name in ((1, "min"), (2, "max")):
        item = call.given(index)
        if item is None or isinstance(item, Known):
            found = call.numbers(name, index)
            limit = found[0] if found else None
            ends.append(None if isinstance(limit, float) and not isfinite(limit) else limit)
            continue
        x = call.apply("max" if name == "min" else "min", x, item)
        ends.append(None)
    low, high = ends
    if low is None and high is None:
        return x
    if x.type.dtype[0] != "f" and x.type.dtype != "bf16":
        for name, end in (("max", low), ("min", high)):
            if end is not None:
                x = call.apply(name, x, call.apply("constant", values=end, dtype=x.type.dtype))
        return x
    if (low, high) == (0, 6) and x.type.dtype[0] == "f":
        return call.apply("relu6", x)
    return call.apply("clip", x, low=low, high=high)


@rule("Cast", "CastLike")
def cast(call: Call) -> Result:
    """To another element type."""
    from archdsl.foreign.onnx.wire import ELEMENTS

    x = call.value(0)
    to = ELEMENTS.get(call.attr("to", 0)) if call.node.op == "Cast" else call.type(1).dtype
    if to is None:
        raise Refusal("E1003", f"the element type {call.attr('to')} is not supported")
    return x if to == x.type.dtype else call.apply("cast", x, dtype=to)
