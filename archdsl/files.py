"""Reading: ordinary files only, up to a limit, and no link that leads out of the folder it was found in.

Everything that the package reads is opened here, and everything that it writes in :mod:`archdsl.writing`; a test looks
for any other way.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from archdsl.diagnostics import Refusal
from archdsl.source import note

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_OPEN = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
"""Without waiting: a pipe that takes the place of a file meanwhile must not hold the process."""
_SYSTEM = ("/proc", "/sys")
"""Where files are answers of the system: an environment, keys, memory."""


def check_file(path: Path) -> None:
    """Refuse (E0001) what is not there, folders, what might never end, and answers of the system (``/proc``)."""
    note(path)
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise Refusal("E0001", f"there is no file `{path}`", help=_meant(path)) from None
    except OSError as error:
        raise _unreadable(path, error) from None
    _check_ordinary(path, found)


def _meant(path: Path) -> str:
    """The file that has the name but for its ending, or for the strokes of another system."""
    name = str(path).replace("\\", "/")
    with suppress(OSError, ValueError):
        for other in (name, f"{name}.arch"):
            if other != str(path) and Path(other).is_file():
                return f"did you mean `{other}`?"
    return ""


def open_file(path: Path) -> BinaryIO:
    """An ordinary file, open for reading; refuses (E0001) what :func:`check_file` does, and what cannot be opened."""
    check_file(path)  # before it is opened: to open a device may do something
    try:
        file = open(path, "rb", opener=_opener)  # noqa: SIM115 - Path.open takes no opener
    except OSError as error:
        raise _unreadable(path, error) from None
    try:
        _check_ordinary(path, os.fstat(file.fileno()))
    except BaseException:
        file.close()
        raise
    return file


def digest_of(path: Path) -> str:
    """The SHA-256 of an ordinary file, in hexadecimal digits: of all of it up to 4 MiB, else of as much in blocks that
    lie all over it, so that large files of weights take no longer. Refuses (E0001) a file that cannot be read.
    """
    from hashlib import sha256

    found = sha256()
    with open_file(path) as file:
        try:
            size = os.fstat(file.fileno()).st_size
            blocks = _BLOCKS if size > _BLOCKS * _BLOCK else 1
            for i in range(blocks):
                file.seek(i * (size - _BLOCK) // (blocks - 1) if blocks > 1 else 0)
                found.update(file.read(_BLOCK if blocks > 1 else size))
        except OSError as error:
            raise _unreadable(path, error) from None
    return found.hexdigest()


_BLOCKS, _BLOCK = 1024, 4096


def read_file(path: Path, limit: int) -> bytes:
    """The content of an ordinary file, cut after ``limit`` + 1 bytes; refuses (E0001) a file that cannot be read."""
    with open_file(path) as file:
        try:
            return file.read(limit + 1)
        except OSError as error:
            raise _unreadable(path, error) from None


def packaged(path: Path | Traversable) -> str:
    """The text of a file of this package: a spec of the zoo, a page, the grammar."""
    return path.read_text(encoding="utf-8")


def check_inside(path: Path, owner: Path | None = None) -> None:
    """Refuse (E0001) a link that leads out of its folder: a repository keeps links, and its author could have
    files read that are no concern of it.

    Files that belong to ``owner`` may also lie where that really lies: stores of downloaded models consist of links.
    """
    try:
        if not path.is_symlink():
            return
        real = path.resolve()
        folders = {path.parent.resolve(), *([owner.resolve().parent] if owner is not None else ())}
    except (OSError, RuntimeError, ValueError):  # told where the file is read: links in a circle, too long a name
        return
    if not any(real.is_relative_to(folder) for folder in folders):
        help = "links are followed inside of their folder only: name the file itself, or copy it"
        raise Refusal("E0001", f"`{path}` is a link that leads out of its folder", help=help)


def _opener(path: str, flags: int) -> int:
    return os.open(path, _OPEN | getattr(os, "O_CLOEXEC", 0))


def _check_ordinary(path: Path, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise Refusal("E0001", f"`{path}` is a folder, not a file", help="name a file in it")
    if not stat.S_ISREG(found.st_mode) or found.st_dev in _devices():
        raise Refusal("E0001", f"`{path}` is not an ordinary file")


def _devices() -> set[int]:
    """The devices of :data:`_SYSTEM`, where they are mounted."""
    global _known
    if _known is None:
        _known = set()
        for folder in _SYSTEM:
            try:
                _known.add(os.stat(folder).st_dev)  # noqa: PTH116 - no Path is needed
            except OSError:
                continue
        _known.discard(os.stat("/").st_dev)  # noqa: PTH116
    return _known


_known: set[int] | None = None


def _unreadable(path: Path, error: OSError) -> Refusal:
    return Refusal("E0001", f"`{path}` cannot be read: {error.strerror or error}")
