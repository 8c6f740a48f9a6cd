"""Writing at computed positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.backends.torch.form import Form, Lowering, Site
from archdsl.shapes import resolve_axis

if TYPE_CHECKING:
    import torch
    from torch import Tensor

NAMES = {"none": "", "add": "sum", "mul": "prod", "max": "amax", "min": "amin"}
"""Our reductions -> those of ``scatter_reduce``."""


def scatter_elements(site: Site) -> Form:
    """``scatter`` or ``scatter_reduce``."""
    axis = resolve_axis(site.op.axis, site.types[0])
    text = f'put_along({{0}}, {{1}}, {{2}}, {axis}, "{NAMES[site.op.reduce]}")'
    return site.text(text, uses=(f"{__name__}:put_along",))


def put_along(x: Tensor, at: Tensor, updates: Tensor, axis: int, reduce: str) -> Tensor:
    """The updates written, or taken into what is there, at their positions."""
    at = at.long()
    at = torch.where(at < 0, at + x.shape[axis], at)
    if not reduce:
        return x.scatter(axis, at, updates)
    return x.scatter_reduce(axis, at, updates, reduce)


def scatter(site: Site) -> Form:
    """The same for slices."""
    axis = resolve_axis(site.op.axis, site.types[0])
    text = f'put_rows({{0}}, {{1}}, {{2}}, {axis}, {site.op.batch}, "{NAMES[site.op.reduce]}")'
    return site.text(text, uses=(f"{__name__}:put_rows",))


def put_rows(x: Tensor, at: Tensor, updates: Tensor, axis: int, batch: int, reduce: str) -> Tensor:
    """Slices of an axis written, other ones in each row of the first axes."""
    new = at.dim() - batch
    place, wide = tuple(range(axis, axis + new)), x.movedim(axis, batch)
    rows = updates.movedim(place, tuple(range(batch, at.dim())))
    rows = rows.reshape(*at.shape[:batch], -1, *wide.shape[batch + 1 :])
    at = at.reshape(*at.shape[:batch], -1, *[1] * (wide.dim() - batch - 1))
    found = put_along(wide, at.expand(rows.shape), rows, batch, reduce)
    return found.movedim(batch, axis)


RULES: dict[str, Lowering] = {"scatter": scatter, "scatter_elements": scatter_elements}
