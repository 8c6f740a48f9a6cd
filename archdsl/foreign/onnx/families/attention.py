"""Attention as one operator (opset 23), and turned positions."""

from __future__ import annotations

from typing import Any

from archdsl.foreign.onnx.call import Call, Result, rule
from archdsl.graph import Value


@rule("Attention")
def attention(call: Call) -> Result:
    """Heads are an axis, or lie side by side."""
    if any(call.given(i) is not None for i in (4, 5, 6)) or len([n for n in call.node.outputs if n]) > 1:
        return call.not_supported("keys and values of steps before")
    if call.attr("softmax_precision") not in (None, 1):
        return call.not_supported("another precision of the softmax")
    q, k, v = (call.value(i) for i in range(3))
    flat = q.type.rank == 3
    heads, shared = call.attr("q_num_heads"), call.attr("kv_num_heads")
    if flat:
        q, k, v = _apart(call, q, heads), _apart(call, k, shared), _apart(call, v, shared)
    causal = bool(call.attr("is_causal", 0))
    if causal and q.type.shape[2] != k.type.shape[2]:
        return call.not_supported("a causal mask of other keys than queries")
    arguments: dict[str, Any] = {"causal": causal}
    scale, softcap = call.attr("scale"), call.attr("softcap", 0.0)
    if scale:
        arguments["scale"] = scale
    if softcap:
        arguments["softcap"] = softcap
    masks = [call.value(3)] if call.given(3) is not None else []
    if masks:
        arguments["mask"] = 1
    made = call.apply("attend", q, k, v, *masks, **arguments)
    if not flat:
        return made
    n, _, t, _ = made.type.shape
    joined = call.apply("permute", made, order=[0, 2, 1, 3])
    return call.apply("reshape", joined, to=[n, t, heads * call.integer(made.type.shape[3], "a head")])


def _apart(call: Call, value: Value, heads: int) -> Value:
    """[N, T, h * e] as [N, h, T, e]."""
    n, t, width = value.type.shape
    each = call.integer(width, "the features") // heads
    return call.apply("permute", call.apply("reshape", value, to=[n, t, heads, each]), order=[0, 2, 1, 3])
