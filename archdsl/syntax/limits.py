"""Limits of the parser, so that hostile input quickly ends in one located error."""

from __future__ import annotations

from archdsl.record import Record
from archdsl.source import Span


class Limits(Record):
    """Bounds on one source text. Real specifications stay a hundred times below them."""

    characters: int = 1_000_000
    tokens: int = 100_000
    """Tokens; about 7,000 dense lines."""
    embedded: int = 2_000
    """Expressions embedded in strings."""
    brackets: int = 100
    """Brackets open at once."""
    depth: int = 120
    """Height of the syntax tree, in nodes: long chains of operators nest too."""
    token: int = 200
    """Characters of a name or a number."""
    faults: int = 100
    """Errors reported for one text."""


LIMITS = Limits()


class LimitError(Exception):
    """A limit is exceeded, and reading stops here. With an empty code, the fault was reported before."""

    def __init__(self, code: str, message: str, span: Span, help: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.span = span
        self.help = help
