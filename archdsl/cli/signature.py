"""Options as plain data, read twice: by a quick parser for what is plain, and by typer for everything else.

Importing typer and letting it convert values takes 90 ms of a start that has 200 for everything, so the usual command
lines do without. The quick parser understands a command line exactly or not at all; help, mistakes and rarities are
typer's. Both read the signature of the same function.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

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


class _UnclearError(Exception):
    """Not a plain command line."""


def quick(command: Callable[..., Any], arguments: Sequence[str], more: Sequence[Param] = ()) -> dict[str, Any] | None:
    """The keyword arguments that a plain command line gives; ``None`` where it is for typer to read.

    ``more`` are parameters that the command takes as ``**options``.
    """
    try:
        return _read([*params(command), *more], list(arguments))
    except _UnclearError:
        return None


def _read(known: list[Param], rest: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    positional: list[str] = []
    flags = {name: (p, on) for p in known if isinstance(p.role, Opt) for name, on in _flags(p.role)}
    rest.reverse()
    while rest:
        word = rest.pop()
        if word == "-" or not word.startswith("-"):
            positional.append(word)
            continue
        name, sign, text = word.partition("=")
        if name not in flags or (sign and not name.startswith("--")):
            raise _UnclearError
        param, on = flags[name]
        if param.kind is bool:
            if sign:
                raise _UnclearError
            values[param.name] = on
            continue
        value = _value(param, text if sign else _next(rest))
        if get_origin(param.kind) is list:
            values.setdefault(param.name, []).append(value)
        else:
            values[param.name] = value
    _positional(known, positional, values)
    return {p.name: values[p.name] if p.name in values else _default(p) for p in known}


def _flags(role: Opt) -> list[tuple[str, bool]]:
    return [(part, not index) for name in role.names for index, part in enumerate(name.split("/"))]


def _next(rest: list[str]) -> str:
    if not rest or (rest[-1].startswith("-") and rest[-1] != "-"):
        raise _UnclearError
    return rest.pop()


def _value(param: Param, text: str) -> Any:
    kind = get_args(param.kind)[0] if get_origin(param.kind) is list else param.kind
    if kind is str:
        return text
    if kind is Path:
        return Path(text)
    low = param.role.min if isinstance(param.role, Opt) else None
    if kind is not int or not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise _UnclearError
    number = int(text)
    if low is not None and number < low:
        raise _UnclearError
    return number


def _positional(known: list[Param], words: list[str], values: dict[str, Any]) -> None:
    for param in known:
        if not isinstance(param.role, Arg) or not words:
            continue
        if get_origin(param.kind) is list:
            values[param.name], words = [_value(param, word) for word in words], []
        else:
            values[param.name] = _value(param, words.pop(0))
    if words:
        raise _UnclearError


def _default(param: Param) -> Any:
    if param.required:
        raise _UnclearError
    return param.default


def for_typer(command: Callable[..., Any], more: Sequence[Param] = ()) -> Callable[..., None]:
    """The command with typer's declarations in its signature, ending in typer's exit."""
    import inspect

    import typer

    from archdsl.cli.exit import outcome

    def run(**arguments: Any) -> None:
        raise typer.Exit(outcome(command, arguments))

    described = []
    for p in (*params(command), *more):
        if isinstance(p.role, Arg):
            declared: Any = typer.Argument(help=p.role.help)
        else:
            declared = typer.Option(*p.role.names, help=p.role.help, metavar=p.role.metavar, min=p.role.min)
        default = inspect.Parameter.empty if p.required else p.default
        annotation: Any = Annotated[p.annotation, declared]
        described.append(
            inspect.Parameter(p.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        )
    run.__signature__ = inspect.Signature(described)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in described}
    run.__doc__ = command.__doc__
    run.__name__ = command.__name__
    return run


def grouped(more: Sequence[Param]) -> Any:
    """A class for typer's commands whose help shows the options of a group under a heading of their own."""
    from typer.core import TyperCommand

    headings: dict[str, list[str]] = {}
    for p in more:
        for heading in p.role.groups if isinstance(p.role, Opt) else ():
            headings.setdefault(heading, []).append(p.name)
    inside = {name for names in headings.values() for name in names}

    class Grouped(TyperCommand):
        def format_options(self, ctx: Any, formatter: Any) -> None:
            every = self.params
            self.params = [p for p in every if p.name not in inside]
            super().format_options(ctx, formatter)
            self.params = every
            for heading, names in headings.items():
                records = [p.get_help_record(ctx) for p in every if p.name in names]
                with formatter.section(heading):
                    formatter.write_dl([record for record in records if record is not None])

    return Grouped
