"""Modules as scopes of one elaboration: definitions are made when they are first needed."""

from __future__ import annotations

from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.interpret.code import Context, compiled
from archdsl.interpret.env import Env, Lazy
from archdsl.interpret.network import NetworkBlock
from archdsl.interpret.session import Session
from archdsl.interpret.user_blocks import UserBlock
from archdsl.interpret.values import is_flow
from archdsl.modules.module import Definition, Module
from archdsl.modules.resolve import settled
from archdsl.syntax import spec
from archdsl.syntax.walk import height
from archdsl.tape.paths import PathScope
from archdsl.tape.poison import POISON
from archdsl.tape.tape import Place


def module_scope(module: Module, session: Session) -> Env:
    """The scope of a module in this elaboration."""
    known: Env | None = session.scopes.get(id(module))
    if known is not None:
        return known
    env = Env(None, Place(session.tape, PathScope()), "module", session=session, meanings=module.meanings)
    session.scopes[id(module)] = env
    env.labels.update(dict.fromkeys(module.missing, POISON))
    for name, (other, _) in module.imports.items():
        env.names[name] = _imported(name, other, session)
    for name, definition in module.definitions.items():
        env.names[name] = POISON if name in module.unusable else _defined(definition, module, env)
    return env


def _imported(name: str, module: Module, session: Session) -> Lazy:
    return Lazy(lambda: module_scope(module, session).find(name))


def _defined(definition: Definition, module: Module, env: Env) -> Lazy:
    def make() -> Any:
        settled(module, definition)
        if isinstance(definition, spec.Block):
            return UserBlock(definition, env)
        if isinstance(definition, spec.Network):
            return NetworkBlock(definition, env)
        return _value(definition, env)

    return Lazy(make)


def _value(definition: spec.LetDefinition, env: Env) -> Any:
    bounds, faults = env.session.bounds, env.session.faults
    kept = bounds.level
    bounds.level += height(definition.value)
    try:
        if bounds.level > bounds.limits.levels:
            raise bounds.too_deep()
        value = compiled(definition.value, Context(env.meanings))(env)
    except Refusal as refusal:
        return faults.refuse(refusal.located(definition.span), None)
    finally:
        bounds.level = kept
    if is_flow(value):
        message = f"`{definition.name}` cannot be a tensor: it stands outside of any network"
        return faults.refuse(Refusal("E0210", message).located(definition.span), None)
    return value
