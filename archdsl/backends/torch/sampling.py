"""Looking maps up."""

from __future__ import annotations

from archdsl.backends.torch.form import Form, Lowering, Site


def grid_sample(site: Site) -> Form:
    """``grid_sample``."""
    op = site.op
    return site.text(
        f"F.grid_sample({{0}}, {{1}}, {op.mode!r}, {op.pad!r}, align_corners={op.align_corners})".replace("'", '"')
    )


RULES: dict[str, Lowering] = {"grid_sample": grid_sample}
