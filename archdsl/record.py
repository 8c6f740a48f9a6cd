"""Immutable records with cheap class creation.

A frozen ``dataclass`` costs about half a millisecond per class at import, because its methods are compiled from
generated source. The compiler has well over a hundred small classes (syntax, operators, graph) and a cold start
that users feel in CI, so they share this base instead: fields are the annotations in order, defaults are the class
attributes. Type checkers understand it as a frozen dataclass.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any, ClassVar, Self, dataclass_transform

_WARM = 50
"""Records of one class after which its ``__init__`` is compiled: few classes are made often, and those in thousands."""


@dataclass_transform(frozen_default=True)
class Record:
    """A frozen value class: fields from annotations, equality and hash by value."""

    _fields: ClassVar[tuple[str, ...]] = ()
    _defaults: ClassVar[dict[str, Any]] = {}
    _made: ClassVar[int] = 0
    _compared: ClassVar[Any] = staticmethod(lambda store: ())
    """The values of the fields that are compared."""
    _uncompared: ClassVar[frozenset[str]] = frozenset()
    """Fields that equality, hash and ``repr`` leave out (source spans, above all)."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        fields = list(cls._fields)
        defaults = dict(cls._defaults)
        for name, annotation in cls.__dict__.get("__annotations__", {}).items():
            if str(annotation).startswith(("ClassVar", "typing.ClassVar")):
                continue
            if name not in fields:
                fields.append(name)
            if name in cls.__dict__:
                defaults[name] = cls.__dict__[name]
        cls._fields = tuple(fields)
        cls._compared = _getter([name for name in fields if name not in cls._uncompared])
        cls._defaults = defaults
        cls._made = 0
        if "__init__" not in cls.__dict__:
            cls.__init__ = Record.__init__  # type: ignore[method-assign]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        cls = type(self)
        cls._made += 1
        if cls._made == _WARM and cls.__init__ is Record.__init__ and _orderly(cls):
            cls.__init__ = _compiled(cls)  # type: ignore[method-assign]
        fields = self._fields
        store = self.__dict__
        if len(args) > len(fields):
            raise TypeError(f"{type(self).__name__} takes {len(fields)} fields, got {len(args)}")
        for name, value in zip(fields, args):
            store[name] = value
        for name, value in kwargs.items():
            if name in store or name not in fields:
                raise TypeError(f"{type(self).__name__} got an unexpected or repeated field {name!r}")
            store[name] = value
        if len(store) != len(fields):
            self._complete()

    def _complete(self) -> None:
        """Give the fields that were left out their defaults."""
        store = self.__dict__
        for name in self._fields:
            if name not in store:
                if name not in self._defaults:
                    raise TypeError(f"{type(self).__name__} needs the field {name!r}")
                store[name] = self._defaults[name]

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and bool(self._compared(self.__dict__) == self._compared(other.__dict__))

    def __hash__(self) -> int:
        return hash((type(self), self._compared(self.__dict__)))

    def __repr__(self) -> str:
        parts = (f"{name}={getattr(self, name)!r}" for name in self._fields if name not in self._uncompared)
        return f"{type(self).__name__}({', '.join(parts)})"

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        return type(self)(**{**{name: self.__dict__[name] for name in self._fields}, **changes})


def _getter(names: list[str]) -> Any:
    """What gives the values under some names of a dictionary: a tuple, or the only one."""
    return staticmethod(itemgetter(*names) if names else lambda store: ())


def _orderly(cls: type[Record]) -> bool:
    """Whether fields with defaults come last, as a signature needs."""
    optional = [name in cls._defaults for name in cls._fields]
    return optional == sorted(optional)


def _compiled(cls: type[Record]) -> Any:
    """An ``__init__`` for one class, as ``dataclass`` would write it."""
    fields = [name if name not in cls._defaults else f"{name}=_defaults[{name!r}]" for name in cls._fields]
    lines = [f"def __init__(self, {', '.join(fields)}):", "  store = self.__dict__"]
    lines += [f"  store[{name!r}] = {name}" for name in cls._fields]
    scope: dict[str, Any] = {"_defaults": cls._defaults}
    exec("\n".join(lines), scope)
    return scope["__init__"]
