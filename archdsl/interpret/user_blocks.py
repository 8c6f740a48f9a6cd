"""Blocks defined in the language."""

from __future__ import annotations

from functools import partial
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.interpret.arguments import argument_value
from archdsl.interpret.branches import Branches
from archdsl.interpret.env import Env, Place
from archdsl.interpret.execute import guarded_flow, run_body
from archdsl.interpret.flow import apply_stages
from archdsl.interpret.kinds import parameter_kind
from archdsl.interpret.memo import Application
from archdsl.interpret.parametric import Formal, Parametric
from archdsl.interpret.statements import with_defaults
from archdsl.interpret.values import POISON, Flow, show_arguments, show_settings
from archdsl.modules.structure import is_single
from archdsl.source import Frame, Span
from archdsl.syntax import spec


class UserBlock(Parametric):
    """A block defined in the language, with the scope it was defined in."""

    runs_poisoned = True
    is_scope = True

    def __init__(self, definition: spec.Block, env: Env) -> None:
        super().__init__()
        self.definition = definition
        self.env = env
        self.name = definition.name
        self.formals = tuple(
            Formal(p.name, None if p.kind is None else self._kind(p), p.default is None) for p in definition.parameters
        )

    @staticmethod
    def _kind(parameter: spec.Parameter) -> Any:
        try:
            return parameter_kind(parameter.kind or "")
        except Refusal as refusal:
            raise refusal.located(parameter.span) from None

    def apply(self, flow: Flow, place: Place, span: Span | None) -> Flow:
        session = place.session
        session.step()
        session.check_depth(place)
        effective = {**self.defaults, **self.bound}
        self.missing(effective)
        frame = Frame(self.name, partial(show_arguments, effective), span, place.frame)
        inner = place.inside(place.scope.block(self.name), frame)
        application = Application.of(self, effective, flow, inner)
        known = application.repeat() if application is not None else None
        if known is not None:
            return known
        env = Env(self.env, inner, "body", flow)
        fill_parameters(self.definition.parameters, self.formals, effective, env)
        frame.settle(partial(show_settings, [p.name for p in self.definition.parameters], env.names))
        result = run_definition(self.definition, env, flow)
        if application is not None:
            application.keep(result)
        return result


def fill_parameters(
    parameters: tuple[spec.Parameter, ...], formals: tuple[Formal, ...], given: dict[str, Any], env: Env
) -> None:
    """Bind parameters in order; a default may use those to its left, and ``in``."""
    for parameter, formal in zip(parameters, formals):
        if parameter.name in given:
            value = given[parameter.name]
            if type(value) is Branches:
                value = value.expand(env)
        else:
            assert parameter.default is not None
            value = argument_value(parameter.default, formal, env)
            if formal.kind is not None and value is not POISON:
                value = _check_default(formal.kind, value, parameter)
        env.names[parameter.name] = value


def _check_default(kind: Any, value: Any, parameter: spec.Parameter) -> Any:
    try:
        return kind.check(value, f"the default of `{parameter.name}`")
    except Refusal as refusal:
        raise refusal.located(parameter.span) from None


def run_definition(definition: spec.Block, env: Env, flow: Flow) -> Flow:
    """Run a block's body or expression, under the defaults of a ``with`` in front of it."""
    if definition.defaults:
        env.defaults = with_defaults(definition.defaults, env)
    env.place.scope.solo = "" if definition.then else "block"
    if definition.value is not None:
        flow = guarded_flow(definition.value, env, flow)
    else:
        assert definition.body is not None
        if not is_single(definition.body):
            env.place.scope.solo = ""
        flow = run_body(definition.body, env, flow)
    return apply_stages(flow, definition.then, env)
