"""Settings of the process during a compilation, which are restored at its end: a deep stack, a paused collector."""

from __future__ import annotations

import gc
import sys
from _thread import allocate_lock
from collections.abc import Iterator
from contextlib import contextmanager

STACK = 20_000
"""Python's calls within one another. Syntax and applications nest within bounds of their own, which need less."""

_lock = allocate_lock()
_deep = 0
_before = 0


@contextmanager
def deep_stack() -> Iterator[None]:
    """Allow :data:`STACK` nested calls meanwhile. The limit is the process's: the last of several threads resets it."""
    global _deep, _before
    with _lock:
        if not _deep:
            _before = sys.getrecursionlimit()
            sys.setrecursionlimit(max(_before, STACK))
        _deep += 1
    try:
        yield
    finally:
        with _lock:
            _deep -= 1
            if not _deep:
                sys.setrecursionlimit(_before)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Compiling makes long-lived objects and no cycles to speak of: collecting meanwhile is quadratic in depth."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
