"""Shape annotations: ``:: [N, _, …]``."""

from __future__ import annotations

from typing import Any

from archdsl import dims
from archdsl.diagnostics import Refusal
from archdsl.graph import Value
from archdsl.interpret.env import Env
from archdsl.interpret.evaluate import evaluate
from archdsl.interpret.values import POISON, describe
from archdsl.shapes import show_shape
from archdsl.syntax import spec
from archdsl.tape.provenance import settled_notes


def check_pattern(pattern: spec.ShapePattern, value: Value, env: Env) -> None:
    """Refuse a value whose shape is not of the pattern."""
    wanted: list[Any] = []
    for dim in pattern.dims:
        if isinstance(dim, spec.Wildcard | spec.Ellipsis):
            wanted.append(dim)
            continue
        size = evaluate(dim, env)
        if size is POISON:
            return
        if isinstance(size, bool) or not isinstance(size, int | dims.Expr):
            raise Refusal("E0204", f"a dimension must be a whole number, not {describe(size)}").located(dim.span)
        wanted.append(size)
    if not _matches(wanted, list(value.type.shape)):
        shown = ", ".join(
            "_" if isinstance(w, spec.Wildcard) else "…" if isinstance(w, spec.Ellipsis) else str(w) for w in wanted
        )
        raise Refusal(
            "E0313", f"the shape is {show_shape(value.type.shape)}, not [{shown}]", notes=settled_notes(value)
        ).located(pattern.span)


def _matches(wanted: list[Any], shape: list[Any]) -> bool:
    rest = next((i for i, w in enumerate(wanted) if isinstance(w, spec.Ellipsis)), None)
    if rest is not None:
        tail = len(wanted) - rest - 1
        if len(shape) < rest + tail:
            return False
        shape = shape[:rest] + shape[len(shape) - tail :]
        wanted = wanted[:rest] + wanted[rest + 1 :]
    return len(wanted) == len(shape) and all(isinstance(w, spec.Wildcard) or w == s for w, s in zip(wanted, shape))
