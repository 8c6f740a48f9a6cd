"""Branches that are decided, and loops by their bodies."""

from __future__ import annotations

from archdsl.diagnostics import Refusal
from archdsl.foreign.known import Known
from archdsl.foreign.onnx.call import Call, Result, rule
from archdsl.foreign.onnx.model import Graph


@rule("If")
def if_(call: Call) -> Result:
    """The branch that runs; refuses (E1002) a condition that is neither known nor bound."""
    condition = call.item(0)
    if not isinstance(condition, Known):
        raise call.depends(condition, "the condition")
    chosen = "then_branch" if bool(condition.array().ravel()[0]) else "else_branch"
    branch = call.node.attributes.get(chosen)
    if not isinstance(branch, Graph):
        raise Refusal("E1001", f"`If` has no `{chosen}`")
    return call.run_graph(branch, {})
