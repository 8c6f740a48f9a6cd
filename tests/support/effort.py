"""What a computation costs in figures that other work on the same machine does not change: calls, processor time."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any


def calls_of(action: Callable[[], Any]) -> int:
    """Calls of functions, Python's and C's, that an action makes: the same on every machine and under any load."""
    count = 0

    def tell(frame: FrameType, event: str, arg: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    action()  # imports and caches do not count
    sys.setprofile(tell)
    try:
        action()
    finally:
        sys.setprofile(None)
    return count


def seconds_of(action: Callable[[], Any], repeats: int = 1) -> float:
    """The least processor time of a few runs, without collecting what others left."""
    found = []
    collects = gc.isenabled()
    gc.disable()
    try:
        for _ in range(repeats):
            start = time.process_time()
            action()
            found.append(time.process_time() - start)
    finally:
        if collects:
            gc.enable()
    return min(found)
