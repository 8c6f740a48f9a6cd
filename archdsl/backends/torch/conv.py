"""Convolutions, and the padding that poolings share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.backends.torch.form import Form, Lowering, Site, call, fixed, short
from archdsl.backends.torch.simple_rules import real, unless
from archdsl.backends.torch.starts import begun
from archdsl.ops.windows import Pads

if TYPE_CHECKING:
    import torch.nn.functional as F  # noqa: N812
    from torch import Tensor


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
    if op.weight:
        numbers = f"{short(stride)}, {own}, {short(dilation)}, {op.groups}"
        return with_weight(site, "conv", "{0}" if even else padded(site, pads), numbers, () if pads else ("same_pad",))
    layer = call(
        f"nn.Conv{len(kernel)}d", ("in_channels", fixed(x, 1)), ("channels", op.channels),
        kernel_size=short(kernel), stride=unless(1, short(stride)), padding=unless(0, own),
        dilation=unless(1, short(dilation)), groups=unless(1, op.groups), bias=unless(True, op.bias),
        dtype=site.dtype(),
    )  # fmt: skip
    if even:
        return begun(site, layer)
    uses = ("same_pad",) if pads is None else ()
    return begun(site, layer, f"{{self}}({padded(site, pads)})", uses)


def conv_transpose(site: Site) -> Form:
    """``ConvTranspose1d`` to ``3d``; padding that differs at the ends is cut off after it."""
    op, x = site.op, site.types[0]
    kernel, stride, dilation = op.geometry(x)
    pads, extra = op.pads(x), op.output_pads(x)
    even = all(begin == end for begin, end in pads)
    cut = "" if even else f"[:, :, {', '.join(f'{begin}:{-end or str()}' for begin, end in pads)}]"
    if op.weight:
        trim = short([begin for begin, _ in pads]) if even else 0
        numbers = f"{short(stride)}, {trim}, {short(extra)}, {op.groups}, {short(dilation)}"
        return with_weight(site, "conv_transpose", "{0}", numbers, behind=cut)
    layer = call(
        f"nn.ConvTranspose{len(kernel)}d", ("in_channels", fixed(x, 1)), ("channels", op.channels),
        kernel_size=short(kernel), stride=unless(1, short(stride)),
        padding=unless(0, short([begin for begin, _ in pads]) if even else 0),
        output_padding=unless(0, short(extra)), groups=unless(1, op.groups), bias=unless(True, op.bias),
        dilation=unless(1, short(dilation)), dtype=site.dtype(),
    )  # fmt: skip
    return begun(site, layer, f"{{self}}({{0}}){cut}")


def with_weight(site: Site, name: str, x: str, numbers: str, uses: tuple[str, ...] = (), behind: str = "") -> Form:
    """PyTorch's function with a weight that is given; a layer keeps the bias."""
    op, (type, weight) = site.op, site.types
    function = f"F.{name}{type.rank - 2}d"
    if weight.rank > type.rank:
        function, uses = f"{name}_of_samples", (*uses, f"{__name__}:{name}_of_samples")
    kept = call("Affine", ("channels", (op.channels,)), scale=False, shift=True, dtype=site.dtype("bias"))
    bias = "{self}.bias" if op.bias else "None"
    text = f"{function}({x}, {site.operand('weight')}, {bias}, {numbers}){behind}"
    return site.layer(kept, text, (*uses, "Affine")) if op.bias else site.text(text, uses=uses)


def conv_of_samples(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: int | tuple[int, ...],
    padding: int | tuple[int, ...],
    dilation: int | tuple[int, ...],
    groups: int,
) -> Tensor:
    """A convolution with a weight for each sample: samples are groups."""
    n, channels = weight.shape[:2]
    conv = (F.conv1d, F.conv2d, F.conv3d)[x.dim() - 3]
    y = conv(
        x.reshape(1, -1, *x.shape[2:]), weight.flatten(0, 1), None,
        stride, padding, dilation, n * groups,
    )  # fmt: skip
    y = y.reshape(n, channels, *y.shape[2:])
    return y if bias is None else y + bias.reshape(-1, *[1] * (x.dim() - 2))


def conv_transpose_of_samples(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: int | tuple[int, ...],
    padding: int | tuple[int, ...],
    output_padding: int | tuple[int, ...],
    groups: int,
    dilation: int | tuple[int, ...],
) -> Tensor:
    """A transposed convolution with a weight for each sample: samples are groups."""
    n, channels = weight.shape[0], weight.shape[2] * groups
    conv = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[x.dim() - 3]
    y = conv(
        x.reshape(1, -1, *x.shape[2:]), weight.flatten(0, 1), None,
        stride, padding, output_padding, n * groups, dilation,
    )  # fmt: skip
    y = y.reshape(n, channels, *y.shape[2:])
    return y if bias is None else y + bias.reshape(-1, *[1] * (x.dim() - 2))


RULES: dict[str, Lowering] = {
    "conv": conv,
    "conv_transpose": conv_transpose,
}
