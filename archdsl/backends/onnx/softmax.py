"""``Softmax`` and ``LogSoftmax``."""

from __future__ import annotations

from archdsl.backends.onnx.simple_rules import Lowering
from archdsl.backends.onnx.writer import Emit
from archdsl.shapes import resolve_axis


def along(kind: str) -> Lowering:
    """The ONNX operator ``kind`` with its axis from the front."""

    def rule(emit: Emit) -> None:
        emit.result(kind, emit.ins, axis=resolve_axis(emit.op.axis, emit.types[0]))

    return rule


RULES = {"softmax": along("Softmax"), "log_softmax": along("LogSoftmax")}
