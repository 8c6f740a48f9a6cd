"""The nodes of a foreign model as lines of a text, to which messages point. A line is written when somebody looks at
it, which is hardly ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archdsl.source import Source, Span


class Listing(Source):
    """A line for each input, node and output of a model, in the order in which they are read."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._told: list[Callable[[Any], str]] = []
        """How each line is told."""
        self._of: list[Any] = []
        """And of what."""
        self._lines: list[str] = []
        self._starts = [0]

    def add(self, told: Callable[[Any], str], of: Any) -> int:
        """One more line, ``told(of)``; its number from 0."""
        self._told.append(told)
        self._of.append(of)
        return len(self._of) - 1

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self._told)

    def forget(self, count: int) -> None:
        """Keep the first ``count`` lines only."""
        del self._told[count:], self._of[count:], self._lines[count:], self._starts[count + 1 :]

    def _tell(self) -> None:
        for number in range(len(self._lines), len(self._of)):
            text = self._told[number](self._of[number]).replace("\n", " ")
            self._lines.append(text)
            self._starts.append(self._starts[-1] + len(text) + 1)

    @property
    def text(self) -> str:  # type: ignore[override]
        """All lines."""
        self._tell()
        return "\n".join(self._lines)

    @property
    def line_starts(self) -> list[int]:
        """Offsets at which lines begin."""
        self._tell()
        return self._starts[:-1] or [0]


class Line(Span):
    """A whole line of a listing."""

    def __init__(self, source: Listing, number: int) -> None:
        super().__init__(source, 0, 0)
        self._number = number

    @property
    def line(self) -> int:
        """Its number from 1."""
        return self._number + 1

    @property
    def start(self) -> int:
        """Where it begins."""
        return self.source.line_starts[self.line - 1]

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self.source.line(self.line))

    def part(self, start: int, end: int) -> Span:
        """A part of it; offsets are from its beginning."""
        return Span(self.source, self.start + start, self.start + end)

    def _key(self) -> tuple[object, ...]:
        return self.source, self.line
