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


@rule("RotaryEmbedding")
def rotary(call: Call) -> Result:
    """The first features of each head turned, two and two, by angles of its position."""
    x, flat = call.value(0), call.type(0).rank == 3
    call.no_weights()  # cosines and sines
    tables = [call.value(1), call.value(2)]
    if call.given(3) is not None:
        tables = [call.apply("take", one, call.value(3), axis=0) for one in tables]
    turned, whole = x, list(x.type.shape)
    if flat:
        heads = call.attr("num_heads", 0) or call.not_supported("an unknown number of heads")
        width = call.integer(whole[2], "the features")
        turned = call.apply("reshape", x, to=[*whole[:2], heads, width // heads])
    cos, sin = (call.apply("unsqueeze", one, axis=2 if flat else 1) for one in tables)
    size = call.integer(turned.type.shape[3], "the features of a head")
    used = call.attr("rotary_embedding_dim", 0) or size
    parts = [_part(call, turned, 0, used)]
    a, b = _pairs(call, parts[0], used, bool(call.attr("interleaved", 0)))
    first = call.apply("sub", call.apply("mul", cos, a), call.apply("mul", sin, b))
    second = call.apply("add", call.apply("mul", sin, a), call.apply("mul", cos, b))
    if call.attr("interleaved", 0):
        both = call.apply("concat", *(call.apply("unsqueeze", one, axis=4) for one in (first, second)), axis=4)
        made = call.apply("reshape", both, to=list(parts[0].type.shape))
    else:
        made = call.apply("concat", first, second, axis=3)
    if used < size:
        made = call.apply("concat", made, _part(call, turned, used, size), axis=3)
    return call.apply("reshape", made, to=whole) if flat else made


def _part(call: Call, x: Value, start: int, stop: int) -> Value:
    """Features of each head."""
    if (start, stop) == (0, x.type.shape[3]):
        return x
    return call.apply("slice", x, axis=3, start=start, stop=stop)


def _pairs(call: Call, x: Value, size: int, interleaved: bool) -> tuple[Value, Value]:
    """The first and the second of each pair: neighbours, or one of each half."""
    if not interleaved:
        return _part(call, x, 0, size // 2), _part(call, x, size // 2, size)
    pairs = call.apply("reshape", x, to=[*x.type.shape[:3], size // 2, 2])
    return call.apply("select", pairs, axis=4, index=0), call.apply("select", pairs, axis=4, index=1)
