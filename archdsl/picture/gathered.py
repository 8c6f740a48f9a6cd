"""Frames for what no block holds: a level with more boxes than a picture can show is cut into frames that follow one
another, where the fewest values go from one to the next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

from archdsl.graph import Value
from archdsl.picture.parts import Part
from archdsl.source import shortened

GROUPS = 30
"""Frames that a level is cut into: even if each feeds all behind it, there are 435 edges, which GitHub still draws."""
KINDS = 3
"""Kinds of operators that a frame counts."""
NAME = 30
"""Characters of the path of its first and of its last part."""


def gather(root: Part, most: int) -> None:
    """Put the parts of the root into frames if they are more than ``most``, and those of each level with more than
    ``most`` boxes that no block holds. Linear in the parts, for each level of frames.
    """
    stack = [root]
    while stack:
        frame = stack.pop()
        inside = [part for part in frame.parts if part.kind in ("box", "frame")]
        if len(inside if frame is root else [part for part in inside if not part.framed]) > most:
            first = [part for part in frame.parts if part.kind == "input"]
            last = [part for part in frame.parts if part.kind == "output"]
            frame.parts = [*first, *_cut(ordered(inside), frame.inner_outs, last), *last]
        stack += [one for one in [*frame.parts, *frame.others] if one.framed]


def ordered(parts: Sequence[Part]) -> list[Part]:
    """The parts, each behind what it uses, and what uses nothing right before its first use."""
    maker = {value: part for part in parts for value in part.outs}
    found: dict[Part, None] = {}
    entered: set[Part] = set()
    for start in [*(part for part in parts if part.ins), *parts]:
        stack = [start]
        while stack:
            part = stack[-1]
            if part in entered:
                found[stack.pop()] = None
                continue
            entered.add(part)
            before = [maker[value] for value in part.ins if value in maker]
            stack += [one for one in reversed(before) if one not in entered]
    return list(found)


def _cut(parts: Sequence[Part], leaving: Sequence[Value], outputs: Sequence[Part]) -> list[Part]:
    """The parts in frames. A cut is at most half a frame away from where all frames would have the same size."""
    count = len(parts)
    last: dict[Value, int] = {value: number for number, part in enumerate(parts) for value in part.ins}
    last.update(dict.fromkeys([*leaving, *(value for part in outputs for value in part.ins)], count))
    crossing, ending, live = [0] * (count + 1), Counter[int](), 0
    for number, part in enumerate(parts):
        # `crossing[n]`: how many values that were made before part n are used by it or later
        live -= ending[number - 1]
        crossing[number] = live
        for value in part.outs:
            if last.get(value, -1) > number:
                live += 1
                ending[last[value]] += 1
    cuts = [0]
    for group in range(1, GROUPS):
        ideal, half = group * count // GROUPS, count // (2 * GROUPS)
        places = range(max(ideal - half, cuts[-1] + 1), ideal + half + 1)
        cuts.append(min(places, key=lambda place: (crossing[place], abs(place - ideal))))
    return [_frame(parts[start:end], end, last) for start, end in pairwise([*cuts, count])]


def _frame(parts: Sequence[Part], end: int, last: dict[Value, int]) -> Part:
    if len(parts) == 1:
        return parts[0]
    title = f"{shortened(parts[0].key, NAME)} … {shortened(parts[-1].key, NAME)}"
    part = framed(parts, title, lambda value: last.get(value, -1) >= end)
    part.lines = [_counted(part)]
    return part


def framed(parts: Sequence[Part], title: str, leaves: Callable[[Value], bool]) -> Part:
    """A frame around parts of a level; ``leaves``: whether a value is used outside."""
    part = Part(f"{parts[0].key} … {parts[-1].key}", "frame", title)
    part.parts, part.size = list(parts), sum(one.size for one in parts)
    made = dict.fromkeys(value for one in parts for value in one.outs)
    part.ins = list(dict.fromkeys(value for one in parts for value in one.ins if value not in made))
    part.outs = [value for value in made if leaves(value)]
    part.inner_ins, part.inner_outs = part.ins, part.outs
    return part


def _counted(part: Part) -> str:
    """``12 operators: 4 conv, 4 relu, …``; parameters and constants are not counted beside what uses them."""
    every = part.all_nodes()
    nodes = [node for node in every if node.op.role != "source"] or every
    kinds = Counter(node.op.name.replace("_", " ") for node in nodes).most_common()
    told = [f"{count} {name}" for name, count in kinds[:KINDS]] + (["…"] if len(kinds) > KINDS else [])
    return f"{len(nodes)} operators: {', '.join(told)}"
