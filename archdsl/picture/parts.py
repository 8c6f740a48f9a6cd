"""The parts of a picture: boxes, and frames with parts in them, all of them before anything is folded."""

from __future__ import annotations

from archdsl.graph import Node, Value


class Part:
    """A box or a frame. Its ends are values of the level that it stands in; ``inner_ins`` and ``inner_outs`` are the
    same ends as the parts inside of a frame know them.
    """

    __slots__ = (
        "call",
        "count",
        "form",
        "inner_ins",
        "inner_outs",
        "ins",
        "key",
        "kind",
        "lines",
        "loops",
        "nodes",
        "others",
        "outs",
        "parts",
        "role",
        "size",
        "title",
    )  # fmt: skip

    def __init__(self, key: str, kind: str, title: str = "", role: str = "") -> None:
        self.key = key
        """Its path."""
        self.kind = kind
        """``box``, ``frame``, ``input`` or ``output``."""
        self.title = title
        """Of a frame: its name, the last of the path."""
        self.call = ""
        """Of a frame: the block that made it, with its arguments."""
        self.lines: list[str] = []
        """What a box says, or a folded frame that no block has made below its title."""
        self.role = role
        self.ins: list[Value] = []
        self.outs: list[Value] = []
        self.inner_ins: list[Value] = []
        self.inner_outs: list[Value] = []
        self.parts: list[Part] = []
        self.count = 1
        """How often it stands one behind the other."""
        self.others: list[Part] = []
        """The parts behind it that are not drawn, if it stands several times."""
        self.loops = ""
        """Of a frame whose results enter it again: how it runs."""
        self.form = 0
        """A number that parts of the same form share, sizes of tensors aside."""
        self.size = 1
        """Boxes inside when everything is unfolded."""
        self.nodes: list[Node] = []
        """The operators of a box."""

    @property
    def framed(self) -> bool:
        """Whether it can be unfolded."""
        return self.kind == "frame"

    def all_nodes(self) -> list[Node]:
        """The operators inside, those of all members of a repeat."""
        found: list[Node] = []
        stack = [self]
        while stack:
            part = stack.pop()
            found += part.nodes
            stack += reversed([*part.parts, *part.others])
        return found
