"""Reductions, positions of extremes, running sums."""

from __future__ import annotations

from archdsl.backends.torch.carry import UNSIGNED
from archdsl.backends.torch.form import DTYPES, Form, Lowering, Site
from archdsl.backends.torch.simple_rules import along
from archdsl.element_types import FLOATS
from archdsl.ops.operand_checks import resolve_axes
from archdsl.shapes import resolve_axis


def reduction(text: str) -> Lowering:
    """A reduction: ``AXES`` and ``KEEP`` in the text."""

    def rule(site: Site) -> Form:
        axes = tuple(sorted(resolve_axes(site.op.axis, site.types[0])))
        if not axes:
            return site.text("{0}")
        return site.text(text.replace("AXES", str(axes)).replace("KEEP", str(site.op.keep)))

    return rule


def _kept(site: Site) -> str:
    """An argument that keeps small integers what they are: PyTorch's sums and products of them are ``i64``."""
    dtype = site.types[0].dtype
    return "" if dtype in FLOATS or dtype == "i64" or dtype in UNSIGNED else f", dtype={DTYPES[dtype]}"


def reduce_sum(site: Site) -> Form:
    """``sum``, in the type of the input."""
    return reduction(f"torch.sum({{0}}, dim=AXES, keepdim=KEEP{_kept(site)})")(site)


def reduce_prod(site: Site) -> Form:
    """``prod``, which takes one axis at a time: the last axis first."""
    text = "{0}"
    for axis in sorted(resolve_axes(site.op.axis, site.types[0]), reverse=True):
        text = f"torch.prod({text}, dim={axis}, keepdim={site.op.keep}{_kept(site)})"
    return site.text(text)


def cumsum(site: Site) -> Form:
    """``cumsum``, in the type of the input."""
    return along(f"torch.cumsum({{0}}, dim=AXIS{_kept(site)})")(site)


def position(name: str) -> Lowering:
    """Where an extreme is: ``argmax`` or ``argmin``."""

    def rule(site: Site) -> Form:
        axis = resolve_axis(site.op.axis, site.types[0])
        return site.text(f"torch.{name}({{0}}, dim={axis}, keepdim={site.op.keep})")

    return rule


def top_k(site: Site) -> Form:
    """``topk``: the values and where they are."""
    most = site.literal(site.op.k)
    count = most if site.op.only is None else f"min(int({{1}}), {most})"
    return site.text(f"torch.topk({{0}}, {count}, dim={resolve_axis(site.op.axis, site.types[0])})")


RULES: dict[str, Lowering] = {
    "reduce_sum": reduce_sum,
    "reduce_mean": reduction("torch.mean({0}, dim=AXES, keepdim=KEEP)"),
    "reduce_max": reduction("torch.amax({0}, dim=AXES, keepdim=KEEP)"),
    "reduce_min": reduction("torch.amin({0}, dim=AXES, keepdim=KEEP)"),
    "reduce_prod": reduce_prod,
    "reduce_l1": reduction("torch.sum(torch.abs({0}), dim=AXES, keepdim=KEEP)"),
    "reduce_l2": reduction("torch.sqrt(torch.sum({0} * {0}, dim=AXES, keepdim=KEEP))"),
    "argmax": position("argmax"),
    "argmin": position("argmin"),
    "top_k": top_k,
    "cumsum": cumsum,
}
