"""Poolings over all positions, or over bins."""

from __future__ import annotations

from archdsl.backends.torch.form import Form, Lowering, Site, call, short


def whole(text: str, module: str = "") -> Lowering:
    """A pooling over all positions; ``AXES`` in the text."""

    def rule(site: Site) -> Form:
        rank = site.types[0].rank
        axes = tuple(range(2, rank))
        layer = call(f"nn.{module}{rank - 2}d", ("size", 1)) if module and rank <= 5 else None
        return site.text(text.replace("AXES", str(axes)), layer=layer)

    return rule


def global_lp_pool(site: Site) -> Form:
    """The root of the sum of powers."""
    axes, p = tuple(range(2, site.types[0].rank)), site.op.p
    return site.text(f"torch.sum({{0}}.abs() ** {p}, dim={axes}, keepdim=True) ** {1 / p!r}")


def adaptive(kind: str) -> Lowering:
    """``adaptive_avg_pool`` or ``adaptive_max_pool``."""

    def rule(site: Site) -> Form:
        size, rank = short(site.op.sizes(site.types[0])), site.types[0].rank - 2
        layer = call(f"nn.Adaptive{kind.capitalize()}Pool{rank}d", ("size", size))
        return site.text(f"F.adaptive_{kind}_pool{rank}d({{0}}, {size})", layer=layer)

    return rule


RULES: dict[str, Lowering] = {
    "global_avg_pool": whole("torch.mean({0}, dim=AXES, keepdim=True)", "AdaptiveAvgPool"),
    "global_max_pool": whole("torch.amax({0}, dim=AXES, keepdim=True)", "AdaptiveMaxPool"),
    "global_lp_pool": global_lp_pool,
    "adaptive_avg_pool": adaptive("avg"),
    "adaptive_max_pool": adaptive("max"),
}
