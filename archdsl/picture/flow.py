"""A plan as text that other tools draw: Mermaid, with frames as subgraphs, and Graphviz's DOT, with frames as clusters.

GitHub draws Mermaid of at most 50,000 characters and 500 edges; a plan for it has as many levels open as stay inside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archdsl.graph import Graph, Value
from archdsl.picture.parts import Part
from archdsl.picture.plan import Plan
from archdsl.picture.series import Branches, Line, Reduced, Series, Way
from archdsl.process import collector_paused
from archdsl.record import Record

MOST_EDGES, MOST_CHARACTERS = 500, 50_000
"""What GitHub draws."""


class Edge(Record):
    """A value on its way between two boxes; ``note``: its shape, where the first box does not say it."""

    start: Part
    end: Part
    note: str
    shortcut: bool


@collector_paused()
def as_mermaid(graph: Graph, depth: int | None = None, fold: Sequence[str] = (), select: str = "") -> str:
    """A Mermaid flowchart; shortcuts are dashed."""
    plan = Plan(graph, depth, fold, select)
    text, edges = _mermaid(plan)
    while depth is None and plan.depth and (len(text) > MOST_CHARACTERS or edges > MOST_EDGES):
        plan = Plan(graph, plan.depth - 1, fold, select)
        text, edges = _mermaid(plan)
    if len(text) > MOST_CHARACTERS or edges > MOST_EDGES:
        size = f"{edges:,} edges and {len(text):,} characters"
        most = f"GitHub draws {MOST_EDGES} and {MOST_CHARACTERS:,} at most"
        note = f"  %% {size}: {most}; open fewer levels or `--select` a part"
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
            lines.append(f'{indent}subgraph {ids[part]}["{_html(shown.title)}"]')
        else:
            left, right = brackets[part.kind]
            label = "<br/>".join(_html(line) for line in shown.lines)
            lines.append(f'{indent}{ids[part]}{left}"{label}"{right}')
    found = edges(plan)
    for edge in found:
        arrow = "-.->" if edge.shortcut else "-->"
        label = f'|"{_html(edge.note)}"|' if edge.note else ""
        lines.append(f"  {ids[edge.start]} {arrow}{label} {ids[edge.end]}")
    return "\n".join(lines) + "\n", len(found)


@collector_paused()
def as_dot(graph: Graph, depth: int | None = None, fold: Sequence[str] = (), select: str = "") -> str:
    """A Graphviz digraph; shortcuts are dashed."""
    plan = Plan(graph, depth, fold, select)
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
            lines.append(f"{indent}{ids[part]} [shape={shapes[part.kind]} label={_quoted(*shown.lines)}];")
    for edge in edges(plan):
        style = " style=dashed" if edge.shortcut else ""
        lines.append(f"  {ids[edge.start]} -> {ids[edge.end]} [label={_quoted(edge.note)}{style}];")
    return "\n".join(lines) + "\n}\n"


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


def _html(text: str) -> str:
    for char, entity in (("&", "#amp;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;")):
        text = text.replace(char, entity)
    return text


def _quoted(*lines: str) -> str:
    escaped = (line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'
