"""Looking maps up -> ``GridSample``."""

from __future__ import annotations

from archdsl.backends.onnx.simple_rules import Lowering
from archdsl.backends.onnx.writer import Emit

MODES = {"bilinear": "linear", "nearest": "nearest", "bicubic": "cubic"}
"""What the interpolations are called from operator set 20 on."""


def grid_sample(emit: Emit) -> None:
    """``GridSample``; of volumes from operator set 20 on."""
    emit = emit.wide()  # positions are fractions of the size
    op = emit.op
    if emit.types[0].rank == 5 or emit.types[0].dtype == "f64":
        emit.require(20, "`grid_sample` of volumes and of f64")
    mode = MODES[op.mode] if emit.opset >= 20 else op.mode
    emit.result("GridSample", emit.ins, mode=mode, padding_mode=op.pad, align_corners=int(op.align_corners))


RULES: dict[str, Lowering] = {"grid_sample": grid_sample}
