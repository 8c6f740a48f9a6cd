"""Where operators come from: the texts, and the applications of blocks that led to each operator, each once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archdsl.analyses.contributions import line_of
from archdsl.graph import Node
from archdsl.source import Frame, Source, Span

MAX_TEXT = 400_000
"""Characters of all texts together that a document carries; what does not fit is named and not shown."""
MAX_ARGUMENTS = 200
"""Characters of the arguments of one application."""
PACKAGE = Path(__file__).resolve().parent.parent


class Places:
    """Collects the texts and applications that operators name."""

    def __init__(self) -> None:
        self.sources: list[dict[str, Any]] = []
        self.frames: list[list[Any]] = []
        self._sources: dict[str, int] = {}
        self._frames: dict[Frame, int] = {}
        self._room = MAX_TEXT

    def spot(self, span: Span | None) -> list[int] | None:
        """``[source, line, last line]`` of some text."""
        if span is None:
            return None
        first, last = span.source.position(span.start)[0], span.source.position(max(span.end - 1, span.start))[0]
        return [self._source(span.source), first, last]

    def reader(self, node: Node) -> list[int] | None:
        """The line of the reader's own text that made an operator: its own, or that of the application around it."""
        frames = node.origin.frames()
        outermost = frames[-1].span if frames else node.origin.span
        return self.spot(line_of(node, outermost.source if outermost is not None else None))

    def frame(self, frame: Frame | None) -> int | None:
        """The number of an application: ``[name, arguments, where, the one around it]``."""
        missing: list[Frame] = []
        while frame is not None and frame not in self._frames:
            missing.append(frame)
            frame = frame.parent
        for one in reversed(missing):
            around = self._frames[one.parent] if one.parent is not None else None
            self._frames[one] = len(self.frames)
            self.frames.append([one.name, one.arguments[:MAX_ARGUMENTS], self.spot(one.span), around])
        return self._frames[missing[0]] if missing else self._frames[frame] if frame is not None else None

    def _source(self, source: Source) -> int:
        number = self._sources.get(source.name)
        if number is None:
            number = self._sources[source.name] = len(self.sources)
            fits = len(source.text) <= self._room
            self._room -= len(source.text) if fits else 0
            self.sources.append({"name": shown_name(source.name), "text": source.text if fits else None})
        return number


def shown_name(name: str) -> str:
    """The name of a text as it is shown to others: not where this package lies on this machine."""
    path = Path(name)
    if path.is_absolute() and path.is_relative_to(PACKAGE):
        return path.relative_to(PACKAGE.parent).as_posix()
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_absolute() and path.is_relative_to(here) else name
