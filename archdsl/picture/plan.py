"""The plan of a picture: which parts are open at a folding, and what they say."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from archdsl.diagnostics import Refusal, did_you_mean
from archdsl.dims import Dim
from archdsl.graph import Graph, Value
from archdsl.picture.compared import MOST, Marks, title_of
from archdsl.picture.figures import Figures
from archdsl.picture.gathered import gather
from archdsl.picture.parts import Part
from archdsl.picture.tree import tree
from archdsl.picture.words import LONGEST, batch_axis, shape_text
from archdsl.record import Record

READABLE = 90
"""Boxes that a picture has at most where nothing is said of its folding."""

IN_BOX = 42
"""Characters of the application of a block that stand in its box."""
IN_TITLE = 30
"""Characters of the application of a block that stand in the title of its frame."""


class Shown(Record):
    """What is shown of a part."""

    open: bool
    title: str
    """Of an open frame."""
    lines: Sequence[str]
    """Of a box, or a frame that is folded."""
    note: str
    """The shape of the result, where it is another one than that of what enters."""


class Plan:
    """A network, the frames that are open, and what parts say.

    ``depth``: how many levels of frames are open (``None``: as many as give at most :data:`READABLE` boxes). ``fold``:
    patterns of paths of frames that are closed in any case. ``select``: the path of a frame that is drawn alone;
    refuses (E0007) one that there is not. ``figures``: by operator, what boxes say and are coloured by, with its unit.
    ``marks``: what became of operators; then those frames are open where something did. ``most``: boxes where no depth
    is given, in place of :data:`READABLE`.
    """

    def __init__(
        self,
        graph: Graph,
        depth: int | None = None,
        fold: Sequence[str] = (),
        select: str = "",
        figures: Figures | None = None,
        marks: Marks | None = None,
        most: int | None = None,
    ) -> None:
        self.graph = graph
        self.figures = figures
        self.marks = marks
        self.root = tree(graph, marks)
        if marks is not None:
            marks.fold_rest(self.root)
        gather(self.root, READABLE)
        if select:
            self.root = alone(self.root, select, batch_axis(graph))
        self.batch = batch_axis(graph)
        self.fold = tuple(fold)
        counts = self.counts = boxes(self.root, self._opens)
        fitting = [
            level for level, count in enumerate(counts) if count <= (most or (READABLE if marks is None else MOST))
        ]
        self.depth = depth if depth is not None else max(fitting, default=0)
        self.unfold()

    def unfold(self) -> None:
        """Open the frames of the root down to the depth, and no others."""
        self.open: set[Part] = set()
        stack = [(part, 0) for part in self.root.parts]
        while stack:
            part, level = stack.pop()
            single = len(part.parts) == 1  # a repeat of one box
            if self._opens(part) and (level < self.depth or single) and not self._folded(part):
                self.open.add(part)
                stack += [(one, level + 1 - single) for one in part.parts]

    def _opens(self, part: Part) -> bool:
        """Whether a part can be opened, and is worth it."""
        return part.framed and (self.marks is None or self.marks.opens(part) or _of_one_box(part))

    def _folded(self, part: Part) -> bool:
        return any(fnmatchcase(part.key, pattern) for pattern in self.fold)

    def shown(self, part: Part) -> Shown:
        """What a part says."""
        note = self._note(part)
        marks = self.marks if part.kind in ("box", "frame") else None
        if not part.framed:
            return Shown(False, "", [*self._figured(part, part.lines), *(marks.lines(part) if marks else ())], note)
        if part in self.open:
            return Shown(True, self.title(part), (), note)
        word = marks.word(part) if marks else ""
        lines = [f"{word}{_times(part)}{title_of(part.title)}", *(part.lines or [_inside(part)])]
        if part.loops:
            lines.append(part.loops)
        return Shown(False, "", [*self._figured(part, lines), *(marks.summary(part) if marks else ())], note)

    def title(self, part: Part) -> str:
        """Of a frame that is open."""
        setting = self.marks.setting(part) if self.marks is not None else ""
        called = f"{title_of(part.title)}: {setting}" if setting else _titled(part)
        return f"{_times(part)}{called}" + (f", {part.loops}" if part.loops else "")

    def _figured(self, part: Part, lines: Sequence[str]) -> Sequence[str]:
        """Lines with the figure of a part that has one: behind the last of several where there is room, else below."""
        if self.figures is None or part.kind in ("input", "output") or not self.figures.of(part):
            return lines
        figure = self.figures.text(part)
        together = f"{lines[-1]}, {figure}"
        return [*lines[:-1], together] if len(lines) > 1 and len(together) <= LONGEST else [*lines, figure]

    def told(self) -> str:
        """What there is to say of the folding; empty if everything is open."""
        levels = len(self.counts) - 1
        if self.depth >= levels:
            return ""
        return f"{self.depth} of {levels} levels of blocks are open: `--depth {levels}` draws all of them"

    def _note(self, part: Part) -> str:
        if part.kind in ("input", "output") or not part.outs:
            return ""
        if part in self.open and part.count == 1:
            return ""  # what is inside says it
        texts = list(dict.fromkeys(self._shape(value) for value in part.outs))
        before = {self._shape(value) for value in part.ins}
        return "" if set(texts) <= before or len(texts) > 2 else ", ".join(texts)

    def _shape(self, value: Value) -> str:
        return shape_text(value.type.shape, self.batch)


def alone(root: Part, path: str, batch: Dim | None) -> Part:
    """A root with one frame, and an end for each value that enters or leaves it."""
    frames: dict[str, Part] = {}
    stack = [root]
    while stack:
        part = stack.pop()
        if part.framed and part.key:
            frames.setdefault(part.key, part)
        stack += reversed([*part.parts, *part.others])
    if path not in frames:
        help = did_you_mean(path, list(frames), "a path is one that `archdsl cost` or a picture of the whole shows")
        raise Refusal("E0007", f"there is no block `{path}` in the picture", help=help)
    part, found = frames[path], Part("", "frame")
    part.count, part.others, part.title = 1, [], path
    for kind, values in (("input", part.ins), ("output", part.outs)):
        for value in values:
            box = Part(value.name, kind)
            box.lines = [value.name, shape_text(value.type.shape, batch)]
            box.outs, box.ins = ([value], []) if kind == "input" else ([], [value])
            found.parts.append(box)
    found.parts.insert(len(part.ins), part)
    return found


def boxes(root: Part, opens: Callable[[Part], bool] = lambda part: part.framed) -> list[int]:
    """How many boxes there are with no frame open, with one level of them, and so on; ``opens``: which ones may be."""
    counts: list[int] = []
    parts, done = list(root.parts), 0
    while True:
        counts.append(done + len(parts))
        frames = [part for part in parts if opens(part)]
        if not frames:
            return counts
        done += len(parts) - len(frames)
        parts = [one for part in frames for one in part.parts]


def _times(part: Part) -> str:
    return f"{part.count} × " if part.count > 1 else ""


def _inside(part: Part) -> str:
    """What a folded block says below its name: the call of the spec, or what is inside where that is too long or says
    no more; the name of the block only where it is another one.
    """
    name, _, arguments = part.call.partition("(")
    same = own_name(part) == name
    if not name or arguments == ")" or len(part.call) > IN_BOX:
        found = summary(part)
        return found.removeprefix(f"{name}, ") if same else found
    return arguments.removesuffix(")") if same else part.call


def own_name(part: Part) -> str:
    """The name of a frame without the number of its use."""
    return re.sub(r"_\d+$", "", part.title.rpartition(".")[2])


def summary(part: Part) -> str:
    """``12 layers``, or what else is inside of a frame that no block has made."""
    nodes = part.all_nodes()
    layers = sum(node.op.role == "layer" for node in nodes)
    count, what = (layers, "layer") if layers else (len(nodes), "operator")
    inside = f"{count} {what}{'' if count == 1 else 's'}"
    name = part.call.partition("(")[0]
    return f"{name}, {inside}" if name else inside


def _titled(part: Part) -> str:
    """The name of a frame with the block that made it, which is said once where both have one name; without arguments
    where there are none or they are long.
    """
    title = title_of(part.title)
    name, _, arguments = part.call.partition("(")
    call = "" if arguments == ")" or len(part.call) > IN_TITLE else f"({arguments}" if name else ""
    return f"{title}{call}" if own_name(part) == name or not name else f"{title}: {name}{call}"


def _of_one_box(part: Part) -> bool:
    return len(part.parts) == 1 and part.parts[0].kind == "box"
