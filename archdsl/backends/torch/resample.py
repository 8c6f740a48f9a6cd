"""Other resolutions."""

from __future__ import annotations

from archdsl.backends.torch.form import Form, Lowering, Site, call
from archdsl.dims import Dim, floordiv


def resize(site: Site) -> Form:
    """``interpolate``, by factors where sizes are open."""
    before, after, op = site.types[0].shape[2:], site.outs[0].shape[2:], site.op
    if before == after:
        return site.text("{0}")
    corners = f", align_corners={op.align_corners}" if op.mode != "nearest" else ""
    factors = [_factor(old, new) for old, new in zip(before, after)]
    symbolic = not all(isinstance(n, int) for n in after)
    if symbolic and None not in factors and not op.align_corners:
        size = f"scale_factor={tuple(float(f) for f in factors if f is not None)}"
    else:
        size = f"size={site.sizes(after)}"
    return site.text(f'F.interpolate({{0}}, {size}, mode="{op.mode}"{corners})')


def _factor(before: Dim, after: Dim) -> int | None:
    quotient = floordiv(after, before)
    return quotient if isinstance(quotient, int) and quotient and quotient * before == after else None


def depth_to_space(site: Site) -> Form:
    """``pixel_shuffle``; a function of ours for the other order."""
    if site.op.mode == "crd":
        return site.text(
            f"F.pixel_shuffle({{0}}, {site.op.block})", layer=call("nn.PixelShuffle", ("n", site.op.block))
        )
    return site.text(f"depth_to_space({{0}}, {site.op.block})", uses=("depth_to_space",))


def space_to_depth(site: Site) -> Form:
    """``pixel_unshuffle``; a function of ours for the other order."""
    if site.op.mode == "crd":
        return site.text(
            f"F.pixel_unshuffle({{0}}, {site.op.block})", layer=call("nn.PixelUnshuffle", ("n", site.op.block))
        )
    return site.text(f"space_to_depth({{0}}, {site.op.block})", uses=("space_to_depth",))


RULES: dict[str, Lowering] = {
    "resize": resize,
    "depth_to_space": depth_to_space,
    "space_to_depth": space_to_depth,
}
