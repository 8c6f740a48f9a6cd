"""Drawing of charts as SVG: scales with ticks at round numbers, marks, and texts that nobody has to measure.

Every chart has its axes named in words, its values labelled where they are, dark letters on white, and figures that are
equally wide. The file has no styles, so that it may stand inside of a page; a text is never markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil, floor, log10

from archdsl.record import Record
from archdsl.report.html import escaped

INK, FAINT, RULE, PAPER = "#1f2328", "#59636e", "#d1d9e0", "#ffffff"
PLAIN, PLAIN_EDGE = "#d3e0f0", "#8fa9c8"
MARKED, MARKED_EDGE = "#f8cfb0", "#b4500f"
"""What the eye is to go to, as an area, and as a line or text: at least 4.5 : 1 on white."""
FONT = "font-family=\"system-ui, 'Segoe UI', 'Liberation Sans', Helvetica, Arial, sans-serif\""
MARK = "<!-- archdsl chart -->"
WIDE = 0.58
"""The mean width of a letter, in letter heights: an upper bound for the names that occur."""


def length(text: str, size: float = 12) -> float:
    """Pixels that a text takes, rather too many."""
    return len(text) * size * WIDE


class Scale(Record):
    """Values from ``low`` to ``high`` at pixels from ``start`` to ``end``."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        return self.start + (value - self.low) / ((self.high - self.low) or 1) * (self.end - self.start)


def ticks(low: float, high: float, most: int, unit: float = 1, whole: bool = True) -> list[float]:
    """Round numbers that enclose a range: 1, 2 or 5 times a power of ten, in units; about ``most`` of them.

    ``whole``: no step is below 1, as counts have none.
    """
    span = max(high - low, 1e-9 * max(abs(high), 1)) / unit
    power = 10.0 ** floor(log10(span / most))
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= most) * unit
    step = max(step, 1) if whole else step
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [index * step for index in range(first, max(last, first + 1) + 1)]


def byte_unit(size: float) -> tuple[int, str]:
    """The largest unit of which a size has at least one: its bytes, and its name."""
    found = (1, "B")
    for power, name in enumerate(("KiB", "MiB", "GiB", "TiB", "PiB"), 1):
        if size >= 1024**power:
            found = (1024**power, name)
    return found


def count_unit(size: float) -> tuple[int, str]:
    """The same for counts: ``M``, as a spec writes ``300M``."""
    found = (1, "")
    for power, name in enumerate("kMGTP", 1):
        if size >= 1000**power:
            found = (1000**power, name)
    return found


def in_unit(value: float, unit: tuple[int, str]) -> str:
    """``2.5 MiB``, ``300M``, ``0``."""
    if not value:
        return "0"
    space = " " if len(unit[1]) > 1 or unit[1] == "B" else ""
    return f"{value / unit[0]:,.10g}{space}{unit[1]}"


class Chart:
    """A drawing that grows by marks; ``title`` and ``told`` are its heading, and what a screen reader says."""

    def __init__(self, width: int, height: int, title: str, told: Sequence[str]) -> None:
        self.width, self.height = width, height
        self.parts: list[str] = []
        self.alternative = ". ".join((title, *told))
        self.text(16, 26, title, size=15, weight=600)
        for index, line in enumerate(told):
            self.text(16, 46 + 17 * index, line, color=FAINT)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 12,
        color: str = INK,
        anchor: str = "start",
        weight: int = 400,
    ) -> None:
        """A line of text whose letters stand at ``y``."""
        extra = "" if anchor == "start" else f' text-anchor="{anchor}"'
        extra += "" if weight == 400 else f' font-weight="{weight}"'
        extra += "" if size == 12 else f' font-size="{size:g}"'
        extra += "" if color == INK else f' fill="{color}"'
        self.parts.append(f'<text x="{_px(x)}" y="{_px(y)}"{extra}>{escaped(text)}</text>')

    def line(self, points: Iterable[tuple[float, float]], color: str = RULE, width: float = 1, dash: str = "") -> None:
        """A line through points."""
        path = " ".join(f"{_px(x)},{_px(y)}" for x, y in points)
        extra = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="{width:g}"{extra}/>')

    def area(self, points: Iterable[tuple[float, float]], fill: str) -> None:
        """What a line goes round."""
        path = " ".join(f"{_px(x)},{_px(y)}" for x, y in points)
        self.parts.append(f'<polygon points="{path}" fill="{fill}"/>')

    def box(self, x: float, y: float, width: float, height: float, fill: str, edge: str = "", hint: str = "") -> None:
        """A rectangle; ``hint`` is shown where a mouse rests on it."""
        extra = f' stroke="{edge}" stroke-width="0.75"' if edge else ""
        size = f'x="{_px(x)}" y="{_px(y)}" width="{_px(width)}" height="{_px(height)}"'
        inside = f"><title>{escaped(hint)}</title></rect>" if hint else "/>"
        self.parts.append(f'<rect {size} fill="{fill}"{extra}{inside}')

    def boxes(self, several: Iterable[tuple[float, float, float, float]], fill: str) -> None:
        """Many rectangles without hints, as one mark."""
        path = "".join(f"M{_px(x)} {_px(y)}h{_px(w)}v{_px(h)}h{_px(-w)}z" for x, y, w, h in several)
        if path:
            self.parts.append(f'<path d="{path}" fill="{fill}"/>')

    def dot(self, x: float, y: float, radius: float, fill: str, edge: str, hint: str = "") -> None:
        """A point."""
        inside = f"><title>{escaped(hint)}</title></circle>" if hint else "/>"
        at = f'cx="{_px(x)}" cy="{_px(y)}" r="{_px(radius)}"'
        self.parts.append(f'<circle {at} fill="{fill}" stroke="{edge}" stroke-width="1.5"{inside}')

    def rows(self, scale: Scale, values: Iterable[float], unit: tuple[int, str], left: float, right: float) -> None:
        """The ticks of an upright axis with a rule for each."""
        for value in values:
            self.line([(left, scale(value)), (right, scale(value))])
            self.text(left - 8, scale(value) + 4, in_unit(value, unit), color=FAINT, anchor="end")

    def columns(self, scale: Scale, values: Iterable[float], unit: tuple[int, str], top: float, bottom: float) -> None:
        """The ticks of a level axis with a rule for each."""
        for value in values:
            self.line([(scale(value), top), (scale(value), bottom)])
            self.text(scale(value), bottom + 18, in_unit(value, unit), color=FAINT, anchor="middle")

    def svg(self) -> str:
        """The file."""
        size = f'width="{self.width}" height="{self.height}" viewBox="0 0 {self.width} {self.height}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escaped(self.alternative)}">'
        look = f'<g {FONT} font-size="12" fill="{INK}" style="font-variant-numeric:tabular-nums">'
        paper = f'<rect width="{self.width}" height="{self.height}" fill="{PAPER}"/>'
        return "\n".join([head, MARK, paper, look, *self.parts, "</g>", "</svg>", ""])


def _px(value: float) -> str:
    """Tenths of a pixel, without what says nothing."""
    text = f"{value:.1f}"
    text = text[:-2] if text.endswith(".0") else text
    return "0" if text == "-0" else text
