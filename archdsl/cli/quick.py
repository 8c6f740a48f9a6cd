"""Plain command lines, read without typer.

Importing typer and letting it convert values takes 90 ms of a start that has 200 for everything, so the usual command
lines do without. This parser understands a command line exactly or not at all; help, mistakes and rarities are typer's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

from archdsl.cli.signature import Arg, Opt, Param, check, params


class _UnclearError(Exception):
    """Not a plain command line."""


def quick(command: Callable[..., Any], arguments: Sequence[str], more: Sequence[Param] = ()) -> dict[str, Any] | None:
    """The keyword arguments that a plain command line gives; ``None`` where it is for typer to read.

    ``more`` are parameters that the command takes as ``**options``. Refuses (E0007) what is not among the choices.
    """
    known = [*params(command), *more]
    try:
        values = _read(known, list(arguments))
    except _UnclearError:
        return None
    check(known, values)
    return values


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
