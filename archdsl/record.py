"""Immutable records with cheap class creation.

A frozen ``dataclass`` costs about half a millisecond per class at import, because its methods are compiled from
generated source. The compiler has well over a hundred small classes (syntax, operators, graph) and a cold start
that users feel in CI, so they share this base instead: fields are the annotations in order, defaults are the class
attributes. Type checkers understand it as a frozen dataclass.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self, dataclass_transform


@dataclass_transform(frozen_default=True)
class Record:
    """A frozen value class: fields from annotations, equality and hash by value."""

    _fields: ClassVar[tuple[str, ...]] = ()
    _defaults: ClassVar[dict[str, Any]] = {}
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
        cls._defaults = defaults

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        fields = self._fields
        store = self.__dict__
        if len(args) > len(fields):
            raise TypeError(f"{type(self).__name__} takes {len(fields)} fields, got {len(args)}")
        for name, value in zip(fields, args):
            store[name] = value
        if kwargs:
            for name, value in kwargs.items():
                if name in store or name not in fields:
                    raise TypeError(f"{type(self).__name__} got an unexpected or repeated field {name!r}")
                store[name] = value
        if len(store) != len(fields):
            for name in fields:
                if name not in store:
                    if name not in self._defaults:
                        raise TypeError(f"{type(self).__name__} needs the field {name!r}")
                    store[name] = self._defaults[name]

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def _key(self) -> tuple[Any, ...]:
        store = self.__dict__
        return tuple(store[name] for name in self._fields if name not in self._uncompared)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._key() == other._key()  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self), self._key()))

    def __repr__(self) -> str:
        parts = (f"{name}={getattr(self, name)!r}" for name in self._fields if name not in self._uncompared)
        return f"{type(self).__name__}({', '.join(parts)})"

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        return type(self)(**{**{name: self.__dict__[name] for name in self._fields}, **changes})
