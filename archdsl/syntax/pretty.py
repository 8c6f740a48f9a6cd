"""A small document printer (after Wadler, "A prettier printer"): texts, possible line ends, groups, indentation."""

from __future__ import annotations

from typing import TypeAlias

WIDTH = 100


class Line:
    """A place where a line may end; ``flat`` stands there if it does not. ``None``: it always ends."""

    __slots__ = ("flat",)

    def __init__(self, flat: str | None) -> None:
        self.flat = flat


LINE = Line(" ")
SOFT = Line("")
HARD = Line(None)


class Nest:
    """A document whose inner lines are indented by one more step."""

    __slots__ = ("broken", "doc")

    def __init__(self, doc: Doc) -> None:
        self.doc = doc
        self.broken = broken(doc)


class Group:
    """A document that stands on one line if it fits, and otherwise ends all its lines."""

    __slots__ = ("broken", "doc")

    def __init__(self, doc: Doc) -> None:
        self.doc = doc
        self.broken = broken(doc)


class Fill:
    """Pieces with a line end before each; a line ends only where the piece behind it does not fit."""

    __slots__ = ("broken", "pieces", "position")

    def __init__(self, pieces: list[tuple[Line, Doc]], position: int = 0) -> None:
        self.pieces = pieces
        self.position = position
        self.broken = position == 0 and any(line.flat is None or broken(doc) for line, doc in pieces)


Doc: TypeAlias = "str | Line | Nest | Group | Fill | list[Doc]"


def broken(doc: Doc) -> bool:
    """Whether a document certainly has more than one line."""
    if isinstance(doc, str):
        return False
    if isinstance(doc, Line):
        return doc.flat is None
    if isinstance(doc, list):
        return any(broken(part) for part in doc)
    return doc.broken


Command: TypeAlias = tuple[int, bool, Doc]
"""Indentation, whether lines end, and what to print."""


def render(doc: Doc, width: int = WIDTH) -> str:
    """The text of a document, without spaces at line ends."""
    out: list[str] = []
    column = 0
    pending: list[Command] = [(0, True, doc)]
    while pending:
        indent, breaks, part = pending.pop()
        if isinstance(part, str):
            out.append(part)
            column += len(part)
        elif isinstance(part, Line):
            if part.flat is not None and not breaks:
                out.append(part.flat)
                column += len(part.flat)
            else:
                out.append("\n" + " " * indent)
                column = indent
        elif isinstance(part, list):
            pending.extend((indent, breaks, inner) for inner in reversed(part))
        elif isinstance(part, Nest):
            pending.append((indent + 2, breaks, part.doc))
        elif isinstance(part, Group):
            fits = not part.broken and _fits(width - column, (indent, False, part.doc), pending)
            pending.append((indent, not fits, part.doc))
        elif part.position < len(part.pieces):
            line, first = part.pieces[part.position]
            pending.append((indent, breaks, Fill(part.pieces, part.position + 1)))
            fits = line.flat is not None and _fits(width - column, (indent, False, [line, first]), pending)
            pending.append((indent, False, first))
            pending.append((indent, not fits, line))
    return "\n".join(text.rstrip() for text in "".join(out).split("\n"))


def _fits(room: int, command: Command, rest: list[Command]) -> bool:
    """Whether everything up to the next line end fits into the room."""
    pending = [command]
    below = len(rest)
    while room >= 0:
        if not pending:
            if not below:
                return True
            below -= 1
            pending.append(rest[below])
            continue
        indent, breaks, part = pending.pop()
        if isinstance(part, str):
            room -= len(part)
        elif isinstance(part, Line):
            if breaks or part.flat is None:
                return True
            room -= len(part.flat)
        elif isinstance(part, list):
            pending.extend((indent, breaks, inner) for inner in reversed(part))
        elif isinstance(part, Fill):
            if part.position < len(part.pieces):
                line, first = part.pieces[part.position]
                pending.append((indent, breaks, Fill(part.pieces, part.position + 1)))
                pending.extend([(indent, False, first), (indent, breaks, line)])
        elif isinstance(part, Group):
            pending.append((indent, part.broken, part.doc))
        else:
            pending.append((indent, breaks, part.doc))
    return False
