"""Places that are given or computed: slices written, maps looked up, regions of maps, sequences turned round."""

from __future__ import annotations

from typing import Any

from archdsl import dims
from archdsl.diagnostics import Refusal
from archdsl.foreign.known import Known
from archdsl.foreign.onnx.call import Call, Result, rule
from archdsl.graph import Value

GRID_MODES = {"linear": "bilinear", "cubic": "bicubic"}
"""What interpolations were called before operator set 20."""


@rule("ReverseSequence")
def reverse_sequence(call: Call) -> Result:
    """The first positions of each sequence in reverse order."""
    time, batch = call.attr("time_axis", 0), call.attr("batch_axis", 1)
    return call.apply("reverse_sequence", call.value(0), call.value(1), axis=time, batch=batch)


@rule("ScatterND")
def scatter_nd(call: Call) -> Result:
    """Whole slices replaced: ``k`` coordinates of each are one position in the ``k`` first axes seen as one."""
    call.no_weights()
    x, shape = call.value(0), call.type(0).shape
    count = call.type(1).shape[-1] if call.type(1).rank else 0
    if not isinstance(count, int) or not 0 < count <= len(shape):
        raise Refusal("E1001", f"`ScatterND` has {count} coordinates for {x.type}")
    at = _positions(call, shape, count)
    flat = x if count == 1 else call.apply("reshape", x, to=[dims.product(shape[:count]), *shape[count:]])
    made = call.apply("scatter", flat, at, call.value(2), axis=0, reduce=call.attr("reduction", "none"))
    return made if count == 1 else call.apply("reshape", made, to=[*shape])


def _positions(call: Call, shape: tuple[dims.Dim, ...], count: int) -> Value:
    """The coordinates of each slice as one number; negative ones count from the end."""
    if count == 1:
        return call.apply("squeeze", call.value(1), axis=-1)
    sizes = [one for one in shape[1:count] if isinstance(one, int)]
    if len(sizes) != count - 1:
        call.not_supported("coordinates in axes of free sizes")
    item = call.item(1)
    if isinstance(item, Known) and not item.symbolic:
        given = item.array()
        place = given[..., 0]
        for i, size in enumerate(sizes, 1):
            place = place * size + given[..., i] % size
        return call.as_value(Known("i64", place.shape, array=place), "places")
    at = call.value(1)
    made = call.apply("select", at, axis=-1, index=0)
    for i, size in enumerate(sizes, 1):
        one = call.apply("select", at, axis=-1, index=i)
        wide, zero = (call.apply("constant", values=number, dtype=at.type.dtype) for number in (size, 0))
        one = call.apply("where", call.apply("less", one, zero), call.apply("add", one, wide), one)
        made = call.apply("add", call.apply("mul", made, wide), one)
    return made


@rule("GridSample")
def grid_sample(call: Call) -> Result:
    """Maps, and of volumes what is not cubic."""
    mode = call.attr("mode", "linear")
    mode = GRID_MODES.get(mode, mode)
    if mode == "bicubic" and call.type(0).rank != 4:
        return call.not_supported("cubic interpolation of volumes")
    return call.apply(
        "grid_sample", call.value(0), call.value(1), mode=mode, pad=call.attr("padding_mode", "zeros"),
        align_corners=bool(call.attr("align_corners", 0)),
    )  # fmt: skip


@rule("RoiAlign")
def roi_align(call: Call) -> Result:
    """Means; before operator set 16 pixels are at their corners."""
    x, boxes = call.type(0), call.type(1)
    size: Any = (call.attr("output_height", 1), call.attr("output_width", 1))
    if call.attr("mode", "avg") != "avg":
        made = x.with_shape([boxes.shape[0], x.shape[1], *size])
        return call.not_supported("the greatest of weighted corners", made)
    where = call.attr("coordinate_transformation_mode", "half_pixel" if call.version >= 16 else "output_half_pixel")
    return call.apply(
        "roi_align", call.value(0), call.value(1), call.value(2), size=size, scale=call.attr("spatial_scale", 1.0),
        samples=call.attr("sampling_ratio", 0), aligned=where == "half_pixel",
    )  # fmt: skip
