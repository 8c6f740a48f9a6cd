"""``opaque`` -> the node of the foreign file, as it stands there."""

from __future__ import annotations

from archdsl.backends.onnx.writer import Custom, Emit
from archdsl.diagnostics import Refusal


def opaque(emit: Emit) -> None:
    """The node with its attributes. Refuses (E0601) what was not kept whole, and another set than the file's."""
    op, settings = emit.op, emit.op.settings
    if op.nodes > 1:
        raise Refusal("E0601", f"`{op.operator}` stands for {op.nodes} nodes of the file: they cannot be written again")
    if settings is None:
        raise Refusal("E0601", f"attributes of `{op.operator}` were not kept: the node cannot be written again")
    if not op.domain:
        emit.at_most(op.version)
        emit.require(op.version, f"`{op.kind}`")
        if emit.opset > op.version:
            raise Refusal("E0601", f"`{op.kind}` is known of the operator set {op.version} only, not of {emit.opset}")
    entering = [one or "" for one in op.placed(emit.ins)]
    emit.result(Custom(op.domain, op.kind, op.version) if op.domain else op.kind, entering, **settings)
    emit.settle()


RULES = {"opaque": opaque, "dynamic_quantize_lstm": opaque}
