"""A placed picture as SVG: no styles from outside, no scripts, and texts that are never markup."""

from __future__ import annotations

from archdsl.picture.compared import LOOKS, Marks
from archdsl.picture.figures import Shades
from archdsl.picture.legend import DASHED, EDGE, INK, LEGEND, LETTERS, Legend, px
from archdsl.picture.marks import Placed, Point, Rectangle, Text, Wire
from archdsl.picture.parts import Part
from archdsl.record import Record
from archdsl.report.html import escaped

MARK = "<!-- archdsl picture -->"
FAINT, LINE = "#59636e", "#57606a"
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
CORNER = 4


def letters(placed: Placed, legend: Legend | None = None) -> float:
    """Points: how high the letters of the smaller texts are on paper."""
    return 10 * _scale(*_size(placed, legend)) * 72 / 25.4


def _size(placed: Placed, legend: Legend | None) -> Point:
    if legend is None:
        return placed.width, placed.height
    return max(placed.width, legend.width), placed.height + LEGEND


def _scale(wide: float, high: float) -> float:
    """Millimetres of a pixel on paper."""
    return min(COLUMN / wide, PAGE / high, POINT)


def svg(
    placed: Placed,
    title: str,
    shades: Shades | None = None,
    marks: Marks | None = None,
    legend: Legend | None = None,
    *,
    paper: bool = False,
) -> str:
    """The file. ``shades``: areas of boxes that are coloured by a figure; ``marks``: what became of the parts, which
    colours them; ``legend``: what these colours say. ``paper``: no larger than a column of a page, without colours but
    these.
    """
    wide, high = _size(placed, legend)
    size = f'width="{px(wide)}" height="{px(high)}"'
    if paper:
        scale = _scale(wide, high)
        size = f'width="{wide * scale:.2f}mm" height="{high * scale:.2f}mm"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {px(wide)} {px(high)}" role="img" '
        f'aria-label="{escaped(title)}">',
        MARK,
        f'<rect width="{px(wide)}" height="{px(high)}" fill="#fff"/>',
        f"<defs>{_tip('t', LINE)}{_tip('g', LOOKS['gone'].edge) if marks else ''}</defs>",
    ]
    if legend is not None:
        lines += legend.lines(wide)
        lines.append(f'<g transform="translate({px((wide - placed.width) / 2)} {LEGEND})">')
    look = _Look(shades, marks, paper)
    lines += [_rectangle(one, look) for one in placed.rectangles]
    lines.append(f'<g fill="none" stroke="{LINE}" stroke-width="1.2">')
    lines += [_wire(one, marks) for one in placed.wires]
    centred = [one for one in placed.texts if one.style in ("title", "note")]
    lines += ["</g>", f'<g {LETTERS} text-anchor="middle">', *map(_text, centred), "</g>", f"<g {LETTERS}>"]
    lines += [_text(one) for one in placed.texts if one.style not in ("title", "note")]
    return "\n".join([*lines, "</g>", *(["</g>"] if legend is not None else []), "</svg>", ""])


def _tip(name: str, colour: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 .8 7.5 4 0 7.2z" fill="{colour}"/></marker>'
    )


class _Look(Record):
    """What colours of boxes say; without shades and marks, what their roles are."""

    shades: Shades | None
    marks: Marks | None
    paper: bool

    def of(self, part: Part) -> tuple[str, str, str]:
        """The area and the edge of a box, and attributes of the edge."""
        if self.marks is not None and part.kind in ("box", "frame"):
            look = self.marks.look(part)
            return look.fill, look.edge, DASHED if look.dashed else ""
        role = "frame" if part.framed else "end" if part.kind != "box" else part.role
        fill, edge = ("#fff", INK) if self.paper else FILLS[role]
        return self.shades.areas.get(part, fill) if self.shades is not None else fill, edge, ""


def _rectangle(one: Rectangle, look: _Look) -> str:
    place = _place(one, 0)
    hint = f"<title>{escaped(one.part.key)}</title>"
    fill, edge, dash = look.of(one.part)
    if one.open:
        dash = ' stroke-dasharray="5 3"' if one.part.loops else dash
        edge = edge if look.marks is not None else EDGE
        return f'<rect {place} rx="6" fill="{"none" if look.paper else FRAME}" stroke="{edge}"{dash}>{hint}</rect>'
    corner = px(one.height / 2) if one.part.kind in ("input", "output") else "3"
    found = f'<rect {place} rx="{corner}" fill="{fill}" stroke="{edge}"{dash}>{hint}</rect>'
    if one.part.framed:  # a second edge: there is something inside
        found += f'<rect {_place(one, 2.5)} rx="2" fill="none" stroke="{edge}" stroke-width=".5"/>'
    return found


def _place(one: Rectangle, inside: float) -> str:
    width, height = px(one.width - 2 * inside), px(one.height - 2 * inside)
    return f'x="{px(one.x + inside)}" y="{px(one.y + inside)}" width="{width}" height="{height}"'


def _text(one: Text) -> str:
    look = (
        ' font-weight="700"' if one.style in ("title", "frame") else f' fill="{FAINT}"' if one.style == "shape" else ""
    )
    look += f' font-size="{one.size:g}"' if one.size != 10 else ""
    x = one.x + one.width / 2 if one.style in ("title", "note") else one.x
    return f'<text x="{px(x)}" y="{px(one.y)}"{look}>{escaped(one.text)}</text>'


def _wire(one: Wire, marks: Marks | None) -> str:
    gone = marks is not None and one.value in marks.lost
    look = f' marker-end="url(#{"g" if gone else "t"})"' if one.arrow else ""
    look += DASHED if one.back or gone else ""
    look += f' stroke="{LOOKS["gone"].edge}"' if gone else ""
    return f'<path d="{_path(one.points)}"{look}/>'


def _path(points: tuple[Point, ...]) -> str:
    """Straight stretches with rounded corners."""
    found = [f"M{px(points[0][0])} {px(points[0][1])}"]
    for before, at, after in zip(points, points[1:], points[2:]):
        first, then = _toward(at, before), _toward(at, after)
        found.append(f"L{px(first[0])} {px(first[1])}Q{px(at[0])} {px(at[1])} {px(then[0])} {px(then[1])}")
    found.append(f"L{px(points[-1][0])} {px(points[-1][1])}")
    return "".join(found)


def _toward(start: Point, end: Point) -> Point:
    """A point by the radius of a corner nearer to the end, at most half of the way."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    far = abs(dx) + abs(dy)
    part = min(CORNER, far / 2) / far if far else 0
    return start[0] + dx * part, start[1] + dy * part
