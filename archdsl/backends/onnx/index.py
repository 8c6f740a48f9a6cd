"""Parts of a tensor, and repetition -> ``Slice``, ``Gather``, ``Tile``."""

from __future__ import annotations

from archdsl.backends.onnx.writer import Emit
from archdsl.shapes import resolve_axis

END = (1 << 63) - 1
"""ONNX reads a bound beyond the axis as its end."""


def slice_(emit: Emit) -> None:
    """``Slice``; negative bounds mean the same in ONNX."""
    op = emit.op
    axis = resolve_axis(op.axis, emit.types[0])
    bounds = [emit.vector([op.start]), emit.vector([END if op.stop is None else op.stop])]
    emit.result("Slice", [emit.ins[0], *bounds, emit.ints([axis]), emit.ints([op.step])])


def select(emit: Emit) -> None:
    """``Gather`` with a scalar, which drops the axis."""
    index = emit.scalar(emit.op.index, "i64")
    emit.result("Gather", [emit.ins[0], index], axis=resolve_axis(emit.op.axis, emit.types[0]))


def gather(emit: Emit) -> None:
    """``Gather`` of fixed positions."""
    axis = resolve_axis(emit.op.axis, emit.types[0])
    emit.result("Gather", [emit.ins[0], emit.ints(emit.op.indices)], axis=axis)


def take(emit: Emit) -> None:
    """``Gather`` of computed positions; ``GatherND`` where each row of the first axes has its own, along the axis
    behind them, to which another one is moved.
    """
    axis, batch, (x, at) = resolve_axis(emit.op.axis, emit.types[0]), emit.op.batch, emit.types
    if batch == 0:
        emit.result("Gather", emit.ins, axis=axis)
        return
    rows = emit.helper("Unsqueeze", [emit.cast(emit.ins[1], "i64"), emit.ints([at.rank])])
    inputs = [moved(emit, emit.ins[0], axis, batch, x.rank), rows]
    new = at.rank - batch
    if axis == batch or new == 0:
        emit.result("GatherND", inputs, batch_dims=batch)
        return
    found = emit.helper("GatherND", inputs, batch_dims=batch)
    rest = emit.outs[0].rank
    order = [*range(batch), *range(at.rank, axis + new), *range(batch, at.rank), *range(axis + new, rest)]
    emit.result("Transpose", [found], perm=order)


def moved(emit: Emit, name: str, axis: int, to: int, rank: int) -> str:
    """A helper ``Transpose`` that moves an axis forward; the value itself where it is there."""
    if axis == to:
        return name
    return emit.helper("Transpose", [name], perm=[*range(to), axis, *(i for i in range(to, rank) if i != axis)])


def gather_elements(emit: Emit) -> None:
    """``GatherElements``."""
    emit.result("GatherElements", emit.ins, axis=resolve_axis(emit.op.axis, emit.types[0]))


def tile(emit: Emit) -> None:
    """``Tile``; nothing where nothing repeats."""
    if any(count > 1 for count in emit.op.counts):
        emit.result("Tile", [emit.ins[0], emit.ints(emit.op.counts)])
    else:
        emit.forward()


def gather_nd(emit: Emit) -> None:
    """``GatherND``."""
    emit.result("GatherND", [emit.ins[0], emit.cast(emit.ins[1], "i64")])


RULES = {
    "slice": slice_,
    "select": select,
    "gather": gather,
    "take": take,
    "gather_elements": gather_elements,
    "gather_nd": gather_nd,
    "tile": tile,
}
