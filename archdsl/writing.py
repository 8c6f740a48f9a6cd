"""Writing: an output is there completely or not at all, whoever else writes it, and nothing is left behind.

A file is written under a name that nobody can guess, beside its destination, and renamed when it is complete. As long
as it is written its writer holds a lock on it. What a killed process left has no lock: the next one that writes into
the folder removes it. The same goes for folders of temporary files.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import time

from archdsl.diagnostics import Refusal
from archdsl.source import written

_NEW = (
    os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)  # fmt: skip
_LOOK = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_PART = re.compile(r"\..*\.[0-9a-f]{16}\.part", re.DOTALL)
_LOCK = re.compile(r"archdsl\.[0-9a-f]{16}\.lock")
"""Beside a folder of temporary files, made before it and removed after it: what its process holds the lock of."""
_STALE = 24 * 3600
"""Seconds after which what is left is removed where the system has no locks."""
_swept: set[Path] = set()
"""Folders that this process has swept."""


class Unfinished:
    """A file that gets its name when it is complete; leaving the ``with`` block without that removes it.

    Through a link the file changes and the link stays, if it does not lead out of its folder. An old file's mode and
    owner are kept. Raises ``OSError``; refuses (E0005) what :func:`check_writable` does.
    """

    def __init__(self, path: Path) -> None:
        check_writable(path)
        self.path = path.resolve()
        self.descriptor = -1
        self.temporary = self.path

    def __enter__(self) -> Unfinished:
        _sweep(self.path.parent)
        shown = os.fsdecode(os.fsencode(self.path.name)[:100])  # names have at most 255 bytes
        try:
            while self.descriptor < 0:  # the name first: a signal may come before the file is known to be there
                self.temporary = self.path.with_name(f".{shown}.{os.urandom(8).hex()}.part")
                self.descriptor = _new(self.temporary)
            _keep_mode(self.descriptor, self.path)
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._remove()

    def finish(self, path: Path | None = None) -> None:
        """Give the file its name, or the name ``path`` in its folder."""
        os.close(os.dup(self.descriptor))  # some systems tell of a full disk only now
        if os.name == "nt":  # nobody can rename an open file there
            os.close(self.descriptor)
            self.descriptor = -1
        self.temporary.replace(path or self.path)
        self.temporary = self.path

    def _remove(self) -> None:
        """Remove the file if it has no name yet; only then unlock it."""
        if self.temporary != self.path:
            self.temporary.unlink(missing_ok=True)
            self.temporary = self.path
        if self.descriptor >= 0:
            descriptor, self.descriptor = self.descriptor, -1
            os.close(descriptor)


def write_file(path: Path, content: str | bytes | Iterable[bytes]) -> None:
    """Replace ``path`` by ``content`` (text as UTF-8, or parts) at once, or refuse (E0005) and leave the old file."""
    content = content.encode() if isinstance(content, str) else content
    try:
        with Unfinished(path) as file:
            for part in [content] if isinstance(content, bytes) else content:
                _write(file.descriptor, part)
            file.finish()
    except OSError as error:
        raise not_written(path, error) from None
    written(path)


def append_file(path: Path, text: str) -> None:
    """Write ``text`` behind what a file has; refuses (E0005) links and what is no ordinary file."""
    check_writable(path)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _LOOK, 0o666)
        try:
            _write(descriptor, text.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise not_written(path, error) from None


def make_folder(path: Path, *, private: bool = False) -> None:
    """Make a folder (for the user alone if ``private``) and those around it, where they are not there; refuses (E0005)
    what cannot be made.
    """
    try:
        path.mkdir(mode=0o700 if private else 0o777, parents=True, exist_ok=True)
    except OSError as error:
        raise not_written(path, error) from None


def remove_file(path: Path) -> None:
    """Remove a file that nobody is writing, if it is there."""
    with suppress(OSError), _unused(path) as unused:
        if unused:
            path.unlink(missing_ok=True)


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Wait until nobody else is in such a block for this folder: for files that are replaced together."""
    try:
        descriptor = os.open(folder, _LOOK)
    except OSError:  # Windows does not open folders
        yield
        return
    try:
        with suppress(ImportError, OSError):
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def check_writable(path: Path) -> None:
    """Refuse (E0005) an output that cannot be a file, before any work is done for it."""
    if path.is_dir():
        raise Refusal("E0005", f"cannot write `{path}`: it is a folder", help="name a file in it")
    if path.exists() and not path.is_file():  # a file in its place would be the end of a pipe or device
        raise Refusal("E0005", f"cannot write `{path}`: it is not an ordinary file")
    try:
        real = path.resolve()
    except (OSError, RuntimeError, ValueError):
        raise Refusal("E0005", f"cannot write `{path}`: its links lead in a circle") from None
    if path.is_symlink() and not real.is_relative_to(path.parent.resolve()):
        help = "links are followed inside of their folder only: name the file itself, or remove the link"
        raise Refusal("E0005", f"cannot write `{path}`: it is a link that leads out of its folder", help=help)
    if not real.parent.is_dir():
        raise Refusal("E0005", f"cannot write `{path}`: there is no folder `{path.parent}`")


def not_written(path: Path, error: OSError) -> Refusal:
    """The refusal of a write that failed."""
    reason = error.strerror or str(error)
    return Refusal("E0005", f"cannot write `{path}`: {reason}", help="no partial file was left")


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder of temporary files, gone at the end; what killed processes left of theirs goes first."""
    import tempfile

    place = Path(tempfile.gettempdir()).resolve()
    for name in _listed(place, _LOCK):
        _discard(place / name)
    descriptor, lock = -1, place
    try:
        while descriptor < 0:
            lock = place / f"archdsl.{os.urandom(8).hex()}.lock"
            descriptor = _new(lock)
        folder = _folder_of(lock)
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        if lock != place:
            _remove_tree(_folder_of(lock))
        if descriptor >= 0:
            os.close(descriptor)
        if lock != place:  # last: who is killed before leaves a lock by which the next one finds the folder
            lock.unlink(missing_ok=True)


def _discard(lock: Path) -> None:
    """Remove a folder of temporary files, if no living process has it."""
    with suppress(OSError), _unused(lock) as unused:
        if unused:
            _remove_tree(_folder_of(lock))
            lock.unlink(missing_ok=True)


def _folder_of(lock: Path) -> Path:
    return lock.with_suffix(".tmp")


def _remove_tree(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def _new(path: Path) -> int:
    """A new file, locked; -1 where another process took it for a remnant in the moment before the lock."""
    descriptor = os.open(path, _NEW, 0o666)
    if _lock(descriptor) is not False and os.fstat(descriptor).st_nlink:
        return descriptor
    os.close(descriptor)
    return -1


def _keep_mode(descriptor: int, path: Path) -> None:
    """Give the new file the owner and the mode of the file that it replaces."""
    try:
        old = path.stat()
    except OSError:
        return
    if hasattr(os, "fchown"):
        with suppress(OSError):
            os.fchown(descriptor, old.st_uid, old.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def _write(descriptor: int, part: bytes) -> None:
    view = memoryview(part).cast("B")
    while view:
        view = view[os.write(descriptor, view[: 1 << 30]) :]


# Locks and remnants


def _sweep(folder: Path) -> None:
    """Remove the unfinished files of killed processes, once for each folder."""
    if folder in _swept:
        return
    _swept.add(folder)
    for name in _listed(folder, _PART):
        remove_file(folder / name)


def _listed(folder: Path, pattern: re.Pattern[str]) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if pattern.fullmatch(entry.name)]
    except OSError:
        return []


@contextmanager
def _unused(path: Path) -> Iterator[bool]:
    """Whether what lies there is our user's and no living process holds it; nobody can take it meanwhile."""
    try:
        descriptor = os.open(path, _LOOK)
    except OSError:  # gone, or a link
        yield False
        return
    try:
        found = os.fstat(descriptor)
        locked = _lock(descriptor) if _ours(found) else False
        yield time() - found.st_mtime > _STALE if locked is None else locked
    finally:
        os.close(descriptor)


def _ours(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) and (not hasattr(os, "geteuid") or found.st_uid == os.geteuid())


def _lock(descriptor: int) -> bool | None:
    """Lock an open file until it is closed; ``False`` where another one has the lock, ``None`` where there are no locks
    (Windows, some network file systems).
    """
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        return None
    return True
