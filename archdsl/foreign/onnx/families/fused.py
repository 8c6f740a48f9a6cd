"""Fused operators of ONNX Runtime, as its optimiser writes them."""

from __future__ import annotations

from archdsl.foreign.onnx.call import Call, Result, rule
from archdsl.foreign.onnx.families.linear import matmul
from archdsl.foreign.onnx.families.norm import stored

MS = "com.microsoft"


@rule("Gelu", "BiasGelu", "FastGelu", domain=MS)
def gelu(call: Call) -> Result:
    """With a bias in front, if there is one."""
    x = call.value(0)
    if call.given(1) is not None:
        x = call.apply("add", x, call.value(1))
    return call.apply("gelu", x, approximate="tanh" if call.node.op == "FastGelu" else "none")


@rule("SkipLayerNormalization", "SkipSimplifiedLayerNormalization", domain=MS)
def skip_norm(call: Call) -> Result:
    """The norm of a sum; the sum is the fourth result."""
    if any(call.node.outputs[1:3]):
        return call.not_supported("mean and deviation as results")
    rms = call.node.op != "SkipLayerNormalization"
    total = call.apply("add", call.value(0), call.value(1))
    bias = call.given(3 if rms else 4)
    if bias is not None:
        total = call.apply("add", total, call.as_value(bias, "bias"))
    weights = stored(call, "", "weight") if rms else stored(call, "", "weight", "bias")
    made = call.apply(
        "rms_norm" if rms else "layer_norm", total, weights=weights, scale="weight" in weights,
        shift="bias" in weights, eps=call.attr("epsilon", 1e-12 if not rms else 1e-5),
    )  # fmt: skip
    return [made, made, made, total][: max(len(call.node.outputs), 1)]


@rule("FusedMatMul", domain=MS)
def fused_matmul(call: Call) -> Result:
    """Only where it is a plain product."""
    if (
        any(call.attr(name, 0) for name in ("transA", "transB", "transBatchA", "transBatchB"))
        or call.attr("alpha", 1.0) != 1
    ):
        return call.not_supported("turned or scaled sides")
    return matmul(call)
