"""Files: only regular files are read, up to a limit; an output is written completely or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable
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
            raise Refusal("E0001", f"`{path}` is not an ordinary file")
    except OSError as error:
        raise _unreadable(path, error) from None
    raise Refusal("E0001", f"there is no file `{path}`")


def read_file(path: Path, limit: int) -> bytes:
    """The content of a regular file, cut after ``limit`` + 1 bytes; refuses (E0001) a file that cannot be read."""
    check_file(path)
    try:
        with path.open("rb") as stream:
            return stream.read(limit + 1)
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> Refusal:
    return Refusal("E0001", f"`{path}` cannot be read: {error.strerror or error}")


def write_file(path: Path, content: str | bytes | Iterable[bytes]) -> None:
    """Replace ``path`` by ``content`` (text as UTF-8, or parts) at once, or refuse (E0005) and leave the old file."""
    import tempfile

    content = content.encode() if isinstance(content, str) else content
    parts = [content] if isinstance(content, bytes) else content
    target = path.resolve()  # through links: the file changes, the link stays
    check_writable(path)
    handle, name = -1, ""
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:200]}.")
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
        raise Refusal("E0005", f"cannot write `{path}`: it is a folder", help="name a file in it")
    if path.exists() and not path.is_file():  # a file in its place would be the end of a pipe or device
        raise Refusal("E0005", f"cannot write `{path}`: it is not an ordinary file")
    if not path.resolve().parent.is_dir():
        raise Refusal("E0005", f"cannot write `{path}`: there is no folder `{path.parent}`")


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
