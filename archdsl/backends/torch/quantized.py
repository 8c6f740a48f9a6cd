"""Integers that stand for numbers: their products are computed in floats that hold all of them exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.backends.torch.conv import padded
from archdsl.backends.torch.form import DTYPES, Form, Lowering, Site, short
from archdsl.ops.quantized import ENDS

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def quantize(site: Site) -> Form:
    """Divided, rounded and held within the bounds."""
    low, high = ENDS[site.op.dtype]
    scale, zero = _spread(site, "{1}"), _spread(site, site.operand("zero"))
    shift = "" if zero == "None" else f" + {zero}.to({{0}}.dtype)"
    text = f"(torch.round({{0}} / {scale}){shift}).clamp({low}, {high}).to({DTYPES[site.op.dtype]})"
    return site.text(text, uses=(f"{__name__}:spread",) if "spread(" in text else ())


def dequantize(site: Site) -> Form:
    """The difference from the zero, times the scale."""
    scale, zero = _spread(site, "{1}"), _spread(site, site.operand("zero"))
    integers = "{0}" if zero == "None" else f"({{0}}.to(torch.int32) - {zero}.to(torch.int32))"
    text = f"{integers}.to({scale}.dtype) * {scale}"
    return site.text(text, uses=(f"{__name__}:spread",) if "spread(" in text else ())


def _spread(site: Site, name: str) -> str:
    """A scale or zero so that it broadcasts over the tensor."""
    axis = site.op.per(*site.types[:2])
    if name == "None" or axis is None:
        return name
    return f"spread({name}, {{0}}, {axis}, {site.op.block})"


def spread(scale: Tensor, x: Tensor, axis: int, block: int | None) -> Tensor:
    """The numbers of an axis, or of its blocks, for each of its positions."""
    if block is not None:
        return scale.repeat_interleave(block, axis).narrow(axis, 0, x.shape[axis])
    return scale.reshape([-1 if i == axis else 1 for i in range(x.dim())])


def dynamic_quantize(site: Site) -> Form:
    """A function of ours."""
    return site.text("dynamically_quantized({0})", uses=(f"{__name__}:dynamically_quantized",))


def dynamically_quantized(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """As u8, with scale and zero: from the least to the greatest element, 0 among them."""
    low, high = x.min().clamp(max=0), x.max().clamp(min=0)
    scale = (high - low) / 255
    scale = torch.where(scale == 0, torch.ones_like(scale), scale)
    zero = torch.round((-low / scale).clamp(0, 255))
    y = (torch.round(x / scale) + zero).clamp(0, 255)
    return y.to(torch.uint8), scale, zero.to(torch.uint8)


def matmul_integer(site: Site) -> Form:
    """A product of floats that hold every integer of it exactly."""
    left, right = _less(site, "{0}", "zero"), _less(site, "{1}", "weight_zero")
    return site.text(f"({left} @ {right}).to(torch.int32)")


def conv_integer(site: Site) -> Form:
    """A convolution of floats that hold every integer of it exactly."""
    op, x = site.op, site.types[0]
    kernel, stride, dilation = op.geometry(x)
    pads = op.pads(x)
    entering = padded(site, pads).replace("{0}", _less(site, "{0}", "zero"))
    numbers = f"{short(stride)}, 0, {short(dilation)}, {op.groups}"
    text = f"F.conv{len(kernel)}d({entering}, {_less(site, '{1}', 'weight_zero')}, None, {numbers}).to(torch.int32)"
    return site.text(text, uses=() if pads else ("same_pad",))


def _less(site: Site, name: str, zero: str) -> str:
    given = site.operand(zero)
    return f"({name}.double() - {given}.double())" if given != "None" else f"{name}.double()"


RULES: dict[str, Lowering] = {
    "quantize": quantize,
    "dequantize": dequantize,
    "dynamic_quantize": dynamic_quantize,
    "matmul_integer": matmul_integer,
    "conv_integer": conv_integer,
}
