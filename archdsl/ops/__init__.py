"""Operators by name, loaded a family at a time."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from archdsl.ops.base import Op

FAMILIES: dict[str, tuple[str, ...]] = {
    "conv": ("conv", "conv_transpose"),
}
"""Module of ``archdsl.ops`` -> the operators it defines. A test holds it against the modules."""

_MODULE = {name: module for module, names in FAMILIES.items() for name in names}


def names() -> list[str]:
    """All operator names, sorted."""
    return sorted(_MODULE)


def is_operator(name: str) -> bool:
    """Whether ``name`` is an operator."""
    return name in _MODULE


@cache
def load(name: str) -> type[Op]:
    """The card of the operator ``name`` (``KeyError`` if there is none)."""
    module = import_module(f"archdsl.ops.{_MODULE[name]}")
    return next(c for c in vars(module).values() if isinstance(c, type) and issubclass(c, Op) and c.__dict__.get("name") == name)
