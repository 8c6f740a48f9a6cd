"""What is chosen by its values -> ``NonMaxSuppression``, ``Compress``, ``NonZero``."""

from __future__ import annotations

from archdsl.backends.onnx.writer import Emit
from archdsl.shapes import resolve_axis


def found(emit: Emit, axis: int) -> None:
    """Sizes that depend on the result's are read of it; its type stands in no table of variables."""
    emit.writer.dtypes[emit.writer.value_names[emit.node.outputs[0]]] = emit.outs[0].dtype
    if emit.op.symbol is not None:
        emit.writer.counted(emit.node.outputs[0], axis, emit.op.symbol)


def non_max_suppression(emit: Emit) -> None:
    """``NonMaxSuppression``, which ONNX has in ``f32``."""
    inputs = [emit.cast(name, "f32") for name in emit.ins]
    inputs += [emit.ints([emit.op.max_per_class]), emit.constant("f32", [emit.op.iou_threshold], [1])]
    if emit.op.score_threshold is not None:
        inputs.append(emit.constant("f32", [emit.op.score_threshold], [1]))
    emit.result("NonMaxSuppression", inputs, center_point_box=int(emit.op.center))
    found(emit, 0)


def compress(emit: Emit) -> None:
    """``Compress``."""
    axis = resolve_axis(emit.op.axis, emit.types[0])
    emit.result("Compress", emit.ins, axis=axis)
    found(emit, axis)


def nonzero(emit: Emit) -> None:
    """``NonZero``, which gives a line for each axis, and which ONNX Runtime has for few types."""
    x = emit.ins[0] if emit.types[0].dtype in ("f32", "i64", "i32", "u8", "bool") else emit.cast(emit.ins[0], "bool")
    emit.result("Transpose", [emit.helper("NonZero", [x])], perm=[1, 0])
    found(emit, 0)


RULES = {"non_max_suppression": non_max_suppression, "compress": compress, "nonzero": nonzero}
