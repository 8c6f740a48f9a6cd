"""What a placed picture consists of: rectangles, texts and lines, and blocks of these that are moved as a whole."""

from __future__ import annotations

from archdsl.graph import Value
from archdsl.picture.parts import Part
from archdsl.record import Record

Port = tuple[Value, float]
"""A value, and where its line meets an edge."""
Point = tuple[float, float]


class Rectangle(Record):
    """A box or frame on its place; y goes down."""

    part: Part
    x: float
    y: float
    width: float
    height: float
    open: bool
    """Whether what is inside is drawn."""


class Text(Record):
    """A line of text whose letters stand at ``y``; ``x`` is its left end."""

    x: float
    y: float
    text: str
    size: float
    width: float
    style: str = ""
    """``title`` and ``note`` (in the middle of a box), ``frame`` (the name of a frame) or ``shape``."""


class Wire(Record):
    """A line through points, level and upright by turns."""

    points: tuple[Point, ...]
    arrow: bool = False
    """Whether it ends in a tip."""
    back: bool = False
    """Whether it goes back to an earlier step."""
    value: Value | None = None
    """What goes this way."""


class Block:
    """A piece of the picture around a spine at ``x = 0``, from ``y = 0`` to ``height``."""

    __slots__ = ("box", "children", "height", "ins", "left", "marks", "outs", "right", "tips")

    def __init__(self, left: float = 0, right: float = 0, height: float = 0) -> None:
        self.left, self.right, self.height = left, right, height
        self.ins: list[Port] = []
        self.outs: list[Port] = []
        self.box = False
        """Whether lines may meet its upper edge anywhere."""
        self.tips: list[bool] = []
        """For each port above, whether a line that ends there ends in a tip; without any, all do."""
        self.marks: list[Rectangle | Text | Wire] = []
        self.children: list[tuple[float, float, Block]] = []

    def add(self, x: float, y: float, other: Block) -> None:
        """Put another block inside."""
        self.children.append((x, y, other))
        self.left = max(self.left, other.left - x)
        self.right = max(self.right, other.right + x)

    def cover(self, xs: list[float]) -> None:
        """Be wide enough for lines at some places."""
        if xs:
            self.left = max(self.left, -min(xs))
            self.right = max(self.right, max(xs))


class Placed:
    """The picture: its size, and all marks in the order in which they are drawn."""

    def __init__(self, block: Block, margin: float) -> None:
        self.width = block.left + block.right + 2 * margin
        self.height = block.height + 2 * margin
        self.rectangles: list[Rectangle] = []
        self.texts: list[Text] = []
        self.wires: list[Wire] = []
        stack: list[tuple[float, float, Block]] = [(block.left + margin, margin, block)]
        while stack:
            x, y, one = stack.pop()
            for mark in one.marks:
                self._take(mark, x, y)
            stack += [(x + dx, y + dy, child) for dx, dy, child in reversed(one.children)]

    def _take(self, mark: Rectangle | Text | Wire, x: float, y: float) -> None:
        if isinstance(mark, Rectangle):
            self.rectangles.append(mark.replace(x=mark.x + x, y=mark.y + y))
        elif isinstance(mark, Text):
            self.texts.append(mark.replace(x=mark.x + x, y=mark.y + y))
        else:
            self.wires.append(mark.replace(points=tuple((px + x, py + y) for px, py in mark.points)))
