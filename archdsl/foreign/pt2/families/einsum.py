"""``einsum``."""

from __future__ import annotations

from typing import Any

from archdsl.foreign.einsum import einsum
from archdsl.foreign.pt2.arguments import Args, Results, rule
from archdsl.graph import Value


@rule("einsum")
def _einsum(args: Args) -> Results:
    """Sums of products by letters."""

    def apply(op: str, *inputs: Value, **settings: Any) -> Value:
        return args.one(op, *inputs, part=op, **settings)

    return einsum(str(args.get("equation")), args.values("tensors"), apply)
