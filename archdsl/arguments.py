"""Arguments of the functions of Python, held against their signatures before anything is done with them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import wraps
from typing import Any, Literal, NamedTuple, ParamSpec, TypeVar, Union, get_args, get_origin

_P = ParamSpec("_P")
_R = TypeVar("_R")


def checked(function: Callable[_P, _R], name: str = "") -> Callable[_P, _R]:
    """The function, called ``name``: an argument of another type than the signature says is a ``TypeError`` naming it.

    Values of mappings, and what is given as ``**options``, are judged where it is known what they are for.
    """
    known: list[tuple[_Parameters, dict[str, Any]]] = []

    @wraps(function)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        if not known:
            known.append((_parameters(function), _hints(function)))
        parameters, hints = known[0]
        for parameter, value in parameters.given(args, kwargs):
            if parameter in hints and not fits(value, hints[parameter]):
                called, wanted = name or function.__qualname__, described(hints[parameter])
                raise TypeError(f"`{parameter}` of {called}() must be {wanted}, not {value!r:.80}")
        return function(*args, **kwargs)

    return call


class _Parameters(NamedTuple):
    """Names of parameters, read off the code: ``inspect`` is slow to load, and every command calls such functions."""

    positional: tuple[str, ...]
    rest: str
    """That of ``*rest``, or none."""
    named: frozenset[str]
    """What may be given by name; other names are those of ``**options``."""

    def given(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Parameters with what is given for them. What cannot be called so, the function itself says."""
        yield from zip(self.positional, args)
        yield from ((self.rest, one) for one in args[len(self.positional) :])
        yield from ((name, value) for name, value in kwargs.items() if name in self.named)


def _parameters(function: Callable[..., Any]) -> _Parameters:
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    code = function.__code__
    count = code.co_argcount + code.co_kwonlyargcount
    names = code.co_varnames
    rest = names[count] if code.co_flags & _VARARGS else ""
    return _Parameters(names[: code.co_argcount], rest, frozenset(names[code.co_posonlyargcount : count]))


_VARARGS = 0x04
"""CPython's ``CO_VARARGS``."""


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The types of its parameters; those that only type checkers know may be anything."""
    names = _Names(getattr(function, "__globals__", {}))
    hints = {}
    for name, annotation in getattr(function, "__annotations__", {}).items():
        try:
            hints[name] = eval(annotation, {}, names) if isinstance(annotation, str) else annotation
        except (AttributeError, TypeError, NameError):
            hints[name] = Any
    return hints


class _Names(dict[str, Any]):
    """The names of a module; what is not there is ``Any``."""

    def __missing__(self, name: str) -> Any:
        import builtins

        return getattr(builtins, name, Any)


def fits(value: Any, hint: Any) -> bool:
    """Whether a value has a type, as far as that is to be said without changing it."""
    origin, parts = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if hint is None or hint is type(None):
        return value is None
    if origin is Literal:
        return value in parts
    if origin is not None and not isinstance(origin, type):
        return any(fits(value, part) for part in parts) if origin is Union else True
    if _is_union(hint):
        return any(fits(value, part) for part in parts)
    if origin is not None and issubclass(origin, Callable):  # type: ignore[arg-type]
        return callable(value)
    if origin is not None:
        return _container(value, origin, parts)
    return _plain(value, hint) if isinstance(hint, type) else True


def _is_union(hint: Any) -> bool:
    import types

    return isinstance(hint, types.UnionType)


def _container(value: Any, origin: type, parts: tuple[Any, ...]) -> bool:
    if isinstance(value, str | bytes):  # a text is a collection of texts for Python, and never meant as one
        return False
    if not isinstance(value, origin):
        return False
    if isinstance(value, Collection) and parts and parts[-1] is not Ellipsis:
        return all(fits(item, parts[0]) for item in value)
    return True


def _plain(value: Any, kind: type) -> bool:
    import numbers

    if kind.__module__ == "typing":  # of files
        return hasattr(value, "write" if kind.__name__.endswith("IO") else "__class__")
    if kind is bool:
        return isinstance(value, bool) or type(value).__name__ in ("bool", "bool_")  # NumPy's
    if kind in (int, float):
        return isinstance(value, numbers.Integral if kind is int else numbers.Real)
    return isinstance(value, kind) or getattr(kind, "_is_protocol", False)


def described(hint: Any) -> str:
    """A type as a sentence has it: ``str, Path or None``."""
    if _is_union(hint) or get_origin(hint) is Union:
        *first, last = dict.fromkeys(described(part) for part in get_args(hint))
        return f"{', '.join(first)} or {last}" if first else last
    if hint is None or hint is type(None):
        return "None"
    if get_origin(hint) is not None and issubclass(_class(hint), Mapping | Collection):
        return f"a {_class(hint).__name__.lower()} of {' and '.join(described(part) for part in get_args(hint))}"
    return getattr(hint, "__name__", str(hint))


def _class(hint: Any) -> type:
    origin = get_origin(hint)
    return origin if isinstance(origin, type) else object
