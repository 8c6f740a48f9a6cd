"""Convolutions with moved taps, which PyTorch has in torchvision only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.backends.torch.form import Form, Lowering, Site, call, fixed, short
from archdsl.backends.torch.simple_rules import unless
from archdsl.backends.torch.starts import begun

if TYPE_CHECKING:
    import torch
    import torch.nn.functional as F  # noqa: N812
    from torch import Tensor


def deform_conv(site: Site) -> Form:
    """A ``Conv2d`` keeps the weights; the taps are looked up by ``grid_sample``."""
    op, x = site.op, site.types[0]
    kernel, stride, dilation = op.geometry(x)
    pads = op.known_pads(x)
    begins = tuple(begin for begin, _ in pads)
    numbers = f"{kernel}, {stride}, {begins}, {dilation}, {op.groups}"
    uses = (f"{__name__}:deform_conv_of",)
    weight, bias = "{self}.weight", "{self}.bias" if op.bias else "None"
    if op.weight:
        weight = site.operand("weight")
    text = f"deform_conv_of({{0}}, {{1}}, {weight}, {bias}, {site.operand('mask')}, {numbers})"
    if op.weight and not op.bias:
        return site.text(text, uses=uses)
    if op.weight:
        own = call("Affine", ("channels", (op.channels,)), scale=False, shift=True, dtype=site.dtype("bias"))
        return site.layer(own, text, (*uses, "Affine"))
    layer = call(
        "nn.Conv2d", ("in_channels", fixed(x, 1)), ("channels", op.channels), kernel_size=short(kernel),
        groups=unless(1, op.groups), bias=unless(True, op.bias), dtype=site.dtype(),
    )  # fmt: skip
    return begun(site, layer, text, uses)


def deform_conv_of(
    x: Tensor,
    offsets: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    mask: Tensor | None,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    begins: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> Tensor:
    """A convolution whose taps are moved by the offsets: down, then right."""
    dtype = x.dtype
    if dtype in (torch.float16, torch.bfloat16):
        x, offsets, weight = x.float(), offsets.float(), weight.float()
    n, channels, height, width = x.shape
    taps, (rows, columns) = kernel[0] * kernel[1], offsets.shape[2:]
    moved = offsets.reshape(n, -1, taps, 2, rows, columns)
    own = moved.shape[1]
    tap = torch.arange(taps, device=x.device)
    first_y = tap // kernel[1] * dilation[0] - begins[0]
    first_x = tap % kernel[1] * dilation[1] - begins[1]
    y = torch.arange(rows, device=x.device) * stride[0]
    y = moved[:, :, :, 0] + (first_y[:, None] + y)[:, :, None]
    at = torch.arange(columns, device=x.device) * stride[1]
    at = moved[:, :, :, 1] + (first_x[:, None] + at)[:, None, :]
    grid = torch.stack([(2 * at + 1) / width - 1, (2 * y + 1) / height - 1], -1)
    read = F.grid_sample(
        x.reshape(n * own, channels // own, height, width),
        grid.reshape(n * own, taps * rows, columns, 2),
        align_corners=False,
    ).reshape(n, own, channels // own, taps, rows * columns)
    if mask is not None:
        read = read * mask.reshape(n, own, 1, taps, rows * columns)
    read = read.reshape(n, groups, -1, rows * columns)
    made = weight.reshape(groups, weight.shape[0] // groups, -1) @ read
    made = made.reshape(n, -1, rows, columns)
    return (made if bias is None else made + bias.reshape(-1, 1, 1)).to(dtype)


RULES: dict[str, Lowering] = {"deform_conv": deform_conv}
