"""Sizes and places: boxes by their texts, series downwards, branches side by side, frames around what is in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archdsl.graph import Value
from archdsl.picture.channel import SLOT, channel, entries, met, slots
from archdsl.picture.grid import grid
from archdsl.picture.marks import Block, Placed, Port, Rectangle, Text, Wire
from archdsl.picture.parts import Part
from archdsl.picture.plan import Plan, Shown
from archdsl.picture.series import Branches, Line, Reduced, Series, Way, length
from archdsl.picture.text import fitted, width

SIZE, SMALL = 12, 10
"""Heights of the letters of a box's first line, and of all other texts."""
LEADING = 14
NOTED = 8
"""Below a box with a shape beside its line: that ends above the first level stretch of what is below."""
PAD = 8
"""Between a text and the edge of its box."""
APART = 16
"""Between two branches."""
TITLE = 20
"""The height of the strip in which the title of a frame stands."""
INNER = 12
"""Between the edge of a frame and what is inside."""
BACK = 14
"""The room for what goes back at the left of a frame that runs several times."""
MARGIN = 14
LONGEST = 260


def place(plan: Plan) -> Placed:
    """The picture of a plan."""
    return Placed(_content(plan, plan.root), MARGIN)


def _block(plan: Plan, part: Part) -> Block:
    shown = plan.shown(part)
    inner = _frame(plan, part, shown) if shown.open else box(part, shown)
    return _noted(inner, shown) if shown.note and part.outs else inner


def box(part: Part, shown: Shown) -> Block:
    """A box, or a frame that is folded."""
    texts = [fitted(line, LONGEST, SMALL if number else SIZE, number == 0) for number, line in enumerate(shown.lines)]
    widths = [width(text, SMALL if number else SIZE, number == 0) for number, text in enumerate(texts)]
    ends = max(len(part.ins), len(part.outs))
    half = max(max(widths, default=0) / 2 + PAD, min(ends, 12) * SLOT / 2 + 6, 30)
    block = Block(half, half, LEADING * len(texts) + 10)
    block.box = True
    block.marks.append(Rectangle(part, -half, 0, 2 * half, block.height, False))
    for number, (text, wide) in enumerate(zip(texts, widths)):
        size = SMALL if number else SIZE
        style = "note" if number else "title"
        block.marks.append(Text(-wide / 2, 5 + LEADING * number + 11, text, size, wide, style))
    block.ins = _spread(part.ins, half)
    block.outs = _spread(part.outs, half)
    return block


def _spread(values: Sequence[Value], half: float) -> list[Port]:
    return list(zip(values, slots([float(n + 1) for n in range(len(values))], half - 6)))


def _noted(inner: Block, shown: Shown) -> Block:
    """A block with the shape of its result beside the line that leaves it below."""
    text = fitted(shown.note, LONGEST, SMALL)
    wide = width(text, SMALL)
    block = Block(height=inner.height + NOTED)
    block.box, block.ins, block.outs = inner.box, inner.ins, inner.outs
    block.add(0, 0, inner)
    right = max(x for _, x in inner.outs)
    for value, x in inner.outs:
        block.marks.append(Wire(((x, inner.height), (x, block.height)), value=value))
    block.marks.append(Text(right + 5, inner.height + 11, text, SMALL, wide, "shape"))
    block.right = max(block.right, right + 5 + wide + 2)
    return block


def _frame(plan: Plan, part: Part, shown: Shown) -> Block:
    content = _content(plan, part)
    ins, outs = _ports(part.inner_ins, content.ins), _ports(part.inner_outs, content.outs)
    above = channel(ins, entries(content))
    below = channel(content.outs, [(value, x, False) for value, x in outs])
    title = fitted(shown.title, LONGEST, SMALL, True)
    wide = width(title, SMALL, True)
    back = BACK if part.loops else 0
    left = max(content.left, above.left, below.left) + INNER + back
    right = max(content.right, above.right, below.right) + INNER
    first = min((x for _, x in ins), default=None)
    if first is None:
        right = max(right, wide + 2 * PAD - left)
    else:
        left = max(left, wide + 2 * PAD - first)
    block = Block(left, right, TITLE + above.height + content.height + below.height)
    block.marks.append(Rectangle(part, -left, 0, left + right, block.height, True))
    block.marks.append(Text(-left + PAD, 14, title, SMALL, wide, "frame"))
    block.marks += [Wire(((x, 0), (x, TITLE)), value=value) for value, x in ins]
    y: float = TITLE
    for one in (above, content, below):
        block.add(0, y, one)
        y += one.height
    if part.loops:
        x = -left + 9
        block.marks.append(Wire(((x, block.height - 8), (x, TITLE + 4)), arrow=True, back=True))
    block.left, block.right = left, right
    block.ins = list(zip(part.ins, (x for _, x in ins)))
    block.outs = list(zip(part.outs, (x for _, x in outs)))
    return block


def _ports(values: Sequence[Value], inside: Sequence[Port]) -> list[Port]:
    """Where values pass the edge of a frame: in the middle of where they go, but apart from one another."""
    at: dict[Value, list[float]] = {value: [] for value in values}
    for value, x in inside:
        if value in at:
            at[value].append(x)
    wanted = {v: 0.0 if not xs or min(xs) <= 0 <= max(xs) else (min(xs) + max(xs)) / 2 for v, xs in at.items()}
    order = sorted(values, key=wanted.__getitem__)
    found: dict[Value, float] = {}
    last = float("-inf")
    for value in order:
        last = found[value] = max(wanted[value], last + SLOT)
    return [(value, found[value]) for value in values]


def _content(plan: Plan, part: Part) -> Block:
    reduced = Reduced(part.parts, part.inner_ins, part.inner_outs)
    return _drawn(lambda one: _block(plan, one), reduced)


Draw = Callable[[Part], Block]


def _drawn(draw: Draw, reduced: Reduced) -> Block:
    whole = reduced.whole
    if whole is None:
        return grid(reduced, draw, lambda way: _way(draw, way))
    return _way(draw, whole)


def _way(draw: Draw, way: Way) -> Block:
    if isinstance(way, Line):
        return _lanes(way)
    return _branches(draw, way) if isinstance(way, Branches) else _series(draw, way)


def _lanes(line: Line) -> Block:
    block = Block(0, SLOT * max(len(line.values) - 1, 0), 0)
    block.ins = [(value, SLOT * number) for number, value in enumerate(line.values)]
    block.outs, block.tips = list(block.ins), [False] * len(block.ins)
    return block


def _series(draw: Draw, series: Series) -> Block:
    block = Block()
    steps: list[Block] = []
    for number, way in enumerate(series.ways):
        if not isinstance(way, Line):
            steps.append(_way(draw, way))
        if number < len(series.parts):
            steps.append(draw(series.parts[number]))
    for number, step in enumerate(steps):
        if number:
            between = channel(block.outs, met(block.outs, step))
            block.add(0, block.height, between)
            block.height += between.height
        else:
            block.ins, block.tips, block.box = step.ins, step.tips, step.box
        block.add(0, block.height, step)
        block.height += step.height
        block.outs = step.outs
    return block


def _branches(draw: Draw, branches: Branches) -> Block:
    ways = sorted(branches.ways, key=lambda way: isinstance(way, Line))
    bodies = [way for way in ways if not isinstance(way, Line)]
    if len(bodies) == 2 and length(bodies[0]) != length(bodies[1]):
        ways[:2] = sorted(bodies, key=length, reverse=True)
        centred = 1
    else:
        centred = len(bodies)
    blocks = [_way(draw, way) for way in ways]
    wide = sum(one.left + one.right for one in blocks[:centred]) + APART * (centred - 1)
    x = -wide / 2 if centred > 1 else -blocks[0].left
    block = Block(height=max(one.height for one in blocks))
    for one in blocks:
        x += one.left
        block.add(x, 0, one)
        block.ins += [(value, port + x) for value, port in one.ins]
        block.tips += [tip for _, _, tip in entries(one)]
        block.outs += [(value, port + x) for value, port in one.outs]
        if one.height < block.height:
            block.marks += [Wire(((x + p, one.height), (x + p, block.height)), value=v) for v, p in one.outs]
        x += one.right + APART
    return block
