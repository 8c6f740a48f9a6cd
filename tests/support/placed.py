"""What is wrong with a placed picture: texts and boxes on one another, lines through boxes. Plain arithmetic."""

from __future__ import annotations

from archdsl.picture.marks import Placed, Rectangle, Text, Wire

Span = tuple[float, float, float, float]
"""Left, top, right, bottom."""
NEAR = 0.05


def faults(placed: Placed) -> list[str]:
    """One line for each."""
    frames = [one for one in placed.rectangles if one.open]
    boxes = [one for one in placed.rectangles if not one.open]
    found = _meeting(
        [(span(one), one.part.key) for one in boxes], [(span(one), one.part.key) for one in boxes], "boxes"
    )
    texts = [(text_span(one), one.text) for one in placed.texts]
    found += _meeting(texts, texts, "texts")
    free = [(s, t) for (s, t) in texts if not any(_inside(s, span(b)) for b in _near(boxes, s))]
    found += _meeting(free, [(span(one), one.part.key) for one in boxes], "a text and a box")
    wires = [(line, "line") for wire in placed.wires for line in lines(wire)]
    found += _meeting(wires, [(span(one), one.part.key) for one in boxes], "a line and a box")
    found += _meeting(wires, texts, "a line and a text")
    found += [f"frame crossed: {a.part.key}, {b.part.key}" for a, b in _crossed(frames, placed.rectangles)]
    for (left, top, right, bottom), what in [*texts, *wires, *((span(one), one.part.key) for one in placed.rectangles)]:
        if left < 0 or top < 0 or right > placed.width or bottom > placed.height:
            found.append(f"outside: {what}")
    return found


def span(one: Rectangle) -> Span:
    return one.x, one.y, one.x + one.width, one.y + one.height


def text_span(one: Text) -> Span:
    return one.x, one.y - 0.75 * one.size, one.x + one.width, one.y + 0.2 * one.size


def lines(wire: Wire) -> list[Span]:
    pairs = zip(wire.points, wire.points[1:])
    return [(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1])) for a, b in pairs]


def _near(boxes: list[Rectangle], text: Span) -> list[Rectangle]:
    return [one for one in boxes if one.y <= text[1] <= one.y + one.height]


def _inside(one: Span, other: Span) -> bool:
    return one[0] >= other[0] and one[1] >= other[1] and one[2] <= other[2] and one[3] <= other[3]


def _meeting(ones: list[tuple[Span, str]], others: list[tuple[Span, str]], what: str) -> list[str]:
    """Pairs whose insides meet; a sweep from top to bottom."""
    same = ones is others or (what in ("boxes",))
    events = sorted([(s[1], 0, n) for n, (s, _) in enumerate(ones)] + [(s[1], 1, n) for n, (s, _) in enumerate(others)])
    alive: tuple[list[int], list[int]] = ([], [])
    lists = (ones, others)
    found = []
    for y, kind, number in events:
        mine, name = lists[kind][number]
        other = 1 - kind
        alive[other][:] = [n for n in alive[other] if lists[other][n][0][3] > y + NEAR]
        for n in alive[other]:
            theirs, their = lists[other][n]
            if same and n == number:
                continue
            if (
                mine[0] < theirs[2] - NEAR
                and theirs[0] < mine[2] - NEAR
                and mine[1] < theirs[3] - NEAR
                and theirs[1] < mine[3] - NEAR
            ) or (
                ((mine[0] == mine[2] or mine[1] == mine[3]) and _cuts(mine, theirs))
                or ((theirs[0] == theirs[2] or theirs[1] == theirs[3]) and _cuts(theirs, mine))
            ):
                found.append(f"{what}: {name} {mine}, {their} {theirs}")
        alive[kind].append(number)
    return found


def _cuts(line: Span, box: Span) -> bool:
    """Whether a level or upright line goes through the inside of a box."""
    return line[0] < box[2] - NEAR and line[2] > box[0] + NEAR and line[1] < box[3] - NEAR and line[3] > box[1] + NEAR


def _crossed(frames: list[Rectangle], others: list[Rectangle]) -> list[tuple[Rectangle, Rectangle]]:
    """Frames whose edge goes through another rectangle."""
    found = []
    ordered = sorted(others, key=lambda one: one.y)
    for frame in frames:
        a = span(frame)
        for one in ordered:
            b = span(one)
            if b[1] >= a[3]:
                break
            if b[3] <= a[1] or one is frame or b[2] <= a[0] or b[0] >= a[2]:
                continue
            if not (_inside(a, b) or _inside(b, a)):
                found.append((frame, one))
    return found
