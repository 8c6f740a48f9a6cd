"""Borders: padding and cropping."""

from __future__ import annotations

from archdsl.backends.torch.form import Form, Lowering, Site
from archdsl.backends.torch.simple_rules import real


def pad(site: Site) -> Form:
    """``F.pad`` with a number; a function of ours for borders, one axis after the other."""
    (x,) = site.types
    mode, value = site.op.filling()
    pads = site.op.pads(x)
    if mode == "constant":
        while pads and not any(pads[0]):
            pads = pads[1:]
        ends = ", ".join(site.literal(n) for pair in reversed(pads) for n in pair)
        return site.text(f"F.pad({{0}}, ({ends})" + (f", value={real(value)})" if value else ")") if pads else "{0}")
    text = "{0}"
    for axis, (begin, end) in enumerate(pads):
        if begin or end:
            text = f'pad_inside({text}, {axis}, {site.literal(begin)}, {site.literal(end)}, "{mode}")'
    return site.text(text, uses=("pad_inside",))


def crop(site: Site) -> Form:
    """A slice of each spatial axis."""
    (x,) = site.types
    sizes = site.op.sizes(x)
    if isinstance(site.op.offset, str):
        return site.text(f"centre_crop({{0}}, {site.sizes(sizes)})", uses=("centre_crop",))
    ends = [f"{begin}:{begin} + {site.sizes([n])[1:-2]}" for begin, n in zip(site.op.offsets(x), sizes)]
    return site.text(f"{{0}}[:, :, {', '.join(ends)}]")


RULES: dict[str, Lowering] = {
    "pad_axes": pad,
    "pad_channels": pad,
    "crop": crop,
}
