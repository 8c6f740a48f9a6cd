"""Sources: texts, spans in them, and the chain of applications that led to a node."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from archdsl.record import Record


class Source:
    """One text with a name to show (a path as the user wrote it, ``<stdin>``, ``std.cnn``)."""

    moved = 0

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    @property
    def source(self) -> Source:
        """Itself: the passage of spans that belong to no definition."""
        return self

    @cached_property
    def line_starts(self) -> list[int]:
        """Offsets at which lines begin."""
        starts = [0]
        find = self.text.find
        position = find("\n")
        while position >= 0:
            starts.append(position + 1)
            position = find("\n", position + 1)
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, of a character offset."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of line ``number`` (from 1), without its newline."""
        start = self.line_starts[number - 1]
        end = self.line_starts[number] - 1 if number < len(self.line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r")

    def __repr__(self) -> str:
        return f"Source({self.name!r})"


class Passage:
    """One definition of a text, which spans in it belong to: where it was when it was read, and how far it has moved.

    What was found out about a definition stays true when lines are inserted above it, and its spans stay right.
    """

    __slots__ = ("moved", "source")

    def __init__(self, source: Source) -> None:
        self.source = source
        self.moved = 0


class Span:
    """The characters ``start`` to ``end`` (exclusive) of a source."""

    __slots__ = ("_end", "_start", "passage")

    def __init__(self, source: Source | Passage, start: int, end: int) -> None:
        self.passage = source
        self._start = start
        self._end = end

    @property
    def source(self) -> Source:
        """The text it is in."""
        return self.passage.source

    @property
    def start(self) -> int:
        """Where it begins."""
        return self._start + self.passage.moved

    @property
    def end(self) -> int:
        """Where it ends."""
        return self._end + self.passage.moved

    @property
    def line(self) -> int:
        """The line (from 1) on which the span begins."""
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        """The column (from 1) at which the span begins."""
        return self.source.position(self.start)[1]

    @property
    def text(self) -> str:
        """The characters the span covers."""
        return self.source.text[self.start : self.end]

    def to(self, other: Span) -> Span:
        """The span from the beginning of this one to the end of ``other``."""
        return self.part(0, other.end - self.start)

    def part(self, start: int, end: int) -> Span:
        """A part of it; offsets are from its beginning."""
        return Span(self.passage, self._start + start, self._start + end)

    def word(self, name: str) -> Span:
        """The place of the first word ``name`` in this span; the span itself if there is none."""
        found = re.search(rf"\b{re.escape(name)}\b", self.text)
        return self if found is None else self.part(found.start(), found.end())

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"

    def __repr__(self) -> str:
        return f"Span({self.source!r}, {self.start}, {self.end})"

    def _key(self) -> tuple[object, ...]:
        return self.source, self.start, self.end

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Span) and type(self) is type(other) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())


class Frame:
    """One application of a block or network: its name, its arguments as the reader would write them, and where.

    The arguments may be given as a function that renders them when asked: most frames are never shown.
    """

    __slots__ = ("_arguments", "_settings", "name", "parent", "span")

    def __init__(
        self, name: str, arguments: str | Callable[[], str], span: Span | None, parent: Frame | None = None
    ) -> None:
        self.name = name
        self._arguments = arguments
        self._settings: Callable[[], dict[str, str]] | None = None
        self.span = span
        self.parent = parent

    def within(self, name: str) -> bool:
        """Whether this is an application of a block of that name, or takes place in one."""
        frame: Frame | None = self
        while frame is not None and frame.name != name:
            frame = frame.parent
        return frame is not None

    @property
    def arguments(self) -> str:
        """``c = 64, stride = 2``."""
        if not isinstance(self._arguments, str):
            self._arguments = self._arguments()
        return self._arguments

    @property
    def settings(self) -> dict[str, str]:
        """Every parameter's value, defaults included, as the reader would write it; empty where it is not known."""
        return self._settings() if self._settings is not None else {}

    def stand_alone(self) -> None:
        """Render all of it now, and let go of the scope that it is rendered from: that of a whole elaboration."""
        settings = self.settings
        self._arguments, self._settings = self.arguments, settings.copy

    def settle(self, settings: Callable[[], dict[str, str]]) -> None:
        """Give the frame what renders all its parameters, once they have their values."""
        self._settings = settings


class Origin(Record):
    """Why a node exists: the call in the text, and the innermost frame it was made in."""

    span: Span | None
    frame: Frame | None = None

    def frames(self) -> list[Frame]:
        """The frames, innermost first."""
        found: list[Frame] = []
        frame = self.frame
        while frame is not None:
            found.append(frame)
            frame = frame.parent
        return found


# Files that were read

Stamp = tuple[int, int, int] | None
"""When a file was changed, its size and its identity; ``None``: it is not there."""

_noted: dict[Path, Stamp] | None = None


def stamp(path: Path) -> Stamp:
    """What changes when a file does."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def note(path: Path) -> None:
    """Record that a file is looked for, for those who wait for changes (:func:`noting`), even if it does not exist."""
    if _noted is not None and path not in _noted:
        _noted[path] = stamp(path)


def written(path: Path) -> None:
    """Record that we have written a file ourselves: that is no change to be told."""
    if _noted is not None and path in _noted:
        _noted[path] = stamp(path)


def noting() -> dict[Path, Stamp]:
    """From here on, every file that is looked for, as it was then."""
    global _noted
    _noted = {}
    return _noted


def shortened(text: str, most: int) -> str:
    """The text, cut to ``most`` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"
