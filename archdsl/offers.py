"""Offers of other installed packages, by entry point: operators, backends, and rules of backends.

Reading the entry points of an environment takes tens of milliseconds, which no command should pay that can do without.
So this is asked last: for a name that nothing of archdsl has, and by ``archdsl ops`` and ``archdsl doctor``.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.record import Record

OPERATORS = "archdsl.operators"
"""Group of entry points: the operator's name = its card."""
BACKENDS = "archdsl.backends"
"""Group of entry points: the backend's name = the backend."""


def rules(backend: str) -> str:
    """Group of entry points: the operator's name = its rule in the backend."""
    return f"archdsl.rules.{backend}"


class Offer(Record):
    """One entry point: ``target`` is ``module:attribute``, ``package`` the name and version of the distribution."""

    name: str
    target: str
    package: str


@cache
def offers(group: str) -> dict[str, tuple[Offer, ...]]:
    """Everything offered in a group of entry points, by name, sorted."""
    from importlib.metadata import entry_points

    found: dict[str, list[Offer]] = {}
    for point in entry_points(group=group):
        dist = point.dist
        package = f"{dist.name} {dist.version}" if dist is not None else point.value
        found.setdefault(point.name, []).append(Offer(point.name, point.value, package))
    return {name: tuple(sorted(found[name], key=lambda one: one.package)) for name in sorted(found)}


def load(group: str, name: str, code: str, what: str) -> Any:
    """The object that is offered under a name (``KeyError`` if there is none).

    Refuses with ``code`` what cannot be imported, and a name that two packages offer; ``what`` says in the message what
    it is: ``the operator `swiglu` ``.
    """
    first, *others = offers(group)[name]
    if others:
        packages = " and ".join(f"`{one.package}`" for one in (first, *others))
        raise Refusal(
            code, f"{what} is offered by more than one package: {packages}", help="uninstall all but one of them"
        )
    module, _, attributes = first.target.partition(":")
    try:
        found: Any = import_module(module)
        for attribute in attributes.split("."):
            found = getattr(found, attribute)
    except Exception as error:  # whatever the code of another package raises
        told = str(error).partition("\n")[0] or type(error).__name__
        raise Refusal(code, f"{what} of the package `{first.package}` cannot be loaded: {told}") from error
    return found
