"""Nodes that have no operator here."""

from __future__ import annotations

from archdsl.diagnostics import Refusal
from archdsl.foreign.onnx.call import Call, Result


def opaque(call: Call, why: str) -> Result:
    """An opaque node for what has no operator here; ``why``: what of it is not supported, if not all."""
    domain = f"{call.node.domain}." if call.node.domain else ""
    raise Refusal("E1003", f"`{domain}{call.node.op}` has no operator here" + (f": {why}" if why else ""))
