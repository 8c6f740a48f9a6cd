"""The refusal of what depends on a symbol: one of an input can be bound, one that is found in the data cannot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archdsl.diagnostics import Refusal
from archdsl.dims import Dim, Expr, limits


def to_give(names: Sequence[str]) -> str:
    """The help where figures need sizes: how to bind them, or to declare them in a spec."""
    sizes = " ".join(f"--bind {name}=64" for name in names)
    declared = ", ".join(f"{name} = 64" for name in names)
    return f"give {'sizes' if len(names) > 1 else 'a size'}: `{sizes}`; a spec can declare `{declared}`"


def needs_sizes(what: str, sizes: Iterable[object]) -> Refusal:
    """The refusal (E0307) of a figure that there is for fixed sizes only."""
    names = sorted({str(name) for size in sizes if isinstance(size, Expr) for name in limits(size)})
    return Refusal("E0307", f"{what} needs fixed sizes", help=to_give(names))


def depends(code: str, message: str, sizes: Iterable[Dim], help: str) -> Refusal:
    """The refusal with this code, message and help; E0314 where one of the sizes is found in the data."""
    name = min((name for size in sizes for name in limits(size) if name.of_data), default=None)
    if name is None:
        return Refusal(code, message, help=help)
    help = "what follows has to take any number of them; `top_k` gives a fixed number"
    return Refusal("E0314", f"{message}, as many as `{name.rpartition('.')[0]}` finds in the data", help=help)
