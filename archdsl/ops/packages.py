"""Operators of other packages, which are offered by entry point (``docs/add_an_operator.md``)."""

from __future__ import annotations

from typing import get_args

from archdsl.diagnostics import Refusal
from archdsl.offers import OPERATORS, load, offers
from archdsl.ops.base import Op, Role


def card(name: str) -> type[Op]:
    """The card that a package offers as ``name``, which is not one of archdsl's own (``KeyError`` if none does).

    Refuses (E0606) an object that cannot be loaded, that two packages offer, or that is not a complete card.
    """
    what = f"the operator `{name}`"
    found = load(OPERATORS, name, "E0606", what)
    (offer,) = offers(OPERATORS)[name]
    reason = _reason(found, name)
    if reason:
        raise Refusal("E0606", f"{what} of the package `{offer.package}` cannot be used: {offer.target} {reason}")
    card: type[Op] = found
    return card


def _reason(found: object, name: str) -> str:
    if not isinstance(found, type) or not issubclass(found, Op):
        return "is not an operator card"
    if getattr(found, "name", None) != name:
        return f"is called `{getattr(found, 'name', '')}`"
    if found.role not in get_args(Role):
        return f"has the role `{found.role}`, but the roles are {', '.join(filter(None, get_args(Role)))}"
    return "" if found.examples else "has no examples, which are its documentation and its tests"
