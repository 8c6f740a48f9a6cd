"""Resolution -> ``Resize``, ``DepthToSpace``, ``SpaceToDepth``."""

from __future__ import annotations

from archdsl import dims
from archdsl.backends.onnx.writer import Emit
from archdsl.dims import Dim


def resize(emit: Emit) -> None:
    """``Resize`` by half pixels, by aligned corners, or to the nearest position below."""
    before, after, op = emit.types[0].shape, emit.outs[0].shape, emit.op
    if before == after:
        emit.forward()
        return
    factors = [_factor(old, new) for old, new in zip(before, after)]
    if op.mode == "nearest":
        if None in factors and all(isinstance(size, int) for size in (*before[2:], *after[2:])):
            _gather_nearest(emit)
            return
        emit.result(
            "Resize", _operands(emit, factors),
            mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor",
        )  # fmt: skip
        return
    place = "align_corners" if op.align_corners else "half_pixel"
    if op.mode == "bicubic":
        emit.result(
            "Resize", _operands(emit, factors), mode="cubic", coordinate_transformation_mode=place, cubic_coeff_a=-0.75
        )
    else:
        emit.result("Resize", _operands(emit, factors), mode="linear", coordinate_transformation_mode=place)


def _factor(before: Dim, after: Dim) -> int | None:
    """The integer that ``after`` is a multiple of ``before`` by."""
    quotient = dims.floordiv(after, before)
    return quotient if isinstance(quotient, int) and quotient and quotient * before == after else None


def _operands(emit: Emit, factors: list[int | None]) -> list[str]:
    """Integer factors where sizes are symbolic, which spares computing them; else the sizes."""
    static = all(isinstance(size, int) for size in emit.outs[0].shape)
    known = [float(factor) for factor in factors if factor is not None]
    if not static and len(known) == len(factors):
        return [emit.ins[0], "", emit.constant("f32", known, [len(known)])]
    return [emit.ins[0], "", "", emit.vector(emit.outs[0].shape)]


def _gather_nearest(emit: Emit) -> None:
    """Ratios that are not integers, exactly: runtimes divide in float32, which can fall below an integer."""
    name = emit.ins[0]
    pairs = [(i, old, new) for i, (old, new) in enumerate(zip(emit.types[0].shape, emit.outs[0].shape)) if old != new]
    for axis, old, new in pairs:
        assert isinstance(old, int) and isinstance(new, int)
        operands = [name, emit.ints([y * old // new for y in range(new)])]
        if axis == pairs[-1][0]:
            emit.result("Gather", operands, axis=axis)
        else:
            name = emit.helper("Gather", operands, axis=axis)


def depth_to_space(emit: Emit) -> None:
    """``DepthToSpace``."""
    emit.result("DepthToSpace", emit.ins, blocksize=emit.op.block, mode=emit.op.mode.upper())


def space_to_depth(emit: Emit) -> None:
    """``SpaceToDepth``; the other order, which it lacks, by moving axes."""
    block = emit.op.block
    if emit.op.mode == "dcr" or block == 1:
        emit.result("SpaceToDepth", emit.ins, blocksize=block)
        return
    n, c, h, w = emit.types[0].shape
    rows, columns = dims.floordiv(h, block), dims.floordiv(w, block)
    blocks = emit.helper("Reshape", [emit.ins[0], emit.vector((n, c, rows, block, columns, block))])
    moved = emit.helper("Transpose", [blocks], perm=[0, 1, 3, 5, 2, 4])
    emit.result("Reshape", [moved, emit.vector(emit.outs[0].shape)])


RULES = {"resize": resize, "depth_to_space": depth_to_space, "space_to_depth": space_to_depth}
