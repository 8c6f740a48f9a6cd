"""Tensors as arguments of operators."""

from __future__ import annotations

from typing import Any, ClassVar

from archdsl.ops.kinds import Kind, refuse


class Operand(Kind):
    """Tensors that are given by name and enter behind the others: one, or up to ``most`` in a tuple.

    The operator itself keeps how many they are, ``None`` where none is given.
    """

    most: int = 1
    takes_tensors: ClassVar[bool] = True
    by_name: ClassVar[bool] = True

    @property
    def text(self) -> str:
        one = ", ".join(["tensor"] * self.most)
        return f"{one if self.most == 1 else f'({one})'} | none"

    def check(self, value: Any, what: str) -> int | None:
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= self.most:
            raise refuse(what, self.text, value)
        return value
