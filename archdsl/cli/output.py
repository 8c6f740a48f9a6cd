"""Writing: data on stdout, talk on stderr."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence

from archdsl.report.terminal import visible, width


def out(text: str) -> None:
    """Write ``text`` to stdout as it is."""
    sys.stdout.write(text)


def say(text: str) -> None:
    """A line for the person at the terminal, on stderr; nothing in it steers the terminal."""
    sys.stderr.write(visible(text) + "\n")


@contextlib.contextmanager
def progress(text: str, after: float = 1.0) -> Iterator[None]:
    """Show ``text …`` on stderr while the work takes longer than ``after`` seconds; only on a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from threading import Timer

    shown: list[bool] = []

    def show() -> None:
        shown.append(True)
        sys.stderr.write(f"\r\x1b[K{visible(text)} …")
        sys.stderr.flush()

    timer = Timer(after, show)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        if shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def columns(rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset(), indent: str = "") -> list[str]:
    """Rows as aligned columns, two spaces apart; the columns in ``right`` are aligned to the right. Nothing in a cell
    steers the terminal.
    """
    rows = [list(map(visible, row)) for row in rows]
    sizes = [max(map(width, column)) for column in zip(*rows)]
    lines = []
    for row in rows:
        parts = []
        for index, (cell, size) in enumerate(zip(row, sizes)):
            space = " " * (size - width(cell))
            parts.append(space + cell if index in right else cell + space)
        lines.append((indent + "  ".join(parts)).rstrip())
    return lines
