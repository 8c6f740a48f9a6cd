"""Shape annotations: ``:: [N, _, …]``."""

from __future__ import annotations

from typing import Any

from archdsl import dims
from archdsl.diagnostics import Refusal
from archdsl.graph import Value
from archdsl.interpret.code import Code, Context, compiled
from archdsl.interpret.env import Env
from archdsl.interpret.values import describe
from archdsl.shapes import show_shape
from archdsl.syntax import spec
from archdsl.tape.poison import POISON
from archdsl.tape.provenance import settled_notes


class Pattern:
    """``[N, _, …]``: its entries, where those that are sizes are code."""

    __slots__ = ("dims", "syntax")

    def __init__(self, syntax: spec.ShapePattern, dims: list[Code | spec.Wildcard | spec.Ellipsis]) -> None:
        self.syntax = syntax
        self.dims = dims


def pattern_code(pattern: spec.ShapePattern, context: Context) -> Pattern:
    """The code of a shape annotation."""
    return Pattern(
        pattern, [d if isinstance(d, spec.Wildcard | spec.Ellipsis) else compiled(d, context) for d in pattern.dims]
    )


def check_pattern(pattern: Pattern, value: Value, env: Env) -> None:
    """Refuse (E0313) a value whose shape is not of the pattern."""
    wanted: list[Any] = []
    for dim, syntax in zip(pattern.dims, pattern.syntax.dims):
        if isinstance(dim, spec.Wildcard | spec.Ellipsis):
            wanted.append(dim)
            continue
        size = dim(env)
        if size is POISON:
            return
        if isinstance(size, bool) or not isinstance(size, int | dims.Expr):
            raise Refusal("E0204", f"a dimension must be an integer, not {describe(size)}").located(syntax.span)
        wanted.append(size)
    if not _matches(wanted, list(value.type.shape)):
        shown = ", ".join(
            "_" if isinstance(w, spec.Wildcard) else "…" if isinstance(w, spec.Ellipsis) else str(w) for w in wanted
        )
        raise Refusal(
            "E0313", f"the shape is {show_shape(value.type.shape)}, not [{shown}]", notes=settled_notes(value)
        ).located(pattern.syntax.span)


def _matches(wanted: list[Any], shape: list[Any]) -> bool:
    rest = next((i for i, w in enumerate(wanted) if isinstance(w, spec.Ellipsis)), None)
    if rest is not None:
        tail = len(wanted) - rest - 1
        if len(shape) < rest + tail:
            return False
        shape = shape[:rest] + shape[len(shape) - tail :]
        wanted = wanted[:rest] + wanted[rest + 1 :]
    return len(wanted) == len(shape) and all(isinstance(w, spec.Wildcard) or w == s for w, s in zip(wanted, shape))
