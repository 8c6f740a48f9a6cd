"""Joining tensors, and taking one apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.backends.torch.form import Form, Lowering, Site
from archdsl.ops.operand_checks import insertion
from archdsl.shapes import resolve_axis

if TYPE_CHECKING:
    from torch import Tensor


def concat(site: Site) -> Form:
    """``cat``."""
    axis = resolve_axis(site.op.axis, site.types[0])
    items = ", ".join(f"{{{i}}}" for i in range(len(site.types)))
    return site.text(f"torch.cat([{items}], dim={axis})")


def stack(site: Site) -> Form:
    """``stack``."""
    axis = insertion(site.op.axis, site.outs[0].rank, "stack")
    items = ", ".join(f"{{{i}}}" for i in range(len(site.types)))
    return site.text(f"torch.stack([{items}], dim={axis})")


def split(site: Site) -> Form:
    """``chunk`` into equal parts, ``split`` into others."""
    axis = resolve_axis(site.op.axis, site.types[0])
    if isinstance(site.op.parts, int):
        text = f"torch.chunk({{0}}, {site.op.parts}, dim={axis})"
    else:
        text = f"torch.split({{0}}, {site.sizes([t.shape[axis] for t in site.outs])}, dim={axis})"
    return site.text(text + ("[0]" if len(site.outs) == 1 else ""))


def sparse(site: Site) -> Form:
    """The inputs times their gates, and the sum."""
    last = len(site.types) - 1
    items = ", ".join(f"{{{i}}}" for i in (last, *range(last)))
    return site.text(f"gated_sum({items})", uses=(f"{__name__}:gated_sum",))


def gated_sum(gates: Tensor, *parts: Tensor) -> Tensor:
    """The sum of the parts, each times its gate."""
    total = parts[0] * gates[..., :1]
    for i, part in enumerate(parts[1:], 1):
        total = total + part * gates[..., i : i + 1]
    return total


RULES: dict[str, Lowering] = {
    "sparse": sparse,
    "concat": concat,
    "stack": stack,
    "split": split,
}
