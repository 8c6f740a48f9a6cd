"""Resolutions, and positions added at the ends of axes."""

from __future__ import annotations

from math import isfinite
from typing import Any

from archdsl.dims import Dim
from archdsl.foreign.known import Known
from archdsl.foreign.onnx.call import Call, Result, rule
from archdsl.foreign.onnx.values.elements import UnknownError, floor, multiply
from archdsl.graph import Value
from archdsl.shapes import TensorType

LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


@rule("Resize", "Upsample")
def resize(call: Call) -> Result:
    """Of the axes behind the channels."""
    given = call.item(0)
    if isinstance(given, Known):
        given.weight = False  # a table that is resampled is no layer's weight
    x = call.value(0)
    after, rounded = _sizes(call, x.type.rank)
    if tuple(after) == x.type.shape and not rounded:
        return x
    made = x.type.with_shape(after)
    if after[:2] != [*x.type.shape[:2]] or call.attr("antialias", 0):
        return call.not_supported("other axes than those of positions", made)
    if rounded:
        return call.not_supported("factors whose sizes are rounded, which place positions by the factor", made)
    return call.apply("resize", x, size=after[2:], **_interpolation(call, x, after, made))


def _interpolation(call: Call, x: Value, after: list[Dim], made: TensorType) -> dict[str, Any]:
    """The mode as arguments of ours."""
    old = call.node.op == "Upsample" or call.version < 11
    mode = call.attr("mode", "nearest")
    where = "asymmetric" if old else call.attr("coordinate_transformation_mode", "half_pixel")
    if mode == "nearest":
        how = "floor" if old else call.attr("nearest_mode", "round_prefer_floor")
        if not _takes_floor(x.type.shape[2:], after[2:], where, how):
            call.not_supported(f"nearest positions by `{where}` and `{how}`", made)
        return {}
    if where not in ("half_pixel", "pytorch_half_pixel", "align_corners"):
        call.not_supported(f"`{mode}` positions by `{where}`", made)
    if where == "pytorch_half_pixel" and 1 in after[2:]:
        call.not_supported("one position by `pytorch_half_pixel`", made)
    if mode != "cubic":
        return {"mode": LINEAR.get(x.type.rank - 2, ""), "align_corners": where == "align_corners"}
    sharp = abs(call.attr("cubic_coeff_a", -0.75) + 0.75) > 1e-6
    if x.type.rank != 4 or sharp or call.attr("exclude_outside", 0):
        call.not_supported("this form of cubic interpolation", made)
    return {"mode": "bicubic", "align_corners": where == "align_corners"}


def _sizes(call: Call, rank: int) -> tuple[list[Dim], bool]:
    """All sizes of the result, and whether one of them is less than its factor says."""
    shape = call.type(0).shape
    if call.node.op == "Resize" and call.version >= 11:
        sizes, scales = call.numbers("", 3), call.numbers("", 2)
    else:
        sizes, scales = None, call.numbers("scales", 1)
    axes = call.axes(call.attr("axes") or None, rank)
    if len(sizes or scales or ()) != len(axes):
        return call.not_supported("some axes alone")
    if sizes:
        if call.attr("keep_aspect_ratio_policy", "stretch") != "stretch":
            return call.not_supported("sizes that are made to fit")
        wanted, rounded = dict(zip(axes, sizes)), False
    else:
        factors = {axis: exact(one) for axis, one in zip(axes, scales or ())}
        wanted = {axis: _scaled(call, shape[axis], one) for axis, one in factors.items()}
        rounded = not all(_whole(shape[axis], one) for axis, one in factors.items())
    return [wanted.get(axis, size) for axis, size in enumerate(shape)], rounded


def _scaled(call: Call, size: Dim, factor: Any) -> Dim:
    """A size times a factor, rounded down."""
    if isinstance(size, int):
        return int(size * factor // 1)
    try:
        found: Dim = floor(multiply(size, factor))
    except UnknownError:
        return call.not_supported("a factor that is no ratio, of a free size")
    return found


def _whole(size: Dim, factor: Any) -> bool:
    """Whether a size is a whole number after resampling: then factor and sizes say the same."""
    if float(factor).is_integer():
        return True
    return isinstance(size, int) and abs(size * factor - round(size * factor)) < 1e-9


def exact(scale: Any) -> Any:
    """A factor of single precision as the fraction that was meant."""
    from fractions import Fraction

    if not isinstance(scale, float):
        return scale
    ratio = Fraction(scale).limit_denominator(4096)
    return float(ratio) if abs(float(ratio) - scale) <= 1e-7 * scale else scale


def _takes_floor(before: Any, after: Any, where: str, how: str) -> bool:
    """Whether each position takes the one at ``floor(y * before / after)``, as ours does."""
    if where == "asymmetric" and how == "floor":
        return True
    factors = [_factor(a, b) for a, b in zip(after, before)]
    if None in factors:
        return False
    if where in ("half_pixel", "pytorch_half_pixel"):
        return how in ("round_prefer_floor", "round_prefer_ceil")
    return where == "asymmetric" and how == "round_prefer_floor" and {*factors} <= {1, 2}


def _factor(after: Dim, before: Dim) -> int | None:
    """By how much an axis grows, where that is a whole number."""
    if isinstance(after, int) and isinstance(before, int):
        return after // before if before and not after % before else None
    return next((factor for factor in range(1, 33) if after == before * factor), None)


@rule("Pad")
def pad(call: Call) -> Result:
    """Fewer positions are a slice."""
    x, mode = call.value(0), call.attr("mode", "constant")
    rank = x.type.rank
    pads = call.numbers("pads" if call.version < 11 else "", 1) or call.numbers("paddings") or []
    given = call.integers("", 3) if call.version >= 18 else None
    axes = call.axes(given, rank)
    half = len(axes)
    if mode == "wrap" or len(pads) != 2 * half:
        return call.not_supported(f"the mode `{mode}`")
    begins, ends = list(pads[:half]), list(pads[half:])
    for i, axis in enumerate(axes):
        cut = [-one if isinstance(one, int) and one < 0 else 0 for one in (begins[i], ends[i])]
        if any(cut):
            x = call.apply("slice", x, axis=axis, start=cut[0], stop=x.type.shape[axis] - cut[1])
            begins[i], ends[i] = (0 if c else one for c, one in zip(cut, (begins[i], ends[i])))
    used = [i for i in range(half) if begins[i] != 0 or ends[i] != 0]
    if not used:
        return x
    number = (call.numbers("value", 2) if call.version >= 11 else [call.attr("value", 0.0)]) or [0]
    if mode == "constant" and isinstance(number[0], float) and not isfinite(number[0]):
        for i in used:
            x = _beside(call, x, axes[i], (begins[i], ends[i]), number[0])
        return x
    return call.apply(
        "pad_axes", x, amount=[begins[i] for i in used] + [ends[i] for i in used], axis=[axes[i] for i in used],
        mode=mode, value=number[0] if mode == "constant" else 0,
    )  # fmt: skip


def _beside(call: Call, x: Value, axis: int, ends: tuple[Dim, Dim], number: float) -> Value:
    """``x`` between tensors of one number."""
    parts = [x]
    for at, count in zip((0, len(parts) + 1), ends):
        if count != 0:
            shape = (*x.type.shape[:axis], count, *x.type.shape[axis + 1 :])
            parts.insert(at, call.as_value(Known(x.type.dtype, shape, fill=number), "pad"))
    return call.apply("concat", *parts, axis=axis)


@rule("DepthToSpace", "SpaceToDepth")
def blocks(call: Call) -> Result:
    """Blocks of pixels and channels."""
    name = "depth_to_space" if call.node.op == "DepthToSpace" else "space_to_depth"
    mode = call.attr("mode", "DCR").lower()
    return call.apply(name, call.value(0), block=call.attr("blocksize", 1), mode=mode)
