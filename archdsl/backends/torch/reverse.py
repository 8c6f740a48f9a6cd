"""Positions in reverse order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.backends.torch.form import Form, Lowering, Site
from archdsl.ops.operand_checks import resolve_axes

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def reverse(site: Site) -> Form:
    """``flip``."""
    return site.text(f"torch.flip({{0}}, {tuple(sorted(resolve_axes(site.op.axis, site.types[0])))})")


def reverse_sequence(site: Site) -> Form:
    """A function of ours."""
    axis, _ = resolve_axes((site.op.axis, site.op.batch), site.types[0])
    return site.text(f"reversed_sequence({{0}}, {{1}}, {axis})", uses=(f"{__name__}:reversed_sequence",))


def reversed_sequence(x: Tensor, lengths: Tensor, axis: int) -> Tensor:
    """The first positions of each sequence in reverse order."""
    place = torch.arange(x.shape[axis], device=x.device).unsqueeze(1 - axis)
    length = lengths.long().unsqueeze(axis)
    at = torch.where(place < length, length - 1 - place, place)
    return x.gather(axis, at.reshape(*at.shape, *[1] * (x.dim() - 2)).expand_as(x))


RULES: dict[str, Lowering] = {"reverse": reverse, "reverse_sequence": reverse_sequence}
