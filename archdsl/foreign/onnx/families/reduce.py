"""Sums, means and extrema along axes, and where they are."""

from __future__ import annotations

from archdsl.foreign.onnx.call import Call, Result, rule
from archdsl.graph import Value

PLAIN = {
    "ReduceSum": "reduce_sum", "ReduceMean": "reduce_mean", "ReduceMax": "reduce_max", "ReduceMin": "reduce_min",
    "ReduceProd": "reduce_prod", "ReduceL1": "reduce_l1", "ReduceL2": "reduce_l2",
}  # fmt: skip


@rule(*PLAIN)
def plain(call: Call) -> Result:
    """Axes are an attribute or, later, an input; none are all."""
    return reduced(call, PLAIN[call.node.op], call.value(0))


def reduced(call: Call, name: str, x: Value) -> Value:
    """``x`` reduced along the axes of the node."""
    found = call.integers("axes", 1)
    if not found and call.attr("noop_with_empty_axes", 0):
        return x
    axes = sorted(call.axes(found or None, x.type.rank))
    if not axes:
        return x
    keep = bool(call.attr("keepdims", 1))
    if name == "reduce_mean" and axes == list(range(2, x.type.rank)) and x.type.rank > 2 and keep:
        return call.apply("global_avg_pool", x)
    return call.apply(name, x, axis=axes if len(axes) > 1 else axes[0], keep=keep)


@rule("ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp")
def composed(call: Call) -> Result:
    """Of several of ours."""
    x, name = call.value(0), call.node.op
    if name == "ReduceSumSquare":
        return reduced(call, "reduce_sum", call.apply("mul", x, x))
    if name == "ReduceLogSumExp":
        x = call.apply("exp", x)
    return call.apply("log", reduced(call, "reduce_sum", x))


@rule("ArgMax", "ArgMin")
def position(call: Call) -> Result:
    """The first of equal ones."""
    x = call.value(0)
    if call.attr("select_last_index", 0):
        return call.not_supported("the last of equal ones")
    name = "argmax" if call.node.op == "ArgMax" else "argmin"
    return call.apply(name, x, axis=call.axis(0, x.type.rank), keep=bool(call.attr("keepdims", 1)))


@rule("TopK")
def top_k(call: Call) -> Result:
    """The largest."""
    x = call.value(0)
    if not call.attr("largest", 1):
        return call.not_supported("the smallest")
    k = call.integers("k", 1)
    return call.apply_all("top_k", x, k=k[0] if k else 1, axis=call.axis(-1, x.type.rank))


@rule("CumSum")
def cumsum(call: Call) -> Result:
    """From the first position on."""
    if call.attr("exclusive", 0) or call.attr("reverse", 0):
        return call.not_supported("from the end, or without the position itself")
    axis = call.integers("", 1)
    return call.apply("cumsum", call.value(0), axis=axis[0] if axis else 0)
