"""The options of a command as plain data, read from the signature of its function.

Two parsers go by it: :mod:`archdsl.cli.quick` for what is plain, :mod:`archdsl.cli.typed` for everything else.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, Union, get_args, get_origin, get_type_hints

from archdsl.diagnostics import check_choice
from archdsl.record import Record

Choices = tuple[str, ...] | str
"""The values of a parameter, or where they stand, for those that cost an import: ``archdsl.project.pages:FORMATS``."""


class Arg(Record):
    """A positional parameter of a command. ``complete`` names a function of :mod:`archdsl.cli.completion`."""

    help: str
    complete: str = ""
    choices: Choices = ()


class Opt(Record):
    """An option of a command. ``names`` as typer takes them: ``--output``, ``-o``, ``--yes/--no``."""

    names: tuple[str, ...]
    help: str
    metavar: str | None = None
    min: int | None = None
    choices: Choices = ()
    """All values that it may have; refused, completed and shown by the help from here."""
    complete: str = ""
    """The function of :mod:`archdsl.cli.completion` that gives values."""
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


def opt(
    *names: str,
    help: str,
    metavar: str | None = None,
    min: int | None = None,
    choices: Choices = (),
    complete: str = "",
) -> Opt:
    """Declare an option."""
    return Opt(names, help, metavar, min, choices, complete)


def choices(role: Arg | Opt) -> tuple[str, ...]:
    """The values that a parameter may have; none where it may have any."""
    if isinstance(role.choices, tuple):
        return role.choices
    module, _, name = role.choices.partition(":")
    return tuple(getattr(import_module(module), name)) if module else ()


def check(known: Iterable[Param], values: Mapping[str, Any]) -> None:
    """Refuse (E0007) a value that is not among the choices of its parameter."""
    for param in known:
        given = values.get(param.name)
        if given is None or not param.role.choices:
            continue
        allowed = choices(param.role)
        name = param.role.names[0] if isinstance(param.role, Opt) else param.name
        for value in given if isinstance(given, list) else [given]:
            check_choice(value, name, allowed)


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
