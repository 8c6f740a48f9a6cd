"""A small document printer (after Wadler, "A prettier printer"): texts, possible line ends, groups, indentation."""

from __future__ import annotations

from typing import TypeAlias

WIDTH = 120


class Line:
    """A place where a line may end; ``flat`` is printed there if it does not. ``None``: it always ends."""

    __slots__ = ("flat",)

    def __init__(self, flat: str | None) -> None:
        self.flat = flat


class Hug(Line):
    """A line end before ``else``; but if the line contains only a closing brace, ``else`` follows on the same line."""

    __slots__ = ()


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
    """A document that is printed on one line if it fits, and otherwise ends all its lines.

    A ``body`` may still end its lines where a piece that ends with it is fitted into a line.
    """

    __slots__ = ("body", "broken", "doc")

    def __init__(self, doc: Doc, body: bool = False) -> None:
        self.doc = doc
        self.body = body
        self.broken = broken(doc)


class Fill:
    """Pieces with a line end before each; a line ends only where the next piece does not fit.

    The lines after the first are indented by one step; ``moved`` tells that the printer is on one of them.
    """

    __slots__ = ("broken", "moved", "pieces", "position")

    def __init__(self, pieces: list[tuple[Line, Doc]], position: int = 0, moved: bool = False) -> None:
        self.pieces = pieces
        self.position = position
        self.moved = moved
        self.broken = position == 0 and any(line.flat is None or broken(doc) for line, doc in pieces)


class Align:
    """A gap in front of ``::``: the gaps of one ``column`` end at the same place. ``rest`` characters follow."""

    __slots__ = ("column", "rest")

    def __init__(self, column: int, rest: int) -> None:
        self.column = column
        self.rest = rest


Doc: TypeAlias = "str | Line | Nest | Group | Fill | Align | list[Doc]"


def broken(doc: Doc) -> bool:
    """Whether a document certainly has more than one line."""
    if isinstance(doc, str | Align):
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
    printer = _Printer(width)
    printer.print(doc)
    printer.align()
    return "\n".join(text.rstrip() for text in "".join(printer.out).split("\n"))


class _Printer:
    """The state of :func:`render`: the printed text, the position on the line, and the rest to print."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.out: list[str] = []
        self.column = 0
        self.pending: list[Command] = []
        self.gaps: dict[int, list[tuple[int, int, int]]] = {}

    def print(self, doc: Doc) -> None:
        """Print a whole document."""
        pending = self.pending = [(0, True, doc)]
        while pending:
            indent, breaks, part = pending.pop()
            if isinstance(part, str):
                self.text(part)
            elif isinstance(part, Line):
                self.line(indent, breaks, part)
            elif isinstance(part, list):
                pending.extend((indent, breaks, inner) for inner in reversed(part))
            elif isinstance(part, Nest):
                pending.append((indent + 2, breaks, part.doc))
            elif isinstance(part, Group):
                fits = not part.broken and self.fits((indent, False, part.doc))
                pending.append((indent, not fits, part.doc))
            elif isinstance(part, Fill):
                self.fill(indent, breaks, part)
            else:
                self.gaps.setdefault(part.column, []).append((len(self.out), self.column, part.rest))
                self.text(" ")

    def text(self, text: str) -> None:
        self.out.append(text)
        self.column += len(text)

    def line(self, indent: int, breaks: bool, line: Line) -> None:
        if isinstance(line, Hug) and _brace_alone(self.out):
            self.text(" ")
        elif line.flat is not None and not breaks:
            self.text(line.flat)
        else:
            self.out.append("\n" + " " * indent)
            self.column = indent

    def fill(self, indent: int, breaks: bool, fill: Fill) -> None:
        if fill.position == len(fill.pieces):
            return
        line, piece = fill.pieces[fill.position]
        self.pending.append((indent, breaks, Fill(fill.pieces, fill.position + 1, fill.moved)))
        fits = line.flat is not None and self.fits((indent, False, [line, piece]), bodies=True)
        moved = fill.moved or not fits
        self.pending[-1] = (indent, breaks, Fill(fill.pieces, fill.position + 1, moved))
        inner = indent + 2 if moved else indent
        self.pending.extend([(inner, True, piece), (inner, not fits, line)])

    def fits(self, command: Command, bodies: bool = False) -> bool:
        """Whether everything up to the next possible line end behind the command fits into the line.

        With ``bodies``, the first line end of a body inside the command counts as well.
        """
        room = self.width - self.column
        pending = [command]
        below = len(self.pending)
        while room >= 0:
            if not pending:
                if not below:
                    return True
                below -= 1
                pending.append(self.pending[below])
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
                pending.extend((indent, breaks, inner) for inner in _rest(part))
            elif isinstance(part, Align):
                room -= 1
            else:
                ends = breaks or part.broken or (bodies and isinstance(part, Group) and part.body)
                pending.append((indent, ends, part.doc))
        return False

    def align(self) -> None:
        """Widen the gaps so that those of a column end together, where the lines have the room."""
        for gaps in self.gaps.values():
            gaps.sort(key=lambda gap: gap[1])
            while gaps and any(gaps[-1][1] + 2 + rest > self.width for _, _, rest in gaps):
                gaps.pop()
            for position, column, _ in gaps:
                self.out[position] = " " * (gaps[-1][1] + 2 - column)


def _rest(fill: Fill) -> list[Doc]:
    """What is left of a fill, the next piece last: for a stack."""
    if fill.position == len(fill.pieces):
        return []
    line, piece = fill.pieces[fill.position]
    return [Fill(fill.pieces, fill.position + 1), piece, line]


def _brace_alone(out: list[str]) -> bool:
    return len(out) > 1 and out[-1] == "}" and out[-2].startswith("\n") and not out[-2].strip()
