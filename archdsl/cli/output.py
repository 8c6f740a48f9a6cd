"""Output: data on stdout, messages on stderr."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator
from time import monotonic
from typing import TYPE_CHECKING

from archdsl.report.terminal import Paint, inert, visible, wants_color

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from archdsl.diagnostics import Diagnostic
    from archdsl.report.page import Report


def out(text: str) -> None:
    """Write ``text`` to stdout as it is."""
    sys.stdout.write(text)


def say(text: str) -> None:
    """A line for the person at the terminal, on stderr; nothing in it steers the terminal."""
    sys.stderr.write(inert(visible(text)) + "\n")


_began = monotonic()


@contextlib.contextmanager
def progress(text: str, after: float = 1.0) -> Iterator[None]:
    """Show ``text …`` on stderr, only on a terminal, once the command has worked for ``after`` seconds.

    So many short steps are shown as well as one long step.
    """
    if not sys.stderr.isatty():
        yield
        return
    from threading import Timer

    shown: list[bool] = []

    def show() -> None:
        shown.append(True)
        sys.stderr.write(f"\r\x1b[K{visible(text)} …")
        sys.stderr.flush()

    left = _began + after - monotonic()
    timer = Timer(left, show)
    timer.daemon = True
    if left > 0:
        timer.start()
    else:
        show()
    try:
        yield
    finally:
        if left > 0:
            timer.cancel()
            timer.join()
        if shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def place(path: Path) -> Path | BinaryIO:
    """Where a file is written: ``-`` is standard output."""
    return sys.stdout.buffer if str(path) == "-" else path


def show(report: Report, format: str) -> None:
    """Write a report to stdout in the form that was asked for; on a terminal, coloured and inside of its width."""
    color = wants_color(sys.stdout)
    if format in ("text", "table") and (color or sys.stdout.isatty()):
        from shutil import get_terminal_size

        from archdsl.report.layout import text

        limit = get_terminal_size().columns if sys.stdout.isatty() else None
        out(text(report.page(), Paint(color), limit))
        return
    from archdsl.report.render import render

    out(render(report, format))


def write(diagnostics: Iterable[Diagnostic], format: str) -> None:
    """Write findings to stdout: ``concise`` in a line each, else with their lines of the text."""
    from archdsl.report.text import concise, render

    color = wants_color(sys.stdout)
    out("".join((concise(d) if format == "concise" else render(d, color=color)) + "\n" for d in diagnostics))
