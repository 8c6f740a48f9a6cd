"""Writing at computed positions -> ``ScatterND``, ``ScatterElements``."""

from __future__ import annotations

from archdsl.backends.onnx.index import moved
from archdsl.backends.onnx.wire import Attribute
from archdsl.backends.onnx.writer import Emit
from archdsl.shapes import TensorType, resolve_axis


def _reduction(emit: Emit, kind: str) -> dict[str, Attribute]:
    """The attribute; extremes are in ONNX since set 18."""
    if emit.op.reduce in ("max", "min"):
        emit.require(18, f"`{kind}` with `{emit.op.reduce}`")
    return {} if emit.op.reduce == "none" else {"reduction": emit.op.reduce}


def _wide(emit: Emit) -> Emit:
    """ONNX Runtime has no arithmetic of half types here."""
    return emit if emit.op.reduce == "none" else emit.wide()


def scatter_elements(emit: Emit) -> None:
    """``ScatterElements``."""
    emit = _wide(emit)
    axis = resolve_axis(emit.op.axis, emit.types[0])
    emit.result("ScatterElements", emit.ins, axis=axis, **_reduction(emit, "ScatterElements"))


def scatter(emit: Emit) -> None:
    """``ScatterND``: the axis is moved behind the common ones, whose positions become coordinates."""
    emit = _wide(emit)
    x, at, updates = emit.types
    axis, batch, extra = resolve_axis(emit.op.axis, x), emit.op.batch, _reduction(emit, "ScatterND")
    places = _coordinates(emit, at, batch)
    if axis == batch:
        emit.result("ScatterND", [emit.ins[0], places, emit.ins[2]], **extra)
        return
    new = at.rank - batch
    rows = [*range(batch), *range(axis, axis + new), *range(batch, axis), *range(axis + new, updates.rank)]
    written = emit.ins[2] if new == 0 else emit.helper("Transpose", [emit.ins[2]], perm=rows)
    found = emit.helper("ScatterND", [moved(emit, emit.ins[0], axis, batch, x.rank), places, written], **extra)
    back = [*range(batch), *range(batch + 1, axis + 1), batch, *range(axis + 1, x.rank)]
    emit.result("Transpose", [found], perm=back)


def _coordinates(emit: Emit, at: TensorType, batch: int) -> str:
    """The positions with a last axis of coordinates: those of the ``batch`` first axes, then the position itself."""
    rows = emit.cast(emit.ins[1], "i64")
    last = emit.ints([at.rank])
    if batch == 0:
        return emit.helper("Unsqueeze", [rows, last])
    shape = emit.vector(at.shape)
    parts = []
    for axis in range(batch):
        size = emit.reshape(emit.vector([at.shape[axis]]), (1,), ())
        count = emit.helper("Range", [emit.scalar(0, "i64"), size, emit.scalar(1, "i64")])
        column = emit.reshape(count, (at.shape[axis],), (-1, *(1,) * (at.rank - axis - 1)))
        parts.append(emit.helper("Expand", [column, shape]))
    return emit.helper("Concat", [emit.helper("Unsqueeze", [one, last]) for one in (*parts, rows)], axis=-1)


RULES = {"scatter": scatter, "scatter_elements": scatter_elements}
