"""``with preprocess(…)`` at an input, ``with labels(…)`` at an output: blocks that describe it and are not applied."""

from __future__ import annotations

from functools import cache
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.graph import Value
from archdsl.interface import KINDS, checked_labels, fitting_labels, preprocess_of
from archdsl.interpret.code import evaluate
from archdsl.interpret.env import Env
from archdsl.interpret.kinds import Items, Text
from archdsl.interpret.parametric import Formal, Parametric
from archdsl.interpret.values import describe
from archdsl.ops.kinds import OneOf
from archdsl.source import Span
from archdsl.syntax import spec
from archdsl.tape.poison import POISON, Flow
from archdsl.tape.tape import Place


class End(Parametric):
    """``preprocess`` or ``labels`` with arguments; a further call gives more of them, as for any block."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.kind_name = f"`{name}`"
        self.formals = _FORMALS[name]

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        where = "input image: f32[N, 3, 224, 224]" if self.name == "preprocess" else "output logits"
        help = f"write `{where} with {self.name}(…)`"
        raise Refusal("E0217", f"`{self.name}` belongs to an input or output and cannot be applied", help=help)

    def settle(self, env: Env, span: Span) -> Any:
        """Labels are read relative to the spec that names their file."""
        names = self.bound.get("names")
        if self.name == "preprocess" or names is None:
            return self
        if isinstance(names, str):
            names = env.session.beside(span.source, names).removesuffix("\n").split("\n")
        env.session.bounds.check_items(len(names))
        return self.with_bound({"names": checked_labels(names, "`labels`")})


_FORMALS = {
    "preprocess": tuple(Formal(name, kind, False) for name, kind in KINDS.items()),
    "labels": (Formal("names", OneOf((Text(), Items(Text()))), True),),
}


@cache
def end(name: str) -> End:
    """``preprocess`` or ``labels`` without arguments."""
    return End(name)


def declare(end: str, name: str, value: Any, expr: spec.Expr, env: Env) -> None:
    """Evaluate the expression after ``with`` at an input or output; a fault is reported, and changes nothing there."""
    try:
        (_preprocess if end == "preprocess" else _labels)(name, value, expr, env)
    except Refusal as refusal:
        env.session.faults.refuse(refusal.located(expr.span), env.place.frame)


def _preprocess(name: str, value: Value, expr: spec.Expr, env: Env) -> None:
    said = _said("preprocess", "an input", expr, env)
    if said is not None:
        env.session.draft.preprocess[name] = preprocess_of(said).settled(value.type)


def _labels(name: str, value: Any, expr: spec.Expr, env: Env) -> None:
    said = _said("labels", "an output", expr, env)
    if said is None or value is POISON:
        return
    if not isinstance(value, Value):
        raise Refusal("E0204", f"labels need one tensor, whose last axis they name; `{name}` is {describe(value)}")
    fitting_labels(said["names"], value.type.shape, f"`{name}`")
    env.session.draft.labels[name] = said["names"]


def _said(name: str, place: str, expr: spec.Expr, env: Env) -> dict[str, Any] | None:
    value = evaluate(expr, env)
    if value is POISON:
        if not env.session.faults.failed:
            raise Refusal("E0217", "`in` cannot be used here: there is no input yet")
        return None
    if not isinstance(value, End) or value.name != name:
        raise Refusal("E0204", f"`with` of {place} needs `{name}(…)`, not {describe(value)}")
    return value.effective()
