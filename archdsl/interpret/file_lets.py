"""The ``let``s of a file: values, and functions of numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.interpret.code import Context, compiled, compiled_once
from archdsl.interpret.env import Env
from archdsl.interpret.parameters import Parameters
from archdsl.interpret.parametric import Parametric
from archdsl.interpret.values import BlockValue, describe, is_flow, show_arguments
from archdsl.source import Frame, Span
from archdsl.syntax import spec
from archdsl.syntax.walk import height
from archdsl.tape.limits import Bounds
from archdsl.tape.poison import POISON, Flow
from archdsl.tape.tape import Place

_STEPS = 3
"""Steps that a call of a function counts as: it makes a scope."""


def let_value(definition: spec.LetDefinition, env: Env) -> Any:
    """What a ``let`` of a file gives its name: no tensor, and no deeper nested than the bound."""
    faults = env.session.faults
    try:
        with _deeper(env.session.bounds, height(definition.value)):
            value = compiled(definition.value, Context(env.meanings))(env)
    except Refusal as refusal:
        return faults.refuse(refusal.located(definition.span), None)
    if is_flow(value):
        message = f"`{definition.name}` cannot be a tensor: it is outside of any network"
        return faults.refuse(Refusal("E0210", message).located(definition.span), None)
    return value


@contextmanager
def _deeper(bounds: Bounds, levels: int) -> Iterator[None]:
    """Expressions within those that are being evaluated; refuses (E0505) more levels than the bound."""
    kept = bounds.level
    bounds.level += levels
    try:
        if bounds.level > bounds.limits.levels:
            raise bounds.too_deep()
        yield
    finally:
        bounds.level = kept


class FunctionCode:
    """A function's definition, compiled."""

    __slots__ = ("height", "parameters", "value")

    def __init__(self, definition: spec.LetDefinition, context: Context) -> None:
        self.parameters = Parameters(definition.parameters, context)
        self.value = compiled(definition.value, context)
        self.height = height(definition)


class Function(Parametric):
    """A function of numbers: with all of its arguments it is its value, and it enters no graph."""

    kind_name = "a function of numbers"
    is_defined = True
    is_function = True

    def __init__(self, definition: spec.LetDefinition, env: Env) -> None:
        super().__init__()
        self.definition = definition
        self.env = env
        self.name = definition.name
        self.code = compiled_once(definition, env, FunctionCode)
        self.formals = self.code.parameters.formals

    def settle(self, env: Env, span: Span) -> Any:
        """The value for these arguments; calls are work. Refuses (E0204) what makes tensors or gives a block."""
        session, effective = env.session, self.effective()
        session.bounds.step(_STEPS)
        if any(value is POISON for value in effective.values()):
            return POISON
        frame = Frame(self.name, partial(show_arguments, effective), span, env.place.frame)
        inner = Env(self.env, self.env.place.inside(self.env.place.scope, frame), "body")
        made = session.tape.made
        with _deeper(session.bounds, self.code.height):
            self.code.parameters.bind(effective, inner, frame)
            value = self.code.value(inner)
        gives = is_flow(value) or isinstance(value, BlockValue)
        if gives or session.tape.made != made:
            told = f"gives {describe(value)}" if gives else "makes tensors"
            help = f"write `block {self.name}(…) = …`"
            refusal = Refusal("E0204", f"`{self.name}` is a function of numbers, and {told}", help=help)
            return session.faults.refuse(refusal.located(self.definition.value.span), frame)
        return value

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        raise Refusal("E0204", f"`{self.name}` is a function of numbers: it takes no tensors")
