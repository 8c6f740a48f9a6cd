"""The productions of the grammar, ready for the parser to reduce by."""

from __future__ import annotations

from functools import cache
from typing import Any

from archdsl.record import Record
from archdsl.syntax.tables import tables


class Splice(list[Any]):
    """The children of a production that hands them to its parent."""


class Production(Record):
    """One alternative of a rule of the grammar."""

    origin: str
    length: int
    builder: str
    picks: list[int]
    inline: bool
    """Whether the parent takes the children."""
    whole: bool
    """Whether every child is kept."""
    passes: bool
    """Whether the value is that of the only child."""


@cache
def productions() -> tuple[Production, ...]:
    """The productions by number."""
    return tuple(
        Production(origin, length, builder, picks, builder[0] == "_", picks == list(range(length)), builder == "_")
        for origin, length, builder, picks in tables().rules
    )
