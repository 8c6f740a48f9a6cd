"""Operators applied to types: how many tensors they take, what they give, what they own."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from archdsl.diagnostics import Refusal
from archdsl.ops.base import Op, Weight
from archdsl.shapes import TensorType


class Applied(NamedTuple):
    """What an operator gives and owns, applied to tensors of some types."""

    types: tuple[TensorType, ...]
    weights: tuple[tuple[Weight, TensorType], ...]


@lru_cache(maxsize=20_000)
def apply(op: Op, *types: TensorType) -> Applied:
    """An operator's rules: functions of the types alone, and networks repeat themselves and one another."""
    outs = op.shape(*types)
    dtype = types[0].dtype if types else "f32"
    return Applied(outs, tuple([(w, TensorType(w.dtype or dtype, w.shape)) for w in op.weights(*types)]))


def check_count(op: Op, count: int) -> None:
    """Refuse another number of inputs than the operator takes."""
    least, most = op.arity
    if count < least or (most is not None and count > most):
        wanted = str(least) if least == most else f"{least} to {most}" if most else f"at least {least}"
        raise Refusal(
            "E0310", f"`{op.name}` takes {wanted} tensor{'s' if wanted != '1' else ''}, not {count}",
            help="join a tuple first (`concat`, `add`), or choose one of it: `x[0]`" if count > 1 else "",
        )  # fmt: skip
