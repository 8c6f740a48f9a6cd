"""Regions of maps -> ``RoiAlign``, ``MaxRoiPool``."""

from __future__ import annotations

from archdsl.backends.onnx.simple_rules import Lowering
from archdsl.backends.onnx.writer import Emit
from archdsl.diagnostics import Refusal

NEWEST = 21
"""The last operator set whose ``RoiAlign`` and ``MaxRoiPool`` ONNX Runtime 1.32 has."""


def _need_kernel(emit: Emit, kind: str) -> None:
    """Keep to operator sets for which ONNX Runtime has the operator; refuse (E0607) a newer one."""
    emit.at_most(NEWEST)
    if emit.opset > NEWEST and not emit.writer.native:
        raise Refusal(
            "E0607", f"ONNX Runtime has no kernel on the CPU for `{kind}` of the operator set {emit.opset}",
            help=f"`--opset {NEWEST}` will do, or write it for another runtime with `--native`",
        )  # fmt: skip


def roi_align(emit: Emit) -> None:
    """``RoiAlign``."""
    _need_kernel(emit, "RoiAlign")
    op = emit.op
    rows, columns = op.sizes()
    emit.result(
        "RoiAlign", [*emit.ins[:2], emit.cast(emit.ins[2], "i64")],
        coordinate_transformation_mode="half_pixel" if op.aligned else "output_half_pixel", mode="avg",
        output_height=rows, output_width=columns, sampling_ratio=op.samples, spatial_scale=op.scale,
    )  # fmt: skip


def roi_pool(emit: Emit) -> None:
    """``MaxRoiPool``, whose boxes begin with the number of their image."""
    _need_kernel(emit, "MaxRoiPool")
    images = emit.helper("Unsqueeze", [emit.cast(emit.ins[2], emit.types[0].dtype), emit.ints([1])])
    boxes = emit.helper("Concat", [images, emit.ins[1]], axis=1)
    emit.result("MaxRoiPool", [emit.ins[0], boxes], pooled_shape=emit.op.sizes(), spatial_scale=emit.op.scale)


RULES: dict[str, Lowering] = {"roi_align": roi_align, "roi_pool": roi_pool}
