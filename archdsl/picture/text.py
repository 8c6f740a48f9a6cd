"""How wide a text is in the font of the pictures.

The advance widths are those of Liberation Sans, which are by design those of Arial and Helvetica.
"""

from __future__ import annotations

from math import ceil

FONT = "Arial, Helvetica, 'Liberation Sans', sans-serif"
UNITS = 2048
_PRINTABLE = (
    569, 569, 727, 1139, 1139, 1821, 1366, 391, 682, 682, 797, 1196, 569, 682, 569, 569, 1139, 1139, 1139, 1139, 1139,
    1139, 1139, 1139, 1139, 1139, 569, 569, 1196, 1196, 1196, 1139, 2079, 1366, 1366, 1479, 1479, 1366, 1251, 1593,
    1479, 569, 1024, 1366, 1139, 1706, 1479, 1593, 1366, 1593, 1479, 1366, 1251, 1479, 1366, 1933, 1366, 1366, 1251,
    569, 569, 569, 961, 1139, 682, 1139, 1139, 1024, 1139, 1139, 569, 1139, 1139, 455, 455, 1024, 455, 1706, 1139,
    1139, 1139, 1139, 682, 1024, 569, 1139, 1024, 1479, 1024, 1024, 1024, 684, 532, 684, 1196,
)  # fmt: skip
ADVANCES = {chr(code): width for code, width in enumerate(_PRINTABLE, 32)} | {"×": 1196, "·": 569, "…": 2048}
"""Advance widths in units of 1/2048 of the size; what is not listed is taken for as wide as it is high."""
BOLD = 1.12
"""A bold text is at most this much wider."""


def width(text: str, size: float, bold: bool = False) -> int:
    """Pixels that a text takes, rounded up."""
    units = sum(ADVANCES.get(letter, UNITS) for letter in text)
    return ceil(units * size / UNITS * (BOLD if bold else 1))


def fitted(text: str, most: float, size: float, bold: bool = False) -> str:
    """The text, cut to a width."""
    if width(text, size, bold) <= most:
        return text
    while text and width(text + "…", size, bold) > most:
        text = text[:-1]
    return text + "…"
