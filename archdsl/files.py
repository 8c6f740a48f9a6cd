"""Reading files that strangers name: ordinary ones only, and no more of them than is wanted."""

from __future__ import annotations

from pathlib import Path

from archdsl.diagnostics import Refusal
from archdsl.source import note


def check_file(path: Path) -> None:
    """Refuse (E0001) what is not there, folders, and what might never end: pipes and devices."""
    note(path)
    try:
        if path.is_file():
            return
        if path.is_dir():
            raise Refusal("E0001", f"`{path}` is a folder, not a file")
        if path.exists():
            raise Refusal("E0001", f"`{path}` is no ordinary file")
    except OSError as error:
        raise _unreadable(path, error) from None
    raise Refusal("E0001", f"there is no file `{path}`")


def read_file(path: Path, limit: int) -> bytes:
    """The content of an ordinary file, cut behind ``limit`` + 1 bytes; refuses (E0001) what cannot be read."""
    check_file(path)
    try:
        with path.open("rb") as stream:
            return stream.read(limit + 1)
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> Refusal:
    return Refusal("E0001", f"`{path}` cannot be read: {error.strerror or error}")
