"""The ``let``s of a file."""

from __future__ import annotations

from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.interpret.code import Context, compiled
from archdsl.interpret.env import Env
from archdsl.interpret.values import is_flow
from archdsl.syntax import spec
from archdsl.syntax.walk import height


def let_value(definition: spec.LetDefinition, env: Env) -> Any:
    """What a ``let`` of a file gives its name: no tensor, and no deeper nested than the bound."""
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
        message = f"`{definition.name}` cannot be a tensor: it is outside of any network"
        return faults.refuse(Refusal("E0210", message).located(definition.span), None)
    return value
