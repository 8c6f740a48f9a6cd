"""Kinds of arguments that no text writes: those of operators that no word of the language means."""

from __future__ import annotations

from typing import Any

from archdsl.ops.kinds import Kind, refuse
from archdsl.shapes import TensorType

LONGEST = 100_000
"""Characters of a text."""


class TensorTypes(Kind):
    """The types of some tensors."""

    @property
    def text(self) -> str:
        return "[type]"

    def check(self, value: Any, what: str) -> tuple[TensorType, ...]:
        if not isinstance(value, tuple | list) or not all(isinstance(one, TensorType) for one in value):
            raise refuse(what, "a list of types", value)
        return tuple(value)


class Text(Kind):
    """A text."""

    @property
    def text(self) -> str:
        return "text"

    def check(self, value: Any, what: str) -> str:
        if not isinstance(value, str) or not value or len(value) > LONGEST:
            raise refuse(what, "a text", value)
        return value
