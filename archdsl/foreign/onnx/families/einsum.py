"""``Einsum``."""

from __future__ import annotations

from archdsl.foreign.einsum import einsum
from archdsl.foreign.onnx.call import Call, Result, rule


@rule("Einsum")
def _einsum(call: Call) -> Result:
    """Sums of products by letters."""
    values = [call.value(i) for i in range(len(call.inputs))]
    made = einsum(str(call.attr("equation", "")), values, call.apply)
    return call.not_supported("a letter that one tensor has twice") if made is None else made
