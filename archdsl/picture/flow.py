"""A plan as text that other tools draw: Mermaid, with frames as subgraphs, and Graphviz's DOT, with frames as clusters.

GitHub draws Mermaid of at most 50,000 characters and 500 edges; a plan for it has as many levels open as stay inside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archdsl.graph import Graph, Value
from archdsl.picture.compared import LOOKS, Look, Marks
from archdsl.picture.legend import INK
from archdsl.picture.parts import Part
from archdsl.picture.plan import Plan
from archdsl.picture.series import Branches, Line, Reduced, Series, Way
from archdsl.process import collector_paused
from archdsl.record import Record
from archdsl.report.terminal import visible

MOST_EDGES, MOST_CHARACTERS = 500, 50_000
"""What GitHub draws."""
PLAIN = " .,_-+[]():/*%=×·…→"
"""Signs that stand for themselves in a label."""


class Edge(Record):
    """A value on its way between two boxes; ``note``: its shape, where the first box does not say it."""

    start: Part
    end: Part
    note: str
    shortcut: bool


@collector_paused()
def as_mermaid(
    graph: Graph,
    depth: int | None = None,
    fold: Sequence[str] = (),
    select: str = "",
    marks: Marks | None = None,
    most: int | None = None,
) -> str:
    """A Mermaid flowchart; shortcuts are dashed. The arguments are those of a :class:`~archdsl.picture.plan.Plan`."""
    plan = Plan(graph, depth, fold, select, None, marks, most)
    text, edges = _mermaid(plan)
    while depth is None and plan.depth and (len(text) > MOST_CHARACTERS or edges > MOST_EDGES):
        plan.depth -= 1
        plan.unfold()
        text, edges = _mermaid(plan)
    if len(text) > MOST_CHARACTERS or edges > MOST_EDGES:
        size = f"{edges:,} edges and {len(text):,} characters"
        limit = f"GitHub draws {MOST_EDGES} and {MOST_CHARACTERS:,} at most"
        note = f"  %% {size}: {limit}; open fewer levels or `--select` a part"
        text = text.replace("\n", f"\n{note}\n", 1)
    return text


def _mermaid(plan: Plan) -> tuple[str, int]:
    lines = ["flowchart TD"]
    if (told := plan.told()) != "":
        lines.append(f"  %% {told}")
    ids: dict[Part, str] = {}
    brackets = {"input": ("([", "])"), "output": ("([", "])"), "box": ("[", "]"), "frame": ("[[", "]]")}
    for part, indent, begins in _named(plan, ids):
        if not begins:
            lines.append(f"{indent}end")
            continue
        shown = plan.shown(part)
        if shown.open:
            lines.append(f'{indent}subgraph {ids[part]}["{_label(shown.title)}"]')
        else:
            left, right = brackets[part.kind]
            label = "<br/>".join(_label(line) for line in shown.lines)
            lines.append(f'{indent}{ids[part]}{left}"{label}"{right}{_class(plan, part)}')
    found = edges(plan)
    for edge in found:
        arrow = "-.->" if edge.shortcut else "-->"
        label = f'|"{_label(edge.note)}"|' if edge.note else ""
        lines.append(f"  {ids[edge.start]} {arrow}{label} {ids[edge.end]}")
    if plan.marks is not None:
        lines += [f"  classDef {kind} {_style(look)}" for kind, look in LOOKS.items() if kind]
    return "\n".join(lines) + "\n", len(found)


def _class(plan: Plan, part: Part) -> str:
    kind = look_of(plan, part)[0]
    return f":::{kind}" if kind else ""


def _style(look: Look) -> str:
    dashes = ",stroke-dasharray:4 3" if look.dashed else ""
    return f"fill:{look.fill},stroke:{look.edge},color:{INK}{dashes}"


@collector_paused()
def as_dot(
    graph: Graph,
    depth: int | None = None,
    fold: Sequence[str] = (),
    select: str = "",
    marks: Marks | None = None,
) -> str:
    """A Graphviz digraph; shortcuts are dashed."""
    plan = Plan(graph, depth, fold, select, None, marks)
    lines = [f"digraph {_quoted(graph.name)} {{", "  node [fontname=Helvetica fontsize=10];", "  edge [fontsize=9];"]
    if (told := plan.told()) != "":
        lines.insert(1, f"  // {told}")
    ids: dict[Part, str] = {}
    shapes = {"input": "oval", "output": "oval", "box": "box", "frame": "box3d"}
    for part, indent, begins in _named(plan, ids):
        if not begins:
            lines.append(f"{indent}}}")
            continue
        shown = plan.shown(part)
        if shown.open:
            lines.append(f"{indent}subgraph cluster_{ids[part]} {{ label={_quoted(shown.title)};")
        else:
            look = _attributes(*look_of(plan, part))
            lines.append(f"{indent}{ids[part]} [shape={shapes[part.kind]} label={_quoted(*shown.lines)}{look}];")
    for edge in edges(plan):
        style = " style=dashed" if edge.shortcut else ""
        lines.append(f"  {ids[edge.start]} -> {ids[edge.end]} [label={_quoted(edge.note)}{style}];")
    return "\n".join(lines) + "\n}\n"


def look_of(plan: Plan, part: Part) -> tuple[str, Look]:
    """The kind of change of a part, and how it looks."""
    kind = plan.marks.kind(part) if plan.marks is not None and part.kind in ("box", "frame") else ""
    return kind, LOOKS[kind]


def _attributes(kind: str, look: Look) -> str:
    style = '"filled,dashed"' if look.dashed else "filled"
    return f' style={style} fillcolor="{look.fill}" color="{look.edge}"' if kind else ""


def _named(plan: Plan, ids: dict[Part, str]) -> Iterator[tuple[Part, str, bool]]:
    """:func:`walk` with indents in place of levels; a part is in ``ids`` as soon as it begins."""
    for part, level, begins in walk(plan):
        if begins:
            ids[part] = f"n{len(ids)}"
        yield part, "  " * (level + 1), begins


def walk(plan: Plan) -> Iterator[tuple[Part, int, bool]]:
    """The visible parts with their levels; an open one comes a second time, with ``False``, behind what is in it."""
    stack = [(part, 0, True) for part in reversed(plan.root.parts)]
    while stack:
        part, level, begins = stack.pop()
        yield part, level, begins
        if begins and part in plan.open:
            stack.append((part, level, False))
            stack += [(one, level + 1, True) for one in reversed(part.parts)]


def edges(plan: Plan) -> list[Edge]:
    """The edges between visible boxes, through the edges of open frames."""
    alias: dict[Value, Value] = {}
    maker: dict[Value, Part] = {}
    closed = []
    for part, _, begins in walk(plan):
        if part in plan.open:
            if begins:
                pairs = [*zip(part.inner_ins, part.ins), *zip(part.outs, part.inner_outs)]
                alias.update((inner, outer) for inner, outer in pairs if inner is not outer)
        else:
            closed.append(part)
            maker.update(dict.fromkeys(part.outs, part))
    straight = shortcuts(plan)
    found: dict[tuple[Part, Part], Edge] = {}
    for part in closed:
        for value in part.ins:
            start = value
            while start in alias:
                start = alias[start]
            if start in maker and (maker[start], part) not in found:
                shortcut = (value, part) in straight
                found[maker[start], part] = Edge(maker[start], part, plan.shown(maker[start]).note, shortcut)
    return list(found.values())


def shortcuts(plan: Plan) -> set[tuple[Value, Part]]:
    """The values that go straight to where branches meet, with the part that is there."""
    found: set[tuple[Value, Part]] = set()
    for part in [plan.root, *plan.open]:
        reduced = Reduced(part.parts, part.inner_ins, part.inner_outs)
        stack: list[tuple[Way, Part | None]] = [
            (way, reduced.parts[end] if end >= 0 else None)
            for ends in reduced.after.values()
            for end, way in ends.items()
        ]
        while stack:
            way, end = stack.pop()
            if isinstance(way, Series):
                stack += zip(way.ways, [*way.parts, end])
            elif isinstance(way, Branches):
                lines = [value for one in way.ways if isinstance(one, Line) for value in one.values]
                found.update((value, end) for value in lines if end is not None)
                stack += [(one, end) for one in way.ways if not isinstance(one, Line)]
    return found


def _label(text: str) -> str:
    """A text in a label: nothing in it is markup, neither of Mermaid nor of Markdown or HTML."""
    text = visible(text.replace("\n", " "))
    return "".join(char if char.isalnum() or char in PLAIN else f"#{ord(char)};" for char in text)


def _quoted(*lines: str) -> str:
    escaped = (line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'
