"""Elementary functions: table rows, ``clamp`` and a cast."""

from __future__ import annotations

from archdsl.backends.torch.form import DTYPES, Form, Lowering, Site
from archdsl.backends.torch.simple_rules import plain, real


def clip(site: Site) -> Form:
    """``clamp`` with the bounds that are given."""
    bounds = [f"{n}={real(v)}" for n, v in (("min", site.op.low), ("max", site.op.high)) if v is not None]
    return site.text(f"torch.clamp({{0}}, {', '.join(bounds)})" if bounds else "{0}")


def cast(site: Site) -> Form:
    """``Tensor.to``."""
    return site.text(f"{{0}}.to({DTYPES[site.op.dtype]})")


RULES: dict[str, Lowering] = {
    "neg": plain("torch.neg({0})"),
    "abs": plain("torch.abs({0})"),
    "sign": plain("torch.sign({0})"),
    "exp": plain("torch.exp({0})"),
    "log": plain("torch.log({0})"),
    "sqrt": plain("torch.sqrt({0})"),
    "reciprocal": plain("torch.reciprocal({0})"),
    "erf": plain("torch.erf({0})"),
    "sin": plain("torch.sin({0})"),
    "cos": plain("torch.cos({0})"),
    "floor": plain("torch.floor({0})"),
    "ceil": plain("torch.ceil({0})"),
    "round": plain("torch.round({0})"),
    "clip": clip,
    "cast": cast,
}
