"""The refusal of what depends on a symbol: one of an input can be bound, one that is found in the data cannot."""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics import Refusal
from archdsl.dims import Dim, limits


def depends(code: str, message: str, sizes: Iterable[Dim], help: str) -> Refusal:
    """The refusal with this code, message and help; E0314 where one of the sizes is found in the data."""
    name = min((name for size in sizes for name in limits(size) if name.of_data), default=None)
    if name is None:
        return Refusal(code, message, help=help)
    help = "what follows has to take any number of them; `top_k` gives a fixed number"
    return Refusal("E0314", f"{message}, as many as `{name.rpartition('.')[0]}` finds in the data", help=help)
