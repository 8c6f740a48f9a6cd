"""The options of a command as plain data, read from the signature of its function.

Two parsers go by it: :mod:`archdsl.cli.quick` for what is plain, :mod:`archdsl.cli.typed` for everything else.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, Union, get_args, get_origin, get_type_hints

from archdsl.record import Record


class Arg(Record):
    """A positional parameter of a command."""

    help: str


class Opt(Record):
    """An option of a command. ``names`` as typer takes them: ``--output``, ``-o``, ``--yes/--no``."""

    names: tuple[str, ...]
    help: str
    metavar: str | None = None
    min: int | None = None
    groups: tuple[str, ...] = ()
    """Headings of the help under which the option stands; those of no group come first."""


class Param(Record):
    """One parameter of a command: ``kind`` is its type without ``None``."""

    name: str
    annotation: Any
    kind: Any
    role: Arg | Opt
    required: bool
    default: Any = None


def opt(*names: str, help: str, metavar: str | None = None, min: int | None = None) -> Opt:
    """Declare an option."""
    return Opt(names, help, metavar, min)


def params(command: Callable[..., Any]) -> list[Param]:
    """The parameters of a command, from its signature."""
    hints = get_type_hints(command, include_extras=True)
    code = command.__code__
    names = code.co_varnames[: code.co_argcount]
    defaults = command.__defaults__ or ()
    first = len(names) - len(defaults)
    found = []
    for index, name in enumerate(names):
        annotation, role = get_args(hints[name])
        default = defaults[index - first] if index >= first else None
        found.append(Param(name, annotation, _kind(annotation), role, index < first, default))
    return found


def _kind(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        return next(a for a in get_args(annotation) if a is not type(None))
    return annotation
