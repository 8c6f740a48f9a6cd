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


BLOCKS = frozenset({"f32", "f16", "f64", "i8", "u8"})
"""Element types for which runtimes have ``DepthToSpace`` and ``SpaceToDepth``; the others are moved axis by axis."""


def depth_to_space(emit: Emit) -> None:
    """``DepthToSpace``."""
    if emit.types[0].dtype not in BLOCKS:
        n, c, h, w = emit.types[0].shape
        block = emit.op.block
        inner = dims.floordiv(c, block * block)
        first = emit.op.mode == "dcr"
        split = (n, block, block, inner, h, w) if first else (n, inner, block, block, h, w)
        _rearrange(emit, split, (0, 3, 4, 1, 5, 2) if first else (0, 1, 4, 2, 5, 3))
        return
    emit.result("DepthToSpace", emit.ins, blocksize=emit.op.block, mode=emit.op.mode.upper())


def space_to_depth(emit: Emit) -> None:
    """``SpaceToDepth``; what runtimes lack, by moving axes."""
    n, c, h, w = emit.types[0].shape
    block, dtype = emit.op.block, emit.types[0].dtype
    if block == 1 or (emit.op.mode == "dcr" and dtype in BLOCKS):
        emit.result("SpaceToDepth", emit.ins, blocksize=block)
        return
    split = (n, c, dims.floordiv(h, block), block, dims.floordiv(w, block), block)
    _rearrange(emit, split, (0, 3, 5, 1, 2, 4) if emit.op.mode == "dcr" else (0, 1, 3, 5, 2, 4))


def _rearrange(emit: Emit, split: tuple[Dim, ...], order: tuple[int, ...]) -> None:
    """The input with its axes split, in another order, in the shape of the result."""
    (x,), (y,) = emit.types, emit.outs
    apart = emit.reshape(emit.ins[0], x.shape, split)
    turned = emit.helper("Transpose", [apart], perm=order)
    emit.result("Reshape", [turned, emit.target(tuple(split[axis] for axis in order), y.shape)])


RULES = {"resize": resize, "depth_to_space": depth_to_space, "space_to_depth": space_to_depth}
