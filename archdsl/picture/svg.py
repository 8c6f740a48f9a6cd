"""A placed picture as SVG: no styles from outside, no scripts, and texts that are never markup."""

from __future__ import annotations

from collections.abc import Mapping

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
COLUMN = 84
"""Millimetres: a column of a page with two."""
POINT = 25.4 / 96
"""Millimetres of a pixel, at which a picture for paper is not larger than on a screen."""
EDGE = "#afb8c1"
CORNER = 4


def svg(placed: Placed, title: str, shades: Mapping[Part, str] | None = None, *, paper: bool = False) -> str:
    """The file. ``shades``: areas of boxes that are coloured by a figure. ``paper``: no wider than a column of a page,
    without colours but these.
    """
    width, height = _px(placed.width), _px(placed.height)
    size = f'width="{width}" height="{height}"'
    if paper:
        scale = min(COLUMN / placed.width, POINT)
        size = f'width="{placed.width * scale:.2f}mm" height="{placed.height * scale:.2f}mm"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escaped(title)}">',
        MARK,
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        '<defs><marker id="t" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 .8 7.5 4 0 7.2z" fill="{LINE}"/></marker></defs>',
    ]
    lines += [_rectangle(one, shades or {}, paper) for one in placed.rectangles]
    lines.append(f'<g fill="none" stroke="{LINE}" stroke-width="1.2">')
    lines += [_wire(one) for one in placed.wires]
    lines += ["</g>", f'<g font-family="{escaped(FONT)}" font-size="10" fill="{INK}">']
    lines += [_text(one) for one in placed.texts]
    return "\n".join([*lines, "</g>", "</svg>", ""])


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
    look = ' font-weight="700"' if one.style == "title" else f' fill="{FAINT}"' if one.style == "shape" else ""
    look += f' font-size="{one.size:g}"' if one.size != 10 else ""
    return f'<text x="{_px(one.x)}" y="{_px(one.y)}"{look}>{escaped(one.text)}</text>'


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
