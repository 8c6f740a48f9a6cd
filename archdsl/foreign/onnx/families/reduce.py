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
    """The largest, or by negative numbers the smallest; as many as a number of the data says, too."""
    x = call.value(0)
    axis, smallest = call.axis(-1, x.type.rank), not call.attr("largest", 1)
    if smallest and x.type.dtype[0] == "u":
        return call.not_supported("the smallest of numbers that have no sign")
    of = call.apply("neg", x) if smallest else x
    item = call.given(1)
    if isinstance(item, Value):
        found = call.apply_all("top_k", of, item, k=x.type.shape[axis], axis=axis, only=1)
    else:
        found = call.apply_all("top_k", of, k=(call.numbers("k", 1) or [1])[0], axis=axis)
    return [call.apply("neg", found[0]), found[1]] if smallest else found


@rule("CumSum")
def cumsum(call: Call) -> Result:
    """From the first position on, or from the last one; without the position itself behind a zero."""
    x, at = call.value(0), call.integers("", 1)
    axis = call.axes(at[:1] if at else [0], x.type.rank)[0]
    turned, size = call.attr("reverse", 0), x.type.shape[axis]
    if turned:
        x = call.apply("reverse", x, axis=axis)
    if call.attr("exclusive", 0):
        ends = call.apply("slice", x, axis=axis, start=0, stop=-1) if size != 1 else None
        shape = [*x.type.shape]
        shape[axis] = 1
        zero = call.apply("zeros", size=shape, dtype=x.type.dtype)
        x = zero if ends is None else call.apply("concat", zero, ends, axis=axis)
    made = call.apply("cumsum", x, axis=axis)
    return call.apply("reverse", made, axis=axis) if turned else made
