"""Operators that work on every element by itself: activations, functions, arithmetic with broadcasting, logic."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from drawn import Case, Draw, operator
from drawn.words import DRAWN_TYPES, TORCH, along, from_left, of


def free(draw: Draw, x: np.ndarray) -> tuple[int, ...]:
    return draw.one((), (0,), tuple(range(x.ndim)))


# One input and no arguments


def unary(low: float, high: float, dtypes: tuple[str, ...]) -> Callable[[Draw], Case]:
    def case(draw: Draw) -> Case:
        x = draw.array(draw.shape(0, 4), draw.one(*dtypes), low, high)
        if x.dtype.kind == "f" and draw.flag():
            x = np.clip(np.round(2 * x) / 2, low, high).astype(x.dtype)  # with ties, corners and zeros
        return Case({}, [np.asarray(x)], free(draw, x))

    return case


FLOAT, REAL = ("f32",), ("f32", "f64")
NUMBER, ANY = ("f32", "f64", "i64", "i32"), ("f32", "f64", "i64", "i32", "bool")
UNARY: dict[str, tuple[Callable[[Tensor], Tensor], float, float, tuple[str, ...]]] = {
    "identity": (lambda x: x, -4, 4, ANY),
    "relu": (F.relu, -4, 9, REAL),
    "relu6": (F.relu6, -4, 9, REAL),
    "selu": (F.selu, -4, 9, FLOAT),
    "sigmoid": (torch.sigmoid, -3, 9, REAL),  # ONNX Runtime's has an absolute error, 2e-8 of 1
    "silu": (F.silu, -3, 9, REAL),
    "hard_swish": (F.hardswish, -5, 5, FLOAT),
    "tanh": (torch.tanh, -5, 5, REAL),
    "softplus": (F.softplus, -9, 30, FLOAT),
    "softsign": (F.softsign, -9, 9, FLOAT),
    "mish": (F.mish, -9, 9, FLOAT),
    "step": (lambda x: torch.heaviside(x, torch.ones((), dtype=x.dtype)), -4, 4, REAL),
    "neg": (torch.neg, -4, 4, NUMBER),
    "abs": (torch.abs, -4, 4, NUMBER),
    "sign": (torch.sign, -4, 4, NUMBER),
    "exp": (torch.exp, -9, 9, REAL),
    "log": (torch.log, 0.1, 9, REAL),
    "sqrt": (torch.sqrt, 0, 9, REAL),
    "reciprocal": (torch.reciprocal, 0.1, 4, REAL),
    "erf": (torch.erf, -4, 4, FLOAT),
    "sin": (torch.sin, -9, 9, REAL),
    "cos": (torch.cos, -9, 9, REAL),
    "floor": (torch.floor, -4, 4, REAL),
    "ceil": (torch.ceil, -4, 4, REAL),
    "round": (torch.round, -4, 4, REAL),
    "logical_not": (torch.logical_not, 0, 1, ("bool",)),
}

for name, (function, low, high, dtypes) in UNARY.items():
    operator(name, of(function))(unary(low, high, dtypes))


# One input and arguments


def shaped(draw: Draw, low: float = -4, high: float = 4) -> np.ndarray:
    return draw.array(draw.shape(1, 4), "f32", low, high)


@operator("leaky_relu", lambda op, p, x: F.leaky_relu(x, op.slope))
def leaky_relu(draw: Draw) -> Case:
    x, slope = shaped(draw), draw.one(0.01, 0.2, 0.0, -0.5, 1.5)
    return Case({"slope": slope}, [x], free(draw, x))


@operator("elu", lambda op, p, x: F.elu(x, op.alpha))
def elu(draw: Draw) -> Case:
    x, alpha = shaped(draw), draw.one(1.0, 0.3, 2.0)
    return Case({"alpha": alpha}, [x], free(draw, x))


@operator("hard_sigmoid", lambda op, p, x: torch.clamp(x * op.alpha + op.beta, 0, 1))
def hard_sigmoid(draw: Draw) -> Case:
    x, alpha, beta = shaped(draw, -5, 5), draw.one(1 / 6, 0.2, -0.3, 0.0), draw.one(0.5, 0.4, 0.0)
    return Case({"alpha": alpha, "beta": beta}, [x], free(draw, x))


@operator("prelu", lambda op, p, x: F.prelu(x, p["weight"]))
def prelu(draw: Draw) -> Case:
    x, shared = draw.array(draw.shape(2, 4)), draw.flag()
    return Case({"shared": shared}, [x], draw.one((), (0,)))


@operator("gelu", lambda op, p, x: F.gelu(x, approximate=op.approximate))
def gelu(draw: Draw) -> Case:
    x, how = shaped(draw, -2), draw.one("none", "tanh")  # below, 1 + tanh has few digits left
    return Case({"approximate": how}, [x], free(draw, x))


def on_axis(draw: Draw) -> Case:
    x = shaped(draw)
    axis, _ = draw.axis(x.ndim)
    return Case({"axis": axis}, [x], free(draw, x))


operator("softmax", along(F.softmax))(on_axis)
operator("log_softmax", along(F.log_softmax))(on_axis)


def idle(draw: Draw) -> Case:
    """What only training sees."""
    x, p = shaped(draw), draw.one(0.5, 0.0, 1.0, 0.1)
    return Case({"p": p}, [x], free(draw, x))


operator("dropout", lambda op, p, x: F.dropout(x, op.p, training=False))(idle)
operator("drop_path", of(lambda x: x))(idle)


@operator("clip", lambda op, p, x: torch.clamp(x, op.low, op.high))
def clip(draw: Draw) -> Case:
    x = draw.array(draw.shape(0, 4), draw.one("f32", "f64"))
    low, high = draw.one(None, -2.0, 0.0, -9.0), draw.one(None, 1.0, 2.0, 9.0)
    if low is None and high is None:
        low = -1.0
    return Case({"low": low, "high": high}, [x], free(draw, x))


@operator("cast", lambda op, p, x: x.to(TORCH[op.dtype]))
def cast(draw: Draw) -> Case:
    before, after = draw.one("f32", "i64", "i32", "u8", "bool"), draw.one(*DRAWN_TYPES)
    x = draw.array(draw.shape(0, 4), before, 0 if after == "u8" else -4)
    # While float32 is judged by float64, a cast from it is to the named type all the same.
    return Case({"dtype": after}, [x], free(draw, x))


@operator("pow", lambda op, p, x, *y: torch.pow(x, y[0] if y else op.exponent))
def power(draw: Draw) -> Case:
    if draw.flag():
        exponent = draw.one(2.0, 0.5, -1.0, 3.0, 1.7, 0.0)
        x = shaped(draw, 0.1)
        return Case({"exponent": exponent}, [x], free(draw, x))
    x, y = broadcasting(draw, 2, "f32", 0.1)
    return Case({}, [x, y])


# Several inputs that broadcast


def broadcasting(draw: Draw, count: int, dtype: str, low: float = -4, high: float = 4) -> list[np.ndarray]:
    """Shapes that agree: axes of size 1 and missing ones in front."""
    common = draw.shape(1, 4)
    shapes = [[draw.one(n, n, 1) for n in common][draw.one(0, 0, draw.whole(0, len(common))) :] for _ in range(count)]
    return [draw.array(shape, dtype, low, high) for shape in shapes]


def joined(*dtypes: str) -> Callable[[Draw], Case]:
    """One input or more."""
    return lambda draw: Case({}, broadcasting(draw, draw.whole(1, 4), draw.one(*dtypes)))


operator("add", from_left(torch.add))(joined(*NUMBER))
operator("mul", from_left(torch.mul))(joined(*NUMBER))
operator("max", from_left(torch.maximum))(joined(*NUMBER))
operator("min", from_left(torch.minimum))(joined(*NUMBER))
operator("average", of(lambda *x: torch.stack(torch.broadcast_tensors(*x)).mean(0)))(joined("f32"))


def binary(*dtypes: str, low: float = -4) -> Callable[[Draw], Case]:
    def case(draw: Draw) -> Case:
        inputs = broadcasting(draw, 2, draw.one(*dtypes), low)
        if inputs[0].dtype.kind == "f" and low < 0:
            inputs = [np.asarray(np.round(x)) for x in inputs]  # so that some are equal
        return Case({}, inputs)

    return case


@operator("is_nan", of(torch.isnan))
def is_nan(draw: Draw) -> Case:
    x = draw.array(draw.shape(0, 4), draw.one("f32", "f64"))
    return Case({}, [np.asarray(np.where(x > 1, np.nan, np.where(x < -3, np.inf, x)), x.dtype)], free(draw, x))


operator("sub", of(torch.sub))(binary(*NUMBER))
operator("div", of(torch.div))(binary("f32", "f64", low=0.5))
operator("equal", of(torch.eq))(binary(*ANY))
operator("not_equal", of(torch.ne))(binary(*ANY))
operator("less", of(torch.lt))(binary(*NUMBER))
operator("less_equal", of(torch.le))(binary(*NUMBER))
operator("greater", of(torch.gt))(binary(*NUMBER))
operator("greater_equal", of(torch.ge))(binary(*NUMBER))
operator("logical_and", of(torch.logical_and))(binary("bool"))
operator("logical_or", of(torch.logical_or))(binary("bool"))


@operator("where", of(torch.where))
def where(draw: Draw) -> Case:
    x, y, condition = broadcasting(draw, 3, draw.one("f32", "i64", "f64"))
    return Case({}, [np.asarray(condition > 0), x, y])


def later_hidden(x: Tensor) -> Tensor:
    rows, columns = x.shape[-2:]
    return x.masked_fill(torch.arange(columns) > torch.arange(rows)[:, None] + (columns - rows), -torch.inf)


@operator("causal_mask", of(later_hidden))
def causal_mask(draw: Draw) -> Case:
    t = draw.whole(1, 6)
    x = draw.array([*draw.sizes(draw.whole(0, 2), 1, 3), t, t + draw.one(0, 0, 1, 3)])
    return Case({}, [x], free(draw, x))
