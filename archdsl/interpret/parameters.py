"""The parameters of a block or network as it is defined: their kinds, their defaults, and their values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.interpret.argument_code import Given, argument_code
from archdsl.interpret.branches import Branches
from archdsl.interpret.code import Context
from archdsl.interpret.env import Env
from archdsl.interpret.kinds import parameter_kind
from archdsl.interpret.parametric import Formal
from archdsl.interpret.values import show_settings
from archdsl.source import Frame
from archdsl.syntax import spec
from archdsl.tape.poison import POISON


class Parameters:
    """The parameters of one definition."""

    __slots__ = ("_defaults", "formals", "names", "syntax")

    def __init__(self, parameters: tuple[spec.Parameter, ...], context: Context) -> None:
        self.syntax = parameters
        self.names = [parameter.name for parameter in parameters]
        self.formals = tuple([_formal(parameter) for parameter in parameters])
        self._defaults: list[Given | None] = [
            None if parameter.default is None else argument_code(parameter.default, context) for parameter in parameters
        ]

    def bind(self, given: Mapping[str, Any], env: Env, frame: Frame) -> None:
        """Bind them in order; a default may use those to its left, and ``in``. The frame is told their values."""
        names = env.names
        for name, formal, default, parameter in zip(self.names, self.formals, self._defaults, self.syntax):
            if name in given:
                value = given[name]
                if type(value) is Branches:
                    value = value.expand(env.place, env.input())
            else:
                assert default is not None
                value = default(formal, env)
                if formal.kind is not None and value is not POISON:
                    value = _checked(formal, value, parameter, env)
            names[name] = value
        frame.settle(partial(show_settings, self.names, names))


def _formal(parameter: spec.Parameter) -> Formal:
    try:
        kind = parameter_kind(parameter.kind) if parameter.kind else None
    except Refusal as refusal:
        raise refusal.located(parameter.span) from None
    return Formal(parameter.name, kind, parameter.default is None)


def _checked(formal: Formal, value: Any, parameter: spec.Parameter, env: Env) -> Any:
    """The value of a default; a fault of it is reported."""
    assert formal.kind is not None
    try:
        if value is None and formal.takes_tensors:
            return None
        return formal.kind.check(value, f"the default of `{parameter.name}`")
    except Refusal as refusal:
        return env.session.faults.refuse(refusal.located(parameter.span), env.place.frame)
