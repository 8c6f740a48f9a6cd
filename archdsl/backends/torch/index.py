"""Positions of an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.backends.torch.form import Form, Lowering, Site
from archdsl.shapes import resolve_axis

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def slice_(site: Site) -> Form:
    """An index with a slice."""
    axis, (x,) = resolve_axis(site.op.axis, site.types[0]), site.types
    start, stop = site.op.bounds(x)
    first, last = site.sizes([start])[1:-2], "" if stop == x.shape[axis] else site.sizes([stop])[1:-2]
    step = f":{site.op.step}" if site.op.step != 1 else ""
    place = ":, " * axis + f"{'' if first == '0' else first}:{last}{step}"
    return site.text(f"{{0}}[{place}]")


def select(site: Site) -> Form:
    """``select``: one position, without its axis."""
    return site.text(f"{{0}}.select({resolve_axis(site.op.axis, site.types[0])}, {site.op.index})")


def gather(site: Site) -> Form:
    """An index with a list of positions."""
    axis = resolve_axis(site.op.axis, site.types[0])
    return site.text("{0}[" + ":, " * axis + f"{list(site.op.indices)}]")


def take(site: Site) -> Form:
    """An index with a tensor of positions; a function where each row of the first axes has its own."""
    axis, batch = resolve_axis(site.op.axis, site.types[0]), site.op.batch
    if batch == 0:
        return site.text("{0}[" + ":, " * axis + "{1}]")
    return site.text(f"take_rows({{0}}, {{1}}, {axis}, {batch})", uses=(f"{__name__}:take_rows",))


def take_rows(x: Tensor, at: Tensor, axis: int, batch: int) -> Tensor:
    """Positions of an axis, other ones in each row of the first axes."""
    new = at.dim() - batch
    rows = [
        torch.arange(n, device=x.device).reshape([-1] + [1] * (at.dim() - 1 - i))
        for i, n in enumerate(at.shape[:batch])
    ]
    found = x.movedim(axis, batch)[(*rows, at)]
    return found.movedim(tuple(range(batch, at.dim())), tuple(range(axis, axis + new)))


def gather_elements(site: Site) -> Form:
    """``gather``, which takes no negative positions."""
    axis = resolve_axis(site.op.axis, site.types[0])
    return site.text(f"take_along({{0}}, {{1}}, {axis})", uses=(f"{__name__}:take_along",))


def take_along(x: Tensor, at: Tensor, axis: int) -> Tensor:
    """The elements at the positions; negative ones count from the end."""
    at = at.long()
    return x.gather(axis, torch.where(at < 0, at + x.shape[axis], at))


def tile(site: Site) -> Form:
    """``repeat``."""
    return site.text(f"{{0}}.repeat({', '.join(map(str, site.op.counts))})")


def gather_nd(site: Site) -> Form:
    """An index with several tensors."""
    return site.text("{0}[{1}.unbind(-1)]")


RULES: dict[str, Lowering] = {
    "slice": slice_,
    "select": select,
    "gather": gather,
    "take": take,
    "gather_elements": gather_elements,
    "gather_nd": gather_nd,
    "tile": tile,
}
