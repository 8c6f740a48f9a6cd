"""States of the model, which one call of it hands to the next: what text and ``Builder`` ask of them."""

from __future__ import annotations

from collections.abc import Collection

from archdsl import dims
from archdsl.diagnostics import Refusal
from archdsl.dims import Dim
from archdsl.shapes import TensorType

NEVER_SET = "say what it is in the next call: `next NAME = …`"


def after(name: str) -> str:
    """The output that a state leaves as."""
    return f"{name}.next"


def check_next(name: str, before: TensorType, after: TensorType, grows: Collection[int] = ()) -> None:
    """Refuse (E0303) another type in the next call; an axis that may be 0 may grow, and so may those of ``grows``."""
    same = (before.dtype, before.rank) == (after.dtype, after.rank)
    sizes = enumerate(zip(before.shape, after.shape))
    if not same or any(a != b and axis not in grows and not _grows(a) for axis, (a, b) in sizes):
        help = "an axis that grows is declared as a symbol that may be 0: `P = 0 >= 0`"
        raise Refusal("E0303", f"the state `{name}` is {before}, and {after} in the next call", help=help)


def set_twice(name: str) -> Refusal:
    """The refusal (E0220) of a second value for the next call."""
    help = "give it its next value once, where that is complete"
    return Refusal("E0220", f"the state `{name}` is set twice", help=help)


def _grows(size: Dim) -> bool:
    """Whether an axis may be longer in the next call: it is a symbol that begins at 0."""
    return isinstance(size, dims.Expr) and any(s.least == 0 and dims.is_symbol(size, s) for s in dims.limits(size))
