"""Arithmetic, comparisons, activations, reductions. Element types are those that the file declares."""

from __future__ import annotations

import math
from typing import Any

from archdsl.dims import product
from archdsl.element_types import FLOATS
from archdsl.foreign.pt2.arguments import Args, Results, rule
from archdsl.graph import Value

_PLAIN = {
    "relu": "relu", "relu6": "relu6", "selu": "selu", "sigmoid": "sigmoid", "hardsigmoid": "hard_sigmoid",
    "hardswish": "hard_swish", "tanh": "tanh", "silu": "silu", "mish": "mish", "softsign": "softsign", "neg": "neg",
    "abs": "abs", "sign": "sign", "exp": "exp", "log": "log", "sqrt": "sqrt", "reciprocal": "reciprocal", "erf": "erf",
    "sin": "sin", "cos": "cos", "floor": "floor", "ceil": "ceil", "round": "round",
}  # fmt: skip
_JOINS = {"add": "add", "sub": "sub", "mul": "mul", "div": "div", "maximum": "max", "minimum": "min", "max": "max",
          "min": "min", "true_divide": "div", "multiply": "mul", "subtract": "sub", "divide": "div"}  # fmt: skip
_COMPARED = {"eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater",
             "ge": "greater_equal"}  # fmt: skip


def _both(names: Any) -> list[str]:
    """Operators, and those that write over their first argument."""
    return [one for name in names for one in (name, f"{name}_")]


@rule(*_both(_PLAIN))
def _plain(args: Args) -> Results:
    return args.one(_PLAIN[args.call.operator.rstrip("_")], _operand(args, "self"))


def _operand(args: Args, name: str, dtype: str | None = None) -> Value:
    """An operand with the element type of the result: types are mixed by PyTorch's rules there, and never here."""
    wanted = dtype or args.declared.dtype
    return args.cast(args.value(name, wanted), wanted)


@rule(*_both(_JOINS))
def _join(args: Args) -> Results:
    operator = args.call.operator.rstrip("_")
    if operator in ("max", "min") and "other" not in args.call.arguments:
        return _reduced(args)
    mode = args.get("rounding_mode")
    if mode is not None:
        return _rounded(args, mode)
    right = _operand(args, "other")
    alpha = args.get("alpha", 1)
    if alpha != 1:
        right = args.one("mul", right, args.number(alpha, right.type.dtype), part="alpha")
    return args.one(_JOINS[operator], _operand(args, "self"), right)


def _rounded(args: Args, mode: str) -> Results:
    """A division that rounds: in floats, since ours of integers is left to engines."""
    if mode != "floor":
        return None
    wanted = args.declared.dtype
    inside = wanted if wanted in FLOATS else "f32"
    quotient = args.one("div", _operand(args, "self", inside), _operand(args, "other", inside), part="div")
    return args.cast(args.one("floor", quotient), wanted)


@rule("floor_divide")
def _floor_divide(args: Args) -> Results:
    return _rounded(args, "floor")


@rule("rsub")
def _rsub(args: Args) -> Results:
    if args.get("alpha", 1) != 1:
        return None
    return args.one("sub", _operand(args, "other"), _operand(args, "self"))


@rule("addcmul", "addcdiv")
def _addcmul(args: Args) -> Results:
    inner = "mul" if args.call.operator == "addcmul" else "div"
    product = args.one(inner, _operand(args, "tensor1"), _operand(args, "tensor2"), part=inner)
    value = args.get("value", 1)
    if value != 1:
        product = args.one("mul", product, args.number(value, product.type.dtype), part="scale")
    return args.one("add", _operand(args, "self"), product)


@rule("pow")
def _power(args: Args) -> Results:
    base = _operand(args, "self")
    exponent = args.call.arguments.get("exponent")
    if isinstance(exponent, int | float):
        return args.one("pow", base, exponent=float(exponent))
    return args.one("pow", base, _operand(args, "exponent"))


@rule("square")
def _square(args: Args) -> Results:
    x = args.value()
    return args.one("mul", x, x)


@rule("rsqrt", "rsqrt_")
def _rsqrt(args: Args) -> Results:
    return args.one("reciprocal", args.one("sqrt", args.value(), part="sqrt"))


@rule("hardtanh", "hardtanh_", "clamp", "clamp_", "clip", "clamp_min", "clamp_min_", "clamp_max", "clamp_max_")
def _clamp(args: Args) -> Results:
    operator = args.call.operator.rstrip("_")
    if operator == "hardtanh":
        low, high = args.get("min_val", -1), args.get("max_val", 1)
    else:
        low, high = args.get("min"), args.get("max")
    x = args.value()
    if operator == "hardtanh" and (low, high) == (0, 6):
        return args.one("relu6", x)
    given = {name: float(one) for name, one in (("low", low), ("high", high)) if one is not None}
    ends: dict[str, Any] = {name: one for name, one in given.items() if math.isfinite(one)}
    return args.one("clip", x, **ends) if ends else x


@rule("gelu")
def _gelu(args: Args) -> Results:
    return args.one("gelu", args.value(), approximate=args.get("approximate", "none"))


@rule("leaky_relu", "leaky_relu_")
def _leaky_relu(args: Args) -> Results:
    return args.one("leaky_relu", args.value(), slope=float(args.get("negative_slope", 0.01)))


@rule("elu", "elu_")
def _elu(args: Args) -> Results:
    if args.get("scale", 1) != 1 or args.get("input_scale", 1) != 1:
        return None
    return args.one("elu", args.value(), alpha=float(args.get("alpha", 1.0)))


@rule("softplus")
def _softplus(args: Args) -> Results:
    return args.one("softplus", args.value()) if args.get("beta", 1) == 1 else NotImplemented


@rule("prelu", "_prelu_kernel")
def _prelu(args: Args) -> Results:
    weight, x = args.known("weight"), args.value()
    if weight is None or not weight.weight or len(weight.shape) != 1:
        return None
    return args.apply("prelu", [x], weights={"weight": weight}, shared=weight.shape == (1,) != x.type.shape[1:2])


@rule("glu")
def _glu(args: Args) -> Results:
    x = args.value()
    left, right = args.apply("split", [x], part="split", parts=2, axis=args.axis(default=-1))
    return args.one("mul", left, args.one("sigmoid", right, part="sigmoid"))


@rule("softmax", "_softmax", "log_softmax", "_log_softmax")
def _softmax(args: Args) -> Results:
    name = args.call.operator.lstrip("_")
    return args.one(name, _operand(args, "self"), axis=args.axis())


@rule(*_both(_COMPARED))
def _compared(args: Args) -> Results:
    left, right = args.value(), args.call.arguments.get("other")
    dtype = left.type.dtype
    if isinstance(right, float) and dtype not in FLOATS:
        dtype = "f32"
    other = args.value("other", dtype)
    if other.type.dtype != dtype:
        dtype = other.type.dtype if other.type.dtype in FLOATS or dtype == "bool" else dtype
    return args.one(_COMPARED[args.call.operator.rstrip("_")], args.cast(left, dtype), args.cast(other, dtype))


@rule("logical_and", "logical_or", "bitwise_and", "bitwise_or", "__and__", "__or__")
def _logical(args: Args) -> Results:
    if args.declared.dtype != "bool":
        return None
    name = "logical_and" if "and" in args.call.operator else "logical_or"
    return args.one(name, _operand(args, "self"), _operand(args, "other"))


@rule("logical_not", "bitwise_not")
def _negated(args: Args) -> Results:
    if args.declared.dtype != "bool":
        return None
    return args.one("logical_not", _operand(args, "self"))


@rule("where")
def _where(args: Args) -> Results:
    if "self" not in args.call.arguments:
        return None
    return args.one("where", args.value("condition"), _operand(args, "self"), _operand(args, "other"))


@rule("masked_fill", "masked_fill_")
def _masked_fill(args: Args) -> Results:
    return args.one("where", args.value("mask"), _operand(args, "value"), _operand(args, "self"))


@rule("cumsum")
def _cumsum(args: Args) -> Results:
    return args.one("cumsum", _operand(args, "self"), axis=args.axis())


_REDUCED = {"mean": "reduce_mean", "sum": "reduce_sum", "amax": "reduce_max", "amin": "reduce_min",
            "prod": "reduce_prod", "max": "reduce_max", "min": "reduce_min"}  # fmt: skip


@rule("mean", "sum", "amax", "amin", "prod")
def _reduced(args: Args) -> Results:
    x = args.value()
    if args.call.operator in ("mean", "sum", "prod"):
        x = args.cast(x, args.declared.dtype)
    axes = args.axes()
    if not axes:
        return x
    keep = bool(args.get("keepdim", False))
    made = args.one(_REDUCED[args.call.operator], x, axis=axes if len(axes) > 1 else axes[0], keep=keep)
    if args.call.operator in ("max", "min") and args.used(1):
        return made, args.one(f"arg{args.call.operator}", x, part="indices", axis=axes[0], keep=keep)
    return made


@rule("argmax", "argmin")
def _argmax(args: Args) -> Results:
    if args.get("dim") is None:
        return None
    return args.one(args.call.operator, args.value(), axis=args.axis(), keep=bool(args.get("keepdim", False)))


@rule("topk")
def _topk(args: Args) -> Results:
    if not args.get("largest", True):
        return None
    return args.apply("top_k", [args.value()], k=args.get("k"), axis=args.axis(default=-1))


@rule("linalg_vector_norm", "norm")
def _vector_norm(args: Args) -> Results:
    order = args.get("ord" if args.call.operator == "linalg_vector_norm" else "p", 2)
    name = {1: "reduce_l1", 2: "reduce_l2"}.get(2 if order is None else order)
    if name is None:
        return None
    return args.one(name, _operand(args, "self"), axis=args.axes(), keep=bool(args.get("keepdim", False)))


@rule("var", "std", "var_mean")
def _variance(args: Args) -> Results:
    x, axes, keep = args.value(), args.axes(), bool(args.get("keepdim", False))
    count = product([x.type.shape[axis] for axis in axes])
    if not isinstance(count, int):
        return None
    correction = args.get("correction", 1 if args.get("unbiased", True) else 0)
    mean = args.one("reduce_mean", x, part="mean", axis=axes, keep=True)
    apart = args.one("sub", x, mean, part="apart")
    squares = args.one("mul", apart, apart, part="squares")
    total = args.one("reduce_sum", squares, part="total", axis=axes, keep=keep)
    factor = 1 / max(count - (1 if correction is None else correction), 1)
    found = args.one("mul", total, args.number(factor, x.type.dtype))
    if args.call.operator == "std":
        return args.one("sqrt", found)
    if args.call.operator == "var":
        return found
    return found, mean if keep else args.one("squeeze", mean, part="squeeze", axis=axes)


@rule("diff")
def _diff(args: Args) -> Results:
    if args.get("n", 1) != 1 or args.tensor("append") is not None:
        return None
    x = args.value()
    axis = args.axis(default=-1)
    if args.tensor("prepend") is not None:
        x = args.one("concat", args.value("prepend"), x, part="concat", axis=axis)
    behind = args.one("slice", x, part="behind", axis=axis, start=1)
    front = args.one("slice", x, part="front", axis=axis, stop=-1)
    return args.one("sub", behind, front)
