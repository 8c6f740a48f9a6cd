"""Arithmetic: Python's operators, and functions of two tensors, from the left."""

from __future__ import annotations

from archdsl.backends.torch.form import Form, Lowering, Site
from archdsl.backends.torch.simple_rules import chain


def average(site: Site) -> Form:
    """The sum of the inputs over their number."""
    terms = " + ".join(f"{{{i}}}" for i in range(len(site.types)))
    return site.text(f"({terms}) / {len(site.types)}" if len(site.types) > 1 else "{0}")


def power(site: Site) -> Form:
    """``**``, by a tensor or a number."""
    return site.text("{0} ** {1}" if site.op.exponent is None else f"{{0}} ** {site.op.exponent!r}")


RULES: dict[str, Lowering] = {
    "add": chain("+"),
    "mul": chain("*"),
    "max": chain("", "torch.maximum"),
    "min": chain("", "torch.minimum"),
    "average": average,
    "sub": chain("-"),
    "div": chain("/"),
    "pow": power,
}
