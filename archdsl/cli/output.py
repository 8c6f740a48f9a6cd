"""Writing: data on stdout, talk on stderr, files whole or not at all."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from archdsl.diagnostics import Refusal
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


def write_file(path: Path, content: str | bytes | Iterable[bytes]) -> None:
    """Replace ``path`` by ``content`` (text as UTF-8, or parts) at once, or refuse (E0005) and leave the old file."""
    import tempfile

    content = content.encode() if isinstance(content, str) else content
    parts = [content] if isinstance(content, bytes) else content
    target = path.resolve()  # through links: the file changes, the link stays
    check_writable(path)
    handle, name = -1, ""
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "wb") as file:
            file.writelines(parts)
        mode = target.stat().st_mode & 0o7777 if target.exists() else 0o666 & ~_umask()
        Path(name).chmod(mode)
        Path(name).replace(target)
    except OSError as error:
        if name:
            Path(name).unlink(missing_ok=True)
        raise Refusal("E0005", f"cannot write `{path}`: {error.strerror or error}") from None
    except BaseException:
        if name:
            Path(name).unlink(missing_ok=True)
        raise


def check_writable(path: Path) -> None:
    """Refuse (E0005) an output that cannot be a file, before any work is done for it."""
    if path.is_dir():
        raise Refusal("E0005", f"cannot write `{path}`: it is a directory", help="name a file in it")
    if path.exists() and not path.is_file():  # a file in its place would be the end of a pipe or device
        raise Refusal("E0005", f"cannot write `{path}`: it is no ordinary file")
    if not path.resolve().parent.is_dir():
        raise Refusal("E0005", f"cannot write `{path}`: there is no directory `{path.parent}`")


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


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
