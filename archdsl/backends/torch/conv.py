"""Convolutions, and the padding that poolings share."""

from __future__ import annotations

from archdsl.backends.torch.form import Form, Lowering, Site, call, fixed, short
from archdsl.backends.torch.simple_rules import real, unless
from archdsl.ops.windows import Pads


def padded(site: Site, pads: Pads | None, value: float = 0.0) -> str:
    """The input with its spatial axes padded, as an expression."""
    if pads is None:
        kernel, stride, dilation = site.op.geometry(site.types[0])
        upper = site.op.pad == "same_upper"
        return f"same_pad({{0}}, {kernel}, {stride}, {dilation}, upper={upper}, value={real(value)})"
    flat = tuple(n for pair in reversed(pads) for n in pair)
    return f"F.pad({{0}}, {flat}" + (f", value={real(value)})" if value else ")")


def flat(pads: Pads) -> tuple[int, ...]:
    """Padding as ``F.pad`` takes it: the last axis first."""
    return tuple(n for pair in reversed(pads) for n in pair)


def conv(site: Site) -> Form:
    """``Conv1d`` to ``3d``; padding that differs at the ends is done in front of it."""
    op, x = site.op, site.types[0]
    kernel, stride, dilation = op.geometry(x)
    pads = op.pads(x)
    even = pads is not None and all(begin == end for begin, end in pads)
    own = short([begin for begin, _ in pads]) if even else 0
    layer = call(
        f"nn.Conv{len(kernel)}d", ("in_channels", fixed(x, 1)), ("channels", op.channels),
        kernel_size=short(kernel), stride=unless(1, short(stride)), padding=unless(0, own),
        dilation=unless(1, short(dilation)), groups=unless(1, op.groups), bias=unless(True, op.bias),
        dtype=site.dtype(),
    )  # fmt: skip
    if even:
        return site.layer(layer)
    uses = ("same_pad",) if pads is None else ()
    return site.layer(layer, f"{{self}}({padded(site, pads)})", uses)


def conv_transpose(site: Site) -> Form:
    """``ConvTranspose1d`` to ``3d``; padding that differs at the ends is cut off after it."""
    op, x = site.op, site.types[0]
    kernel, stride, dilation = op.geometry(x)
    pads, extra = op.pads(x), op.output_pads(x)
    even = all(begin == end for begin, end in pads)
    layer = call(
        f"nn.ConvTranspose{len(kernel)}d", ("in_channels", fixed(x, 1)), ("channels", op.channels),
        kernel_size=short(kernel), stride=unless(1, short(stride)),
        padding=unless(0, short([begin for begin, _ in pads]) if even else 0),
        output_padding=unless(0, short(extra)), groups=unless(1, op.groups), bias=unless(True, op.bias),
        dilation=unless(1, short(dilation)), dtype=site.dtype(),
    )  # fmt: skip
    if even:
        return site.layer(layer)
    cut = ", ".join(f"{begin}:{-end or ''}" for begin, end in pads)
    return site.layer(layer, f"{{self}}({{0}})[:, :, {cut}]")


RULES: dict[str, Lowering] = {
    "conv": conv,
    "conv_transpose": conv_transpose,
}
