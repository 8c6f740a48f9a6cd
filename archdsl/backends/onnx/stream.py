"""A model on disk: streamed, whole or absent.

Every size is known before the first byte is written. Heads and small tensors go out in order; large ones are computed
in stretches, each written at its place as soon as it is there, by several threads. So memory stays at a few stretches,
and the file is the same whatever the number of threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any

from archdsl.writing import Unfinished

Buffer = bytes | memoryview
SMALL = 1 << 16
"""Payloads up to this many bytes are computed at once and written with their heads."""


class Payload:
    """``size`` bytes that are computed when they are written, in stretches of ``most`` bytes."""

    __slots__ = ("compute", "most", "size")

    def __init__(self, size: int, most: int, compute: Callable[[int, int], Any]) -> None:
        self.size = size
        self.most = most
        self.compute = compute

    def whole(self) -> bytes:
        """All the bytes."""
        return b"".join(bytes(memoryview(part).cast("B")) for part in map(self._stretch, self.starts()))

    def starts(self) -> range:
        """Where the stretches begin."""
        return range(0, self.size, self.most)

    def _stretch(self, start: int) -> Any:
        return self.compute(start, min(start + self.most, self.size))

    def stretch(self, start: int) -> memoryview:
        """The bytes of one stretch."""
        return memoryview(self._stretch(start)).cast("B")


Part = bytes | Payload


def size(parts: Iterable[Part]) -> int:
    """The number of bytes."""
    return sum(part.size if isinstance(part, Payload) else len(part) for part in parts)


def join(parts: Iterable[Part]) -> bytes:
    """All parts in memory."""
    return b"".join(part.whole() if isinstance(part, Payload) else part for part in parts)


def write(file: Unfinished, parts: Iterable[Part], threads: int, *, digest: bool = False) -> bytes:
    """Write the parts one after the other; gives a hash of their contents if ``digest``, whatever the threads."""
    jobs: list[tuple[int, Payload, int]] = []
    pending: list[bytes] = []
    begin = position = 0

    def flush() -> None:
        if pending:
            write_at(file.descriptor, b"".join(pending), begin)
            pending.clear()

    hashes: dict[int, bytes] = {}
    for part in parts:
        if isinstance(part, Payload) and part.size > SMALL:
            flush()
            jobs += [(position + start, part, start) for start in part.starts()]
            position += part.size
            begin = position
        else:
            data = part.whole() if isinstance(part, Payload) else part
            if digest:
                hashes[position] = blake2b(data).digest()
            pending.append(data)
            position += len(data)
    flush()
    _run(file.descriptor, jobs, threads, hashes if digest else None)
    return blake2b(b"".join(hashes[key] for key in sorted(hashes))).digest()


def _run(
    descriptor: int, jobs: Sequence[tuple[int, Payload, int]], threads: int, hashes: dict[int, bytes] | None
) -> None:
    """Compute and write all stretches, in any order; the first error stops the others and is raised."""
    queue = iter(jobs)
    errors: list[BaseException] = []

    def do(offset: int, payload: Payload, start: int) -> None:
        data = payload.stretch(start)
        if hashes is not None:
            hashes[offset] = blake2b(data).digest()
        write_at(descriptor, data, offset)

    def work() -> None:
        try:
            for job in queue:
                if errors:
                    return
                do(*job)
        except BaseException as error:
            errors.append(error)

    helpers = min(threads, len(jobs) // 8) - 1
    if helpers > 0:
        # The first alone: it imports what makes numbers. An interrupt within an import of this thread would keep its
        # lock, for which the others would wait without end.
        do(*next(queue))
        _beside(work, helpers, errors)
    else:
        work()
    if errors:
        raise errors[0]


def _beside(work: Callable[[], None], helpers: int, errors: list[BaseException]) -> None:
    """Run ``work`` in this thread and in some more, and wait for all of them."""
    import threading

    started = [threading.Thread(target=work, daemon=True) for _ in range(helpers)]
    for thread in started:
        thread.start()
    work()
    for thread in started:
        while thread.is_alive():  # even if interrupted again: nobody may write into a closed file
            try:
                thread.join()
            except BaseException as error:
                errors.append(error)


def write_at(descriptor: int, data: Buffer, offset: int) -> None:
    """Write all of ``data`` at ``offset``."""
    view = memoryview(data)
    while view:
        written = _pwrite(descriptor, view[: 1 << 30], offset)
        view = view[written:]
        offset += written


def _pwrite(descriptor: int, data: memoryview, offset: int) -> int:
    if hasattr(os, "pwrite"):
        return os.pwrite(descriptor, data, offset)
    with _seek_lock():  # Windows has no positioned write
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.write(descriptor, data)


def _seek_lock() -> Any:
    import threading

    global _LOCK
    _LOCK = _LOCK or threading.Lock()
    return _LOCK


_LOCK: Any = None
