"""What the colours of a picture say, above it."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.picture.compared import Look, Marks
from archdsl.picture.figures import Shades, shade
from archdsl.picture.marks import Placed
from archdsl.picture.text import FONT, width
from archdsl.record import Record
from archdsl.report.html import escaped

INK, EDGE = "#1f2328", "#afb8c1"
LETTERS = f'font-family="{escaped(FONT)}" font-size="10" fill="{INK}"'
DASHED = ' stroke-dasharray="4 3"'
SCALE, LEGEND = 150, 50
"""Pixels: how long the scale of a legend is, and how high the legend with the room around it."""
SWATCH, APART = 19, 14
"""Pixels: from the begin of a swatch to its text, and from that to the next swatch."""


class Legend(Record):
    """A title, and either a scale or the kinds of changes."""

    title: str
    shades: Shades | None
    looks: Sequence[Look]

    @property
    def width(self) -> float:
        """Pixels that it takes at least."""
        if self.shades is not None:
            return SCALE + 60
        return max(self._swatches(), width(self.title, 12, True)) + 20

    def _swatches(self) -> float:
        return sum(SWATCH + APART + width(look.legend, 10) for look in self.looks) - APART

    def lines(self, wide: float) -> list[str]:
        """The legend in the middle of a width."""
        return self._scale(self.shades, wide) if self.shades is not None else self._kinds(wide)

    def _scale(self, shades: Shades, wide: float) -> list[str]:
        """What the figure is, and a scale with the figures at its begin, its middle and its end."""
        left = (wide - SCALE) / 2
        stops = "".join(f'<stop offset="{at:g}" stop-color="{shade(at)}"/>' for at in (0, 1))
        texts = [(wide / 2, 14, shades.title)]
        texts += [(left + SCALE * at, 42, text) for at, text in zip((0, 0.5, 1), shades.ticks)]
        return [
            f'<linearGradient id="s">{stops}</linearGradient>',
            f'<rect x="{px(left)}" y="20" width="{SCALE}" height="10" fill="url(#s)" stroke="{EDGE}"/>',
            f'<g {LETTERS} text-anchor="middle">',
            *(f'<text x="{px(x)}" y="{y}">{escaped(text)}</text>' for x, y, text in texts),
            "</g>",
        ]

    def _kinds(self, wide: float) -> list[str]:
        """What is compared with what, and the colours of what became of the parts."""
        look = 'text-anchor="middle" font-weight="700" font-size="12"'
        found = [f'<text x="{px(wide / 2)}" y="16" {look}>{escaped(self.title)}</text>']
        x = (wide - self._swatches()) / 2
        for one in self.looks:
            area = f'fill="{one.fill}" stroke="{one.edge}"{DASHED if one.dashed else ""}'
            found += [
                f'<rect x="{px(x)}" y="27" width="14" height="10" rx="2" {area}/>',
                f'<text x="{px(x + SWATCH)}" y="36">{escaped(one.legend)}</text>',
            ]
            x += SWATCH + APART + width(one.legend, 10)
        return [f"<g {LETTERS}>", *found, "</g>"]


def legend_of(placed: Placed, title: str, shades: Shades | None, marks: Marks | None) -> Legend | None:
    """The legend of a picture whose colours are not those of roles."""
    if shades is None and marks is None:
        return None
    return Legend(title, shades, marks.looks([one.part for one in placed.rectangles]) if marks is not None else ())


def px(value: float) -> str:
    """Tenths of a pixel, without what says nothing."""
    text = f"{value:.1f}"
    text = text[:-2] if text.endswith(".0") else text
    return "0" if text == "-0" else text
