"""Positions of an axis."""

from __future__ import annotations

from archdsl.backends.torch.form import Form, Lowering, Site
from archdsl.ops.operand_checks import resolve_axes
from archdsl.shapes import resolve_axis


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
    """An index with a tensor of positions."""
    return site.text("{0}[" + ":, " * resolve_axis(site.op.axis, site.types[0]) + "{1}]")


def reverse(site: Site) -> Form:
    """``flip``."""
    return site.text(f"torch.flip({{0}}, {tuple(sorted(resolve_axes(site.op.axis, site.types[0])))})")


def tile(site: Site) -> Form:
    """``repeat``."""
    return site.text(f"{{0}}.repeat({', '.join(map(str, site.op.counts))})")


RULES: dict[str, Lowering] = {
    "slice": slice_,
    "select": select,
    "gather": gather,
    "take": take,
    "reverse": reverse,
    "tile": tile,
}
