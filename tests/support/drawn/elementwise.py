"""Operators that work on every element by itself: activations, functions, arithmetic with broadcasting, logic."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from drawn import Case, Draw, operator

TORCH = {
    "f32": torch.float32, "f64": torch.float64, "i64": torch.int64, "i32": torch.int32, "i8": torch.int8,
    "u8": torch.uint8, "bool": torch.bool,
}  # fmt: skip


def free(draw: Draw, x: np.ndarray) -> tuple[int, ...]:
    return draw.one((), (0,), tuple(range(x.ndim)))


# One input and no arguments


def unary(function: Callable[[Tensor], Tensor], low: float, high: float, dtypes: tuple[str, ...]) -> Any:
    def case(draw: Draw) -> Case:
        x = draw.array(draw.shape(0, 4), draw.one(*dtypes), low, high)
        if x.dtype.kind == "f" and draw.flag():
            x = np.clip(np.round(2 * x) / 2, low, high).astype(x.dtype)  # with ties, corners and zeros
        return Case({}, [np.asarray(x)], function, free(draw, x))

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
    "hard_sigmoid": (F.hardsigmoid, -5, 5, FLOAT),
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
    operator(name)(unary(function, low, high, dtypes))


# One input and arguments


def shaped(draw: Draw, low: float = -4, high: float = 4) -> np.ndarray:
    return draw.array(draw.shape(1, 4), "f32", low, high)


@operator("leaky_relu")
def leaky_relu(draw: Draw) -> Case:
    x, slope = shaped(draw), draw.one(0.01, 0.2, 0.0, -0.5, 1.5)
    return Case({"slope": slope}, [x], lambda x: F.leaky_relu(x, slope), free(draw, x))


@operator("elu")
def elu(draw: Draw) -> Case:
    x, alpha = shaped(draw), draw.one(1.0, 0.3, 2.0)
    return Case({"alpha": alpha}, [x], lambda x: F.elu(x, alpha), free(draw, x))


@operator("prelu")
def prelu(draw: Draw) -> Case:
    x, shared = draw.array(draw.shape(2, 4)), draw.flag()
    return Case({"shared": shared}, [x], lambda x, weight: F.prelu(x, weight), draw.one((), (0,)))


@operator("gelu")
def gelu(draw: Draw) -> Case:
    x, how = shaped(draw, -2), draw.one("none", "tanh")  # below, 1 + tanh has few digits left
    return Case({"approximate": how}, [x], lambda x: F.gelu(x, approximate=how), free(draw, x))


def along(function: Callable[[Tensor, int], Tensor]) -> Callable[[Draw], Case]:
    def case(draw: Draw) -> Case:
        x = shaped(draw)
        axis, index = draw.axis(x.ndim)
        return Case({"axis": axis}, [x], lambda x: function(x, index), free(draw, x))

    return case


operator("softmax")(along(F.softmax))
operator("log_softmax")(along(F.log_softmax))


def idle(function: Callable[[Tensor, float], Tensor]) -> Callable[[Draw], Case]:
    """What only training sees."""

    def case(draw: Draw) -> Case:
        x, p = shaped(draw), draw.one(0.5, 0.0, 1.0, 0.1)
        return Case({"p": p}, [x], lambda x: function(x, p), free(draw, x))

    return case


operator("dropout")(idle(lambda x, p: F.dropout(x, p, training=False)))
operator("drop_path")(idle(lambda x, p: x))


@operator("clip")
def clip(draw: Draw) -> Case:
    x = draw.array(draw.shape(0, 4), draw.one("f32", "f64"))
    low, high = draw.one(None, -2.0, 0.0, -9.0), draw.one(None, 1.0, 2.0, 9.0)
    if low is None and high is None:
        low = -1.0
    return Case({"low": low, "high": high}, [x], lambda x: torch.clamp(x, low, high), free(draw, x))


@operator("cast")
def cast(draw: Draw) -> Case:
    before, after = draw.one("f32", "i64", "i32", "u8", "bool"), draw.one(*TORCH)
    x = draw.array(draw.shape(0, 4), before, 0 if after == "u8" else -4)
    # While float32 is judged by float64, a cast from it is to the named type all the same.
    return Case({"dtype": after}, [x], lambda x: x.to(TORCH[after]), free(draw, x))


@operator("pow")
def power(draw: Draw) -> Case:
    if draw.flag():
        exponent = draw.one(2.0, 0.5, -1.0, 3.0, 1.7, 0.0)
        x = shaped(draw, 0.1)
        return Case({"exponent": exponent}, [x], lambda x: torch.pow(x, exponent), free(draw, x))
    x, y = broadcasting(draw, 2, "f32", 0.1)
    return Case({}, [x, y], torch.pow)


# Several inputs that broadcast


def broadcasting(draw: Draw, count: int, dtype: str, low: float = -4, high: float = 4) -> list[np.ndarray]:
    """Shapes that agree: axes of size 1 and missing ones in front."""
    common = draw.shape(1, 4)
    shapes = [[draw.one(n, n, 1) for n in common][draw.one(0, 0, draw.whole(0, len(common))) :] for _ in range(count)]
    return [draw.array(shape, dtype, low, high) for shape in shapes]


def joined(function: Callable[[Tensor, Tensor], Tensor], *dtypes: str) -> Callable[[Draw], Case]:
    """One input or more."""

    def case(draw: Draw) -> Case:
        inputs = broadcasting(draw, draw.whole(1, 4), draw.one(*dtypes))
        return Case({}, inputs, lambda *x: reduce(function, x))

    return case


operator("add")(joined(torch.add, *NUMBER))
operator("mul")(joined(torch.mul, *NUMBER))
operator("max")(joined(torch.maximum, *NUMBER))
operator("min")(joined(torch.minimum, *NUMBER))


@operator("average")
def average(draw: Draw) -> Case:
    inputs = broadcasting(draw, draw.whole(1, 4), "f32")
    return Case({}, inputs, lambda *x: torch.stack(torch.broadcast_tensors(*x)).mean(0))


def binary(function: Callable[[Tensor, Tensor], Tensor], *dtypes: str, low: float = -4) -> Callable[[Draw], Case]:
    def case(draw: Draw) -> Case:
        inputs = broadcasting(draw, 2, draw.one(*dtypes), low)
        if inputs[0].dtype.kind == "f" and low < 0:
            inputs = [np.asarray(np.round(x)) for x in inputs]  # so that some are equal
        return Case({}, inputs, function)

    return case


operator("sub")(binary(torch.sub, *NUMBER))
operator("div")(binary(torch.div, "f32", "f64", low=0.5))
operator("equal")(binary(torch.eq, *ANY))
operator("not_equal")(binary(torch.ne, *ANY))
operator("less")(binary(torch.lt, *NUMBER))
operator("less_equal")(binary(torch.le, *NUMBER))
operator("greater")(binary(torch.gt, *NUMBER))
operator("greater_equal")(binary(torch.ge, *NUMBER))
operator("logical_and")(binary(torch.logical_and, "bool"))
operator("logical_or")(binary(torch.logical_or, "bool"))


@operator("where")
def where(draw: Draw) -> Case:
    x, y, condition = broadcasting(draw, 3, draw.one("f32", "i64", "f64"))
    return Case({}, [np.asarray(condition > 0), x, y], torch.where)


@operator("causal_mask")
def causal_mask(draw: Draw) -> Case:
    t = draw.whole(1, 6)
    x = draw.array([*draw.sizes(draw.whole(0, 2), 1, 3), t, t])

    def reference(x: Tensor) -> Tensor:
        return x.masked_fill(~torch.ones(t, t, dtype=torch.bool).tril(), -torch.inf)

    return Case({}, [x], reference, free(draw, x))
