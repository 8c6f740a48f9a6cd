"""Comparisons and logic."""

from __future__ import annotations

from archdsl.backends.torch.form import Form, Lowering, Site
from archdsl.backends.torch.simple_rules import chain, plain


def causal_mask(site: Site) -> Form:
    """``masked_fill`` above the diagonal."""
    rows, columns = site.types[0].shape[-2:]
    first = "1" if rows == columns else "{0}.shape[-1] - {0}.shape[-2] + 1"
    mask = f"torch.ones({{0}}.shape[-2:], dtype=torch.bool, device={{0}}.device).triu({first})"
    return site.text(f'{{0}}.masked_fill({mask}, float("-inf"))')


RULES: dict[str, Lowering] = {
    "equal": chain("=="),
    "not_equal": chain("!="),
    "less": chain("<"),
    "less_equal": chain("<="),
    "greater": chain(">"),
    "greater_equal": chain(">="),
    "is_nan": plain("torch.isnan({0})"),
    "logical_and": chain("&"),
    "logical_or": chain("|"),
    "logical_not": plain("~{0}"),
    "where": plain("torch.where({0}, {1}, {2})"),
    "causal_mask": causal_mask,
}
