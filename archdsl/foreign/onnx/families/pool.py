"""Poolings."""

from __future__ import annotations

from typing import Any

from archdsl.foreign.onnx.call import Call, Result, rule
from archdsl.foreign.onnx.families.conv import numbers, padding

GLOBAL = {"GlobalAveragePool": "global_avg_pool", "GlobalMaxPool": "global_max_pool", "GlobalLpPool": "global_lp_pool"}


@rule("MaxPool", "AveragePool", "LpPool")
def pool(call: Call) -> Result:
    """ONNX leaves padding out of a mean unless it is told to count it."""
    x = call.value(0)
    rank = x.type.rank - 2
    arguments: dict[str, Any] = {
        "kernel": numbers(call.attr("kernel_shape"), rank), "stride": numbers(call.attr("strides"), rank),
        "pad": padding(call, rank), "ceil": bool(call.attr("ceil_mode", 0)),
    }  # fmt: skip
    dilation = numbers(call.attr("dilations"), rank)
    if call.node.op == "MaxPool":
        arguments["dilation"] = dilation
        if len(call.node.outputs) > 1 and call.node.outputs[1]:
            if call.attr("storage_order", 0):
                call.not_supported("positions in column-major order")
            return call.apply_all("max_pool_indices", x, **arguments)
        return call.apply("max_pool", x, **arguments)
    if dilation != 1:
        call.not_supported("dilation")
    if call.node.op == "LpPool":
        return call.apply("lp_pool", x, p=call.attr("p", 2), **arguments)
    counts = bool(call.attr("count_include_pad", 0))
    return call.apply("avg_pool", x, count_pad=counts or arguments["pad"] == "valid", **arguments)


@rule(*GLOBAL)
def global_pool(call: Call) -> Result:
    """One value for each channel."""
    more = {"p": call.attr("p", 2)} if call.node.op == "GlobalLpPool" else {}
    return _kept(call, call.apply(GLOBAL[call.node.op], call.value(0), **more))


def _kept(call: Call, made: Any) -> Result:
    """The result with the axes of positions, which ours may have dropped."""
    rank = call.type(0).rank
    if made.type.rank == rank:
        return made  # type: ignore[no-any-return]
    return call.apply("unsqueeze", made, axis=list(range(made.type.rank, rank)))
