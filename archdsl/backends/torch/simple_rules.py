"""Rules that are table rows, and the words that rules share."""

from __future__ import annotations

from math import inf
from typing import Any

from archdsl.backends.torch.form import Form, Lowering, Site, call
from archdsl.shapes import resolve_axis


def plain(text: str, module: str = "") -> Lowering:
    """An expression of the inputs; ``module`` is the layer of the same function."""
    return lambda site: site.text(text, layer=call(module) if module else None)


def along(text: str) -> Lowering:
    """An expression with ``AXIS``, the operator's axis."""
    return lambda site: site.text(text.replace("AXIS", str(resolve_axis(site.op.axis, site.types[0]))))


def chain(symbol: str, function: str = "") -> Lowering:
    """A binary operator or function over any number of inputs, from the left."""

    def rule(site: Site) -> Form:
        text = "{0}"
        for i in range(1, len(site.types)):
            text = f"{function}({text}, {{{i}}})" if function else f"{text} {symbol} {{{i}}}"
        return site.text(text)

    return rule


def real(value: float) -> str:
    """A float as source text."""
    return f'float("{value}")' if value in (inf, -inf) or value != value else repr(value)


def unless(default: Any, value: Any) -> Any:
    """``None`` (which is left out) where an argument has its default."""
    return None if value == default and type(value) is type(default) else value
