"""A graph as text, Mermaid or DOT; JSON and YAML are in `archdsl.data`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archdsl.analyses.depth import stands_for
from archdsl.analyses.forks import closing_joins
from archdsl.graph import Graph, Node, Value
from archdsl.process import collector_paused
from archdsl.shapes import show_shape


def as_text(graph: Graph) -> str:
    """The graph as the compiler sees it: one line for each node, with its documentation above."""
    doc = "".join(f"## {line}".rstrip() + "\n" for line in graph.doc.split("\n")) if graph.doc else ""
    doc += "".join(f"# {name}: {how}\n" for name, how in graph.preprocess.items())
    for name, labels in graph.labels.items():
        doc += f"# {name}: {', '.join(labels[:3])}{f' … ({len(labels):,} labels)' if len(labels) > 3 else ''}\n"
    return f"{doc}{graph}\n"


class Box:
    """One vertex of a drawing: a node, an input or output, or a whole scope at a chosen depth."""

    __slots__ = ("count", "key", "label", "shape", "title")

    def __init__(self, key: str, title: str, label: str, shape: str) -> None:
        self.key = key
        self.title = title
        self.label = label
        self.shape = shape
        self.count = 0


Edge = tuple[str, str, str]
"""From, to, and the shape of the value."""


def shortcuts(edges: Iterable[Edge]) -> set[Edge]:
    """The edges that lead from a fork straight to where its other paths end: what a residual sum adds again."""
    edges = list(edges)
    closing = closing_joins((start, end) for start, end, _ in edges)
    return {edge for edge in edges if closing.get(edge[0]) == edge[1]}


def drawing(graph: Graph, depth: int | None = None) -> tuple[list[Box], list[Edge]]:
    """Vertices and edges; with ``depth``, nodes whose paths share their first ``depth`` names are one vertex.

    The nodes of a body are drawn once: what they get from outside leads to them, what they make to the node that holds
    them. What a run hands on to the next one has no edge.
    """
    boxes: dict[str, Box] = {}
    for value in graph.inputs:
        boxes[f"in:{value.name}"] = Box(f"in:{value.name}", value.name, show_shape(value.type.shape), "input")
    nodes = graph.all_nodes()
    outside = {inner: values[0] for inner, values in stands_for(graph).items()}
    for node in nodes:
        _collect(boxes, node, depth)
    edges: dict[Edge, None] = {}
    for node in nodes:
        end = _group(node, depth)
        for value in node.inputs if node.body is None else node.body.outputs.values():
            start = _start(value, depth, outside)
            if start != end:
                edges[start, end, show_shape(value.type.shape)] = None
    for name, value in graph.outputs.items():
        boxes[f"out:{name}"] = Box(f"out:{name}", name, show_shape(value.type.shape), "output")
        edges[_start(value, depth, outside), f"out:{name}", show_shape(value.type.shape)] = None
    return list(boxes.values()), list(edges)


def _collect(boxes: dict[str, Box], node: Node, depth: int | None) -> None:
    key = _group(node, depth)
    out = ", ".join(show_shape(value.type.shape) for value in node.outputs)
    if key == f"n:{node.path}":
        boxes[key] = Box(key, node.path, f"{node.op.name} {out}", "node")
        boxes[key].count = 1
        return
    box = boxes.setdefault(key, Box(key, key[2:], "", "scope"))
    box.count += 1
    box.label = f"{box.count} {'node' if box.count == 1 else 'nodes'} {out}"


def _group(node: Node, depth: int | None) -> str:
    names = node.path.split(".")
    if depth is None or len(names) <= depth:
        return f"n:{node.path}"
    return "s:" + ".".join(names[:depth])


def _start(value: Value, depth: int | None, outside: Mapping[Value, Value]) -> str:
    while value in outside:  # an input of a body
        value = outside[value]
    return f"in:{value.name}" if value.producer is None else _group(value.producer, depth)


@collector_paused()
def as_mermaid(graph: Graph, depth: int | None = None) -> str:
    """A Mermaid flowchart; shortcuts are dashed."""
    boxes, edges = drawing(graph, depth)
    ids = {box.key: f"n{index}" for index, box in enumerate(boxes)}
    brackets = {"input": ("([", "])"), "output": ("([", "])"), "node": ("[", "]"), "scope": ("[[", "]]")}
    lines = ["flowchart TD"]
    for box in boxes:
        left, right = brackets[box.shape]
        lines.append(f'  {ids[box.key]}{left}"{_html(box.title)}<br/>{_html(box.label)}"{right}')
    dashed = shortcuts(edges)
    for edge in edges:
        a, b, label = edge
        lines.append(f'  {ids[a]} {"-.->" if edge in dashed else "-->"}|"{_html(label)}"| {ids[b]}')
    return "\n".join(lines) + "\n"


@collector_paused()
def as_dot(graph: Graph, depth: int | None = None) -> str:
    """A Graphviz digraph; shortcuts are dashed."""
    boxes, edges = drawing(graph, depth)
    ids = {box.key: f"n{index}" for index, box in enumerate(boxes)}
    shapes = {"input": "oval", "output": "oval", "node": "box", "scope": "box3d"}
    lines = [f"digraph {_quoted(graph.name)} {{", "  node [fontname=Helvetica fontsize=10];", "  edge [fontsize=9];"]
    for box in boxes:
        lines.append(f"  {ids[box.key]} [shape={shapes[box.shape]} label={_quoted(box.title, box.label)}];")
    dashed = shortcuts(edges)
    for edge in edges:
        a, b, label = edge
        style = " style=dashed" if edge in dashed else ""
        lines.append(f"  {ids[a]} -> {ids[b]} [label={_quoted(label)}{style}];")
    return "\n".join(lines) + "\n}\n"


def _html(text: str) -> str:
    for char, entity in (("&", "#amp;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;")):
        text = text.replace(char, entity)
    return text


def _quoted(*lines: str) -> str:
    escaped = (line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'
