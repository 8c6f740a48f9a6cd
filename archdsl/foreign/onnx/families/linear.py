"""Matrix products: with a constant on the right they are layers."""

from __future__ import annotations

from typing import Any

from archdsl.foreign.known import Known
from archdsl.foreign.onnx.call import Call, Item, Result, rule, type_of
from archdsl.graph import Value


def turned(known: Known, order: tuple[int, ...]) -> Known:
    """The tensor with its axes in another order, the same object every time."""
    if order not in known.turned:
        made = known.turned[order] = Known(
            known.dtype, tuple([known.shape[i] for i in order]), load=lambda: known.array().transpose(order),
            fill=known.fill, name=known.name, weight=known.weight,
        )  # fmt: skip
        made.turned[tuple([order.index(i) for i in range(len(order))])] = known
    return known.turned[order]


@rule("MatMul")
def matmul(call: Call) -> Result:
    """A matrix on the right that lies in the file is a layer's weight, stored [in, out]."""
    left, right = call.item(0), call.item(1)
    if isinstance(left, Value) and _is_weight(right) and left.type.rank >= 2:
        assert isinstance(right, Known)
        return _layer(call, left, right, flips=True)
    return call.apply("matmul", call.value(0), call.value(1))


def _layer(call: Call, x: Value, matrix: Known, *, flips: bool, bias: Known | None = None) -> Value:
    """The layer whose weight is a matrix of the file, [in, out] if it ``flips``; as it lies in the file."""
    features = matrix.shape[1 if flips else 0]
    if matrix.file is None and (1, 0) in matrix.turned:  # it is turned already, from one that lies there
        matrix, flips = matrix.turned[1, 0], not flips
    weights = {"weight": matrix, **({"bias": bias} if bias is not None else {})}
    return call.apply("linear", x, weights=weights, features=features, bias=bias is not None, transposed=flips)


def _is_weight(item: Item) -> bool:
    return isinstance(item, Known) and len(item.shape) == 2 and all(isinstance(size, int) for size in item.shape)


@rule("Gemm")
def gemm(call: Call) -> Result:
    """``alpha * A' * B' + beta * C``."""
    alpha, beta = call.attr("alpha", 1.0), call.attr("beta", 1.0)
    a: Value = call.value(0)
    if call.attr("transA", 0):
        a = call.apply("permute", a, order=[1, 0])
    b, c = call.item(1), call.given(2)
    flips = not call.attr("transB", 0)
    if _is_weight(b) and alpha == 1.0:
        assert isinstance(b, Known)
        own = c if isinstance(c, Known) and beta == 1.0 and c.shape == (b.shape[1 if flips else 0],) else None
        made = _layer(call, a, b, flips=flips, bias=own)
        return made if own is not None or c is None else _plus(call, made, c, beta)
    right = call.value(1)
    if call.attr("transB", 0):
        right = call.apply("permute", right, order=[1, 0])
    made = call.apply("matmul", a, right)
    if alpha != 1.0:
        made = _scaled(call, made, alpha)
    return made if c is None else _plus(call, made, c, beta)


def _scaled(call: Call, value: Value, factor: float) -> Value:
    (number,) = call.apply_all("constant", values=factor, dtype=value.type.dtype)
    return call.apply("mul", value, number)


def _plus(call: Call, made: Value, c: Item, beta: float) -> Result:
    added: Any = call.as_value(c, "bias")
    if type_of(c).elements == 0 or beta == 0:
        return made
    return call.apply("add", made, added if beta == 1.0 else _scaled(call, added, beta))
