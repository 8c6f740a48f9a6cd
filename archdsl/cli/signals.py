"""Signals that end a command: Ctrl-C, and what `timeout`, `docker stop` and a closed terminal send.

The first one is raised as ``KeyboardInterrupt``, so that unfinished files are removed; the exit status is 128 and the
signal's number. It is raised again as long as the command goes on, because not everything lets it pass: modules in C
drop it while they load, Python in destructors. Another one, half a second later or after that, ends the process where
it is. What then remains is removed by the next run (:mod:`archdsl.writing`).
"""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from time import monotonic
from types import FrameType
from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_PATIENCE = 0.5
"""Seconds in which further signals say the same again: wrappers hand on what the terminal has sent already."""
_AGAIN = 1.0
"""Seconds after which a command that goes on is interrupted again; removing what is unfinished takes less."""
_received: list[tuple[int, float]] = []
"""Signals and their times."""


def heed() -> None:
    """Begin to heed signals, but for those that the process was told to ignore. Later calls change nothing."""
    global _hook
    with suppress(ValueError):  # in a thread there is nothing to heed
        for number in _numbers():
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                signal.signal(number, _interrupt)
        if hasattr(signal, "SIGALRM") and signal.getsignal(signal.SIGALRM) is signal.SIG_DFL:
            signal.signal(signal.SIGALRM, _again)
    if sys.unraisablehook is not _unraisable:
        _hook, sys.unraisablehook = sys.unraisablehook, _unraisable


def received() -> int | None:
    """The exit status that a signal calls for, if one came."""
    return 128 + _received[0][0] if _received else None


def unheed() -> None:
    """From here on signals end the process at once: all is done."""
    for number in _numbers():
        if signal.getsignal(number) is _interrupt:
            signal.signal(number, signal.SIG_DFL)


def rest() -> None:
    """The command has ended: it is interrupted no more."""
    if _is_repeated():
        signal.setitimer(signal.ITIMER_REAL, 0)


def _numbers() -> list[signal.Signals]:
    return [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]


def _interrupt(number: int, _: FrameType | None) -> None:
    if not _received:
        _received.append((number, monotonic()))
        if _is_repeated():
            signal.setitimer(signal.ITIMER_REAL, _AGAIN, _AGAIN)
        raise KeyboardInterrupt
    if monotonic() - _received[0][1] > _PATIENCE:
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)


def _again(number: int, _: FrameType | None) -> None:
    raise KeyboardInterrupt


def _is_repeated() -> bool:
    return hasattr(signal, "SIGALRM") and signal.getsignal(signal.SIGALRM) is _again


def _unraisable(unraisable: Any) -> None:
    """An interrupt in a destructor cannot be raised: it is no news, and comes again."""
    if not isinstance(unraisable.exc_value, KeyboardInterrupt):
        _hook(unraisable)


_hook = sys.unraisablehook
