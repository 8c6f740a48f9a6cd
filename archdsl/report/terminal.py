"""The terminal: colours if they are wanted, and the number of cells that a text takes."""

from __future__ import annotations

import os
import re
from typing import TextIO

STYLES = {
    "error": "1;31", "warning": "1;33", "help": "1;36", "gutter": "1;34", "bold": "1", "good": "32", "dim": "2",
}  # fmt: skip
"""Style name -> SGR parameters."""

TAB = 4
STEERING = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f"
"""Characters that steer a terminal or an editor, as a class: C1 controls, directions, separators, tags, halves."""
_STEERS = re.compile(f"[{STEERING}]")


def wants_color(stream: TextIO) -> bool:
    """Whether what goes to ``stream`` may be coloured: a terminal may, unless ``TERM=dumb``; ``FORCE_COLOR`` colours
    files and pipes as well (logs of CI show it), and ``NO_COLOR`` says no to all of it (https://no-color.org).
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") != "0":
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


class Paint:
    """Wraps text in colours, or leaves it alone."""

    def __init__(self, color: bool) -> None:
        self.color = color

    def __call__(self, style: str, text: str) -> str:
        """``text`` in the given style."""
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if self.color and text else text


_COMMAND = re.compile(r"^([^\S\n]*)::(?=[A-Za-z])|##(?=\w*\[)", re.MULTILINE)


def inert(text: str) -> str:
    """Whole lines as a log may hold them: what a CI system would read as a command (``::name``, ``##[name]``) is none.

    GitHub's runner, for one, obeys such lines in whatever a step prints.
    """
    return _COMMAND.sub(lambda found: "## " if found[1] is None else f"{found[1]}: :", text)


def visible(text: str) -> str:
    """``text`` with everything that could steer a terminal (escapes, bidirectional overrides) made visible."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(cells(text))


def cells(text: str) -> list[str]:
    """What to print for each character of one line; tabs advance to the next multiple of four columns."""
    if text.isascii() and text.isprintable():
        return list(text)
    shown: list[str] = []
    column = 0
    for char in text:
        cell = " " * (TAB - column % TAB) if char == "\t" else _safe(char)
        shown.append(cell)
        column += width(cell)
    return shown


def width(text: str) -> int:
    """The number of terminal columns ``text`` takes (East Asian wide characters two, combining ones none)."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(0 if category(c) in ("Mn", "Me", "Cf") else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def _safe(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return "\ufffd" if _STEERS.match(char) else char
