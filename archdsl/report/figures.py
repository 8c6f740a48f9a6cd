"""Figures as people read them: thousands, binary units, sizes of receptive fields."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from archdsl.dim_text import brief

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def number(value: Any) -> str:
    """``300,774,272``; ratios with four digits; tuples per axis; polynomials, long ones in brief."""
    if isinstance(value, tuple):
        return " x ".join("all" if v is None else number(v) for v in value)
    if isinstance(value, Fraction | float):
        return f"{float(value):,.4g}"
    return f"{value:,}" if isinstance(value, int) else brief(value)


def human_bytes(size: int) -> str:
    """``5.74 MiB``; ``512 B``."""
    if size < 1024:
        return f"{size} B"
    if size >= 2**100:  # no longer a number of PiB that anybody reads, and perhaps none that a float holds
        return f"2**{size.bit_length() - 1} B"
    amount, step = float(size), 0
    while amount >= 1024 and step < len(UNITS) - 1:
        amount, step = amount / 1024, step + 1
    return f"{amount:.2f} {UNITS[step]}"


def exact_bytes(size: int, unit: str = " bytes") -> str:
    """``6,021,120 bytes (5.74 MiB)``."""
    return f"{size:,}{unit}" + (f" ({human_bytes(size)})" if size >= 1024 else "")


def seen(size: Any) -> str:
    """The size of a receptive field in a table: ``427``, ``<= 427``, ``all``, ``?`` where a symbol has no value."""
    if size is None:
        return "all"
    if isinstance(size, int):
        return f"{size:,}"
    text = str(size)
    if not text.startswith("at most "):
        return "?"
    most = text.removeprefix("at most ").replace(",", "")
    return f"<= {int(most):,}" if most.isdecimal() else f"<= {most}"
