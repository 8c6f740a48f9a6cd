"""Numbers below the normal ones as zeros while a model runs, and only then.

Softmax makes such numbers behind a mask, and a processor takes many times as long with them: a mask and a softmax take
half the time without. ONNX Runtime has an option for it, but its first session in a process then changes the arithmetic
of the thread that opens it for good, NumPy's included. So that is put back, and made again for each run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

OPTION = "session.set_denormal_as_zero"
_ROOM = 256
"""More bytes than ``fenv_t`` has on any platform."""

_running: list[bytes] = []
"""The arithmetic of a thread in which ONNX Runtime's first session was opened with the option."""


@contextmanager
def arithmetic_of_sessions(options: Any = None) -> Iterator[None]:
    """Open a session with ``options``, or run one, and have the thread's own arithmetic again afterwards."""
    library = _library()
    if library is None:
        yield
        return
    import ctypes

    before, after = ctypes.create_string_buffer(_ROOM), ctypes.create_string_buffer(_ROOM)
    library.fegetenv(before)
    if options is not None:
        options.add_session_config_entry(OPTION, "1")
    elif _running:
        library.fesetenv(_running[0])
    try:
        yield
    finally:
        if options is not None and not _running:
            library.fegetenv(after)
            _running.append(after.raw)
        library.fesetenv(before)


@cache
def _library() -> Any:
    """C's functions for the arithmetic of a thread; ``None`` where they are not found."""
    import ctypes

    try:
        library = ctypes.CDLL(None)
        return library if library.fegetenv and library.fesetenv else None
    except (AttributeError, OSError, TypeError):
        return None
