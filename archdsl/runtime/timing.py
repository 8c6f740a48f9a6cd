"""How long calls of a model take: one to warm up, then several."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from archdsl.record import Record

ENOUGH = 1.0
"""Seconds after which no further call is begun."""


class Timing(Record):
    """Seconds of calls of an open session, with inputs and outputs in memory.

    ``first`` is the call that warmed up: memory is taken and kernels are chosen in it. ``calls`` are those behind it.
    """

    first: float
    calls: tuple[float, ...] = ()

    @property
    def median(self) -> float:
        """The middle of the calls behind the first; of the first where there are none."""
        return median(self.calls or (self.first,))

    def data(self) -> dict[str, Any]:
        """As plain data, in seconds."""
        ends = (min(self.calls), max(self.calls)) if self.calls else (None, None)
        return {
            "first": self.first, "calls": len(self.calls), "median": median(self.calls) if self.calls else None,
            "least": ends[0], "most": ends[1],
        }  # fmt: skip

    def __str__(self) -> str:
        """``0.9 ms, the median of 10 calls (0.8 ms to 1.3 ms) after one of 4.1 ms to warm up``."""
        if not self.calls:
            return f"{_shown(self.first)}, one call without one to warm up"
        count = f"{len(self.calls)} calls ({_shown(min(self.calls))} to {_shown(max(self.calls))})"
        return f"{_shown(self.median)}, the median of {count} after one of {_shown(self.first)} to warm up"


def timed(call: Callable[[], Any], times: int) -> tuple[Any, Timing]:
    """What the first call returns, and the times of it and of up to ``times`` more in about a second."""
    began = time.perf_counter()
    found = call()
    first = time.perf_counter() - began
    calls: list[float] = []
    while len(calls) < times and sum(calls) < ENOUGH:
        began = time.perf_counter()
        call()
        calls.append(time.perf_counter() - began)
    return found, Timing(first, tuple(calls))


def _shown(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.1 else f"{seconds * 1000:.3g} ms"
