"""What became of the operators of a network since another one, as a picture shows it: kinds, words and colours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from archdsl.compare.touched import Became
from archdsl.graph import Node, Value
from archdsl.picture.gathered import framed, ordered
from archdsl.picture.parts import Part
from archdsl.record import Record

AGAIN = "~"
"""Behind the name of what is gone, where something else has that name now; it is not shown."""
FEWEST = 4
"""So many parts as before that follow one another are one box."""
MOST = 60
"""Boxes of a picture where nothing is said of its folding."""
NO_OPERATORS = ("input", "output")


class Look(Record):
    """A kind of change: the word before the name, what a legend says, and the colours of the area and the edge."""

    word: str
    legend: str
    fill: str
    edge: str
    dashed: bool = False


LOOKS = {
    "added": Look("new: ", "new", "#dafbe1", "#1a7f37"),
    "changed": Look("changed: ", "changed", "#fff1e5", "#bc4c00"),
    "gone": Look("gone: ", "gone", "#ffebe9", "#cf222e", True),
    "resized": Look("", "other sizes", "#fdf8e4", "#8c959f"),
    "": Look("", "as before", "#ffffff", "#8c959f"),
}


class Marks:
    """What became of operators, and of the parts of a picture that are made of them."""

    def __init__(self) -> None:
        self.became: dict[Node, Became] = {}
        self.blocks: dict[Node, tuple[int, str]] = {}
        self.texts: dict[Node, str] = {}
        """What boxes of operators say that are gone."""
        self.leaving: dict[Value, list[Value]] = {}
        """What is gone and made an output, by the output of today."""
        self.lost: set[Value] = set()
        """The results of what is gone."""
        self._counts: dict[Part, Mapping[str, int]] = {}

    def note(self, node: Node, became: Became | None, block: tuple[int, str] | None = None) -> None:
        """Mark a node, if anything became of it."""
        if became is not None:
            self.became[node] = became.replace(text=_arrows(became.text))
        if block is not None:
            self.blocks[node] = block[0], _arrows(block[1])

    def counts(self, part: Part) -> Mapping[str, int]:
        """How many operators of a part are of each kind."""
        if part not in self._counts:
            found = dict.fromkeys(LOOKS, 0)
            for node in part.all_nodes():
                found[self.became[node].kind if node in self.became else ""] += 1
            self._counts[part] = found
        return self._counts[part]

    def kind(self, part: Part) -> str:
        """``added`` and ``gone`` where all of it is, ``changed`` where some of it is another, ``resized`` where only
        sizes differ; else empty.
        """
        counts = self.counts(part)
        total = sum(counts.values())
        whole = next((kind for kind in ("added", "gone") if total and counts[kind] == total), "")
        some = "changed" if counts["added"] or counts["changed"] or counts["gone"] else ""
        return whole or some or ("resized" if counts["resized"] else "")

    def opens(self, part: Part) -> bool:
        """Whether a frame is worth to be opened: something in it is another, and not all of it is new or gone."""
        return self.kind(part) == "changed"

    def look(self, part: Part) -> Look:
        """The colours of a part."""
        return LOOKS[self.kind(part)]

    def looks(self, parts: Iterable[Part]) -> list[Look]:
        """What a legend of these parts tells."""
        there = {self.kind(part) for part in parts if part.kind in ("box", "frame")}
        return [look for kind, look in LOOKS.items() if kind in there]

    def word(self, part: Part) -> str:
        """What stands before the name of a frame, for those who see no colours."""
        return LOOKS[self.kind(part)].word

    def setting(self, part: Part) -> str:
        """How the parameters of the block changed that a frame is; empty where they did not."""
        first = [node for one in part.parts for node in one.all_nodes()]
        found = {self.blocks.get(node) for node in first if self.kind_of(node) != "gone"}
        block = found.pop() if len(found) == 1 else None
        return block[1] if block is not None and block[0] == len(first) else ""

    def kind_of(self, node: Node) -> str:
        """The kind of an operator; empty where it is as before."""
        return self.became[node].kind if node in self.became else ""

    def lines(self, part: Part) -> list[str]:
        """What a box says of its changes."""
        found: list[str] = []
        for node in part.nodes:
            became = self.became.get(node)
            name = _name(node.path)
            if became is not None and became.kind == "changed":
                found.append(f"{name}: {became.text}")
            elif became is not None and became.kind != "resized" and not found:
                found.append(f"{LOOKS[became.kind].word}{name}")
        return found

    def summary(self, part: Part) -> list[str]:
        """What a folded frame says of its changes."""
        if self.kind(part) != "changed":
            return []
        counts = self.counts(part)
        setting = self.setting(part)
        told = [f"{counts[kind]:,} {LOOKS[kind].legend}" for kind in ("changed", "added", "gone") if counts[kind]]
        return [*([setting] if setting else []), f"{', '.join(told)} of {sum(counts.values()):,} operators"]

    def apart(self, before: Part, part: Part) -> bool:
        """Whether a box does not take the one behind it: one of them is new or gone, and the other is not."""
        kinds = {self.kind_of(node) for one in (before, part) for node in one.nodes}
        return len(kinds) > 1 and bool(kinds & {"added", "gone"})

    def fold_rest(self, root: Part) -> None:
        """Put the parts that are as before and follow one another into frames, in each frame that may be opened."""
        stack = [root]
        while stack:
            frame = stack.pop()
            frame.parts = self._with_rest(frame)
            stack += [part for part in frame.parts if part.framed and self.opens(part)]

    def _with_rest(self, frame: Part) -> list[Part]:
        first = [part for part in frame.parts if part.kind == "input"]
        last = [part for part in frame.parts if part.kind == "output"]
        runs: list[list[Part]] = []
        for part in ordered([part for part in frame.parts if part.kind not in NO_OPERATORS]):
            same = self.kind(part) in ("", "resized")
            if runs and same and self.kind(runs[-1][-1]) in ("", "resized"):
                runs[-1].append(part)
            else:
                runs.append([part])
        used = _last_uses(runs, [*frame.inner_outs, *(value for part in last for value in part.ins)])
        parts = [
            one
            for number, run in enumerate(runs)
            for one in ([self._rest(run, frame, number, used)] if len(run) >= FEWEST else run)
        ]
        return [*first, *parts, *last]

    def _rest(self, run: Sequence[Part], frame: Part, number: int, used: Mapping[Value, int]) -> Part:
        part = framed(
            run, f"{_head(run[0], frame)} … {_head(run[-1], frame)}", lambda value: used.get(value, -1) > number
        )
        counts = self.counts(part)
        how = "with other sizes" if counts["resized"] else "as before"
        part.lines = [f"{sum(counts.values()):,} operators {how}"]
        return part


def _head(part: Part, frame: Part) -> str:
    """The path of a part from the frame that it is in."""
    return title_of(part.key.removeprefix(f"{frame.key}."))


def _last_uses(runs: Sequence[Sequence[Part]], leaving: Sequence[Value]) -> dict[Value, int]:
    """The last run that uses each value."""
    last = {value: number for number, run in enumerate(runs) for part in run for value in part.ins}
    return last | dict.fromkeys(leaving, len(runs))


def _name(path: str) -> str:
    """The last name of a path; a number has the name before it as well."""
    scopes, _, last = path.rpartition(".")
    name = title_of(last)
    return f"{scopes.rpartition('.')[2]}.{name}" if name.isdecimal() and scopes else name


def _arrows(text: str) -> str:
    return text.replace(" -> ", " → ")


def title_of(name: str) -> str:
    """The name without the mark of what is gone."""
    return name.removesuffix(AGAIN)
