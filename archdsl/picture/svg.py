"""A placed picture as SVG: no styles from outside, no scripts, and texts that are never markup."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.picture.figures import Shades, shade
from archdsl.picture.marks import Placed, Point, Rectangle, Text, Wire
from archdsl.picture.parts import Part
from archdsl.picture.text import FONT
from archdsl.report.html import escaped

MARK = "<!-- archdsl picture -->"
INK, FAINT, LINE = "#1f2328", "#59636e", "#57606a"
FILLS = {
    "layer": ("#d3e3f8", "#4878b0"), "norm": ("#e3efe0", "#6f9a63"), "activation": ("#fbeec6", "#b08a1e"),
    "pool": ("#dcebd9", "#4f8a45"), "join": ("#f9dcc8", "#b5622a"), "view": ("#f0f1f3", "#8c959f"),
    "source": ("#e9e0f5", "#7a5ba8"), "other": ("#f0f1f3", "#6e7781"), "frame": ("#e4e9f7", "#5d6fa8"),
    "end": ("#ffffff", "#57606a"),
}  # fmt: skip
"""What the area and the edge of a box look like, by its role."""
FRAME = "#fafbfc"
COLUMN, PAGE = 84, 240
"""Millimetres: the width of a column of a page with two, and its height."""
POINT = 25.4 / 96
"""Millimetres of a pixel, at which a picture for paper is not larger than on a screen."""
EDGE = "#afb8c1"
LETTERS = f'font-family="{escaped(FONT)}" font-size="10" fill="{INK}"'
CORNER = 4
SCALE, LEGEND = 150, 50
"""Pixels: how long the scale of a legend is, and how high the legend with the room around it."""


def letters(placed: Placed, shaded: bool = False) -> float:
    """Points: how high the letters of the smaller texts are on paper."""
    return 10 * _scale(*_size(placed, shaded)) * 72 / 25.4


def _size(placed: Placed, shaded: bool) -> Point:
    return (max(placed.width, SCALE + 60), placed.height + LEGEND) if shaded else (placed.width, placed.height)


def _scale(wide: float, high: float) -> float:
    """Millimetres of a pixel on paper."""
    return min(COLUMN / wide, PAGE / high, POINT)


def svg(placed: Placed, title: str, shades: Shades | None = None, *, paper: bool = False) -> str:
    """The file. ``shades``: areas of boxes that are coloured by a figure, with a legend. ``paper``: no larger than a
    column of a page, without colours but these.
    """
    wide, high = _size(placed, shades is not None)
    size = f'width="{_px(wide)}" height="{_px(high)}"'
    if paper:
        scale = _scale(wide, high)
        size = f'width="{wide * scale:.2f}mm" height="{high * scale:.2f}mm"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {_px(wide)} {_px(high)}" role="img" '
        f'aria-label="{escaped(title)}">',
        MARK,
        f'<rect width="{_px(wide)}" height="{_px(high)}" fill="#fff"/>',
        '<defs><marker id="t" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 .8 7.5 4 0 7.2z" fill="{LINE}"/></marker></defs>',
    ]
    if shades is not None:
        lines += _legend(shades, wide)
        lines.append(f'<g transform="translate({_px((wide - placed.width) / 2)} {LEGEND})">')
    areas = {} if shades is None else shades.areas
    lines += [_rectangle(one, areas, paper) for one in placed.rectangles]
    lines.append(f'<g fill="none" stroke="{LINE}" stroke-width="1.2">')
    lines += [_wire(one) for one in placed.wires]
    centred = [one for one in placed.texts if one.style in ("title", "note")]
    lines += ["</g>", f'<g {LETTERS} text-anchor="middle">', *map(_text, centred), "</g>", f"<g {LETTERS}>"]
    lines += [_text(one) for one in placed.texts if one.style not in ("title", "note")]
    return "\n".join([*lines, "</g>", *(["</g>"] if shades is not None else []), "</svg>", ""])


def _legend(shades: Shades, wide: float) -> list[str]:
    """What the figure is, and a scale with the figures at its begin, its middle and its end."""
    left = (wide - SCALE) / 2
    stops = "".join(f'<stop offset="{at:g}" stop-color="{shade(at)}"/>' for at in (0, 1))
    texts = [(wide / 2, 14, shades.title)]
    texts += [(left + SCALE * at, 42, text) for at, text in zip((0, 0.5, 1), shades.ticks)]
    return [
        f'<linearGradient id="s">{stops}</linearGradient>',
        f'<rect x="{_px(left)}" y="20" width="{SCALE}" height="10" fill="url(#s)" stroke="{EDGE}"/>',
        f'<g {LETTERS} text-anchor="middle">',
        *(f'<text x="{_px(x)}" y="{y}">{escaped(text)}</text>' for x, y, text in texts),
        "</g>",
    ]


def _rectangle(one: Rectangle, shades: Mapping[Part, str], paper: bool) -> str:
    place = _place(one, 0)
    hint = f"<title>{escaped(one.part.key)}</title>"
    if one.open:
        dash = ' stroke-dasharray="5 3"' if one.part.loops else ""
        return f'<rect {place} rx="6" fill="{"none" if paper else FRAME}" stroke="{EDGE}"{dash}>{hint}</rect>'
    role = "frame" if one.part.framed else "end" if one.part.kind != "box" else one.part.role
    fill, edge = ("#fff", INK) if paper else FILLS[role]
    fill = shades.get(one.part, fill)
    corner = _px(one.height / 2) if one.part.kind in ("input", "output") else "3"
    found = f'<rect {place} rx="{corner}" fill="{fill}" stroke="{edge}">{hint}</rect>'
    if one.part.framed:  # a second edge: there is something inside
        found += f'<rect {_place(one, 2.5)} rx="2" fill="none" stroke="{edge}" stroke-width=".5"/>'
    return found


def _place(one: Rectangle, inside: float) -> str:
    width, height = _px(one.width - 2 * inside), _px(one.height - 2 * inside)
    return f'x="{_px(one.x + inside)}" y="{_px(one.y + inside)}" width="{width}" height="{height}"'


def _text(one: Text) -> str:
    look = (
        ' font-weight="700"' if one.style in ("title", "frame") else f' fill="{FAINT}"' if one.style == "shape" else ""
    )
    look += f' font-size="{one.size:g}"' if one.size != 10 else ""
    x = one.x + one.width / 2 if one.style in ("title", "note") else one.x
    return f'<text x="{_px(x)}" y="{_px(one.y)}"{look}>{escaped(one.text)}</text>'


def _wire(one: Wire) -> str:
    look = ' marker-end="url(#t)"' if one.arrow else ""
    look += ' stroke-dasharray="4 3"' if one.back else ""
    return f'<path d="{_path(one.points)}"{look}/>'


def _path(points: tuple[Point, ...]) -> str:
    """Straight stretches with rounded corners."""
    found = [f"M{_px(points[0][0])} {_px(points[0][1])}"]
    for before, at, after in zip(points, points[1:], points[2:]):
        first, then = _toward(at, before), _toward(at, after)
        found.append(f"L{_px(first[0])} {_px(first[1])}Q{_px(at[0])} {_px(at[1])} {_px(then[0])} {_px(then[1])}")
    found.append(f"L{_px(points[-1][0])} {_px(points[-1][1])}")
    return "".join(found)


def _toward(start: Point, end: Point) -> Point:
    """A point by the radius of a corner nearer to the end, at most half of the way."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    far = abs(dx) + abs(dy)
    part = min(CORNER, far / 2) / far if far else 0
    return start[0] + dx * part, start[1] + dy * part


def _px(value: float) -> str:
    """Tenths of a pixel, without what says nothing."""
    text = f"{value:.1f}"
    text = text[:-2] if text.endswith(".0") else text
    return "0" if text == "-0" else text
