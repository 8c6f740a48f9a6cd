"""What changed in a network as a Mermaid flowchart that GitHub draws: scopes with changes open, all else folded.

GitHub draws up to 500 edges in 50,000 characters (Mermaid's ``maxEdges`` and ``maxTextSize``), and nobody reads a tenth
of that: a picture has at most :data:`MOST` boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from archdsl.analyses.depth import stands_for
from archdsl.graph import Graph, Node, Value
from archdsl.report.terminal import visible
from archdsl.shapes import show_shape

MOST = 40
"""Boxes of a picture."""
DEEP = 8
"""Frames that lie inside of one another."""
GONE = 4
"""Parts that are not there any more, of those that a frame shows."""
STYLES = {
    "added": ("new: ", "fill:#dafbe1,stroke:#1a7f37,color:#1f2328"),
    "changed": ("changed: ", "fill:#fff1e5,stroke:#bc4c00,color:#1f2328"),
    "gone": ("gone: ", "fill:#ffebe9,stroke:#cf222e,color:#1f2328,stroke-dasharray:4 3"),
}
"""Kind -> the word before its name, for those who see no colours, and its style."""


class Part:
    """A scope or an operator. ``added``, ``changed``, ``resized``: how many of its ``total`` operators are that.

    ``gone``: how many parts were inside that are not there any more.
    """

    __slots__ = ("added", "changed", "children", "gone", "node", "path", "resized", "total")

    def __init__(self, path: str) -> None:
        self.path = path
        self.children: dict[str, Part] = {}
        self.node: Node | None = None
        self.total = self.added = self.changed = self.resized = self.gone = 0

    @property
    def kind(self) -> str:
        """``added`` where all of it is new, ``changed`` where some of it is another, else empty."""
        if self.added == self.total:
            return "added"
        return "changed" if self.added or self.changed or self.gone else ""

    @property
    def mixed(self) -> bool:
        """Whether it has both what changed and what did not: then it is worth to be opened."""
        kept = self.total - self.added - self.changed - self.resized
        return bool(self.children) and self.kind == "changed" and bool(kept or self.added)


class Box:
    """What is drawn as one: a part, or several parts without changes that follow one another."""

    __slots__ = ("number", "parts")

    def __init__(self, parts: list[Part]) -> None:
        self.parts = parts
        self.number = 0


def changed_mermaid(graph: Graph, marks: Mapping[str, str], gone: Mapping[str, str]) -> str:
    """The flowchart; empty where even folded it has too many boxes.

    ``marks``: path of an operator -> ``added``, ``changed`` or ``resized``. ``gone``: path of what is not there any
    more -> what it was.
    """
    nodes = graph.all_nodes()
    root = _tree(nodes, marks, gone)
    opened = _opened(root)
    if opened is None:
        return ""
    lines = ["flowchart TD"]
    ends = [(f"in:{value.name}", value.name, value) for value in graph.inputs]
    ends += [(f"out:{name}", name, value) for name, value in graph.outputs.items()]
    ids: dict[str, str] = {}
    for key, name, value in ends:
        ids[key] = f"e{len(ids)}"
        lines.append(f'  {ids[key]}(["{_text(name)}<br/>{_text(show_shape(value.type.shape))}"])')
    inside: dict[str, list[str]] = {}
    for path, what in gone.items():
        frame = [part.path for part in _way(root, path) if part.path in opened][-1]
        inside.setdefault(frame, []).append(f"{_text(path)}<br/>{_text(what)}")
    lines += _drawn(root, opened, inside, 1)
    lines += _edges(graph, nodes, _finder(root, opened), ids)
    lines += [f"  classDef {kind} {style}" for kind, (_, style) in STYLES.items()]
    return "\n".join(lines) + "\n"


def _tree(nodes: Sequence[Node], marks: Mapping[str, str], gone: Iterable[str]) -> Part:
    """The operators by their paths."""
    root = Part("")
    for node in nodes:
        kind = marks.get(node.path, "")
        part, path = root, ""
        for name in ("", *node.path.split(".")):
            if name or part is not root:
                path = f"{path}.{name}" if path else name
                part = part.children.setdefault(name, Part(path))
            part.total += 1
            part.added += kind == "added"
            part.changed += kind == "changed"
            part.resized += kind == "resized"
        part.node = node
    for path in gone:
        for part in _way(root, path):
            part.gone += 1
    return root


def _way(root: Part, path: str) -> Iterator[Part]:
    """The parts along a path, for as far as there are any; the whole first."""
    part: Part | None = root
    names = iter(path.split("."))
    while part is not None:
        yield part
        part = part.children.get(next(names, ""))


def _opened(root: Part) -> dict[str, list[Box]] | None:
    """The scopes that are open with their boxes: level by level, a level as a whole or not at all."""
    level = {"": _boxes(root)}
    if len(level[""]) > MOST:
        return None
    opened: dict[str, list[Box]] = {}
    count = 1
    while level and count - len(level) + sum(map(len, level.values())) <= MOST:
        count += sum(map(len, level.values())) - len(level)
        opened |= level
        parts = [box.parts[0] for boxes in level.values() for box in boxes if len(box.parts) == 1]
        level = {part.path: _boxes(part) for part in parts if part.mixed and part.path.count(".") < DEEP}
    for number, box in enumerate(box for boxes in opened.values() for box in boxes):
        box.number = number
    return opened


def _boxes(scope: Part) -> list[Box]:
    """The parts of a scope; those without changes that follow one another together."""
    found: list[Box] = []
    for part in scope.children.values():
        if found and not part.kind and not found[-1].parts[-1].kind:
            found[-1].parts.append(part)
        else:
            found.append(Box([part]))
    return found


def _drawn(scope: Part, opened: Mapping[str, list[Box]], gone: Mapping[str, list[str]], level: int) -> Iterator[str]:
    """The lines of boxes and frames; recursion is as deep as scopes are open, which :data:`DEEP` bounds."""
    indent = "  " * level
    for box in opened[scope.path]:
        part = box.parts[0]
        if len(box.parts) == 1 and part.path in opened:
            yield f'{indent}subgraph f{box.number}["{STYLES["changed"][0]}{_text(part.path)}"]'
            yield from _drawn(part, opened, gone, level + 1)
            yield f"{indent}end"
        else:
            kind = part.kind if len(box.parts) == 1 else ""
            yield f'{indent}b{box.number}["{_label(box)}"]{f":::{kind}" if kind else ""}'
    lost = gone.get(scope.path, [])
    for index, what in enumerate(lost[:GONE]):
        more = f" and {len(lost) - GONE:,} more" if index == GONE - 1 and len(lost) > GONE else ""
        name = f"g{opened[scope.path][0].number}_{index}"
        yield f'{indent}{name}["{STYLES["gone"][0]}{what}{more}"]:::gone'


def _label(box: Box) -> str:
    part = box.parts[0]
    if len(box.parts) > 1:
        total = sum(one.total for one in box.parts)
        how = "with other sizes" if any(one.resized for one in box.parts) else "as before"
        return f"{_text(part.path)} … {_text(box.parts[-1].path)}<br/>{total:,} operators {how}"
    sign = STYLES[part.kind][0] if part.kind else ""
    if part.node is not None and not part.children:
        out = ", ".join(show_shape(value.type.shape) for value in part.node.outputs)
        return f"{sign}{_text(part.path)}<br/>{_text(f'{part.node.op.name} {out}')}"
    return f"{sign}{_text(part.path)}<br/>{part.total:,} operators"


def _finder(root: Part, opened: Mapping[str, list[Box]]) -> Callable[[Node], str]:
    """The box that a node is drawn in."""
    of: dict[str, Box] = {part.path: box for boxes in opened.values() for box in boxes for part in box.parts}

    def find(node: Node) -> str:
        part = root
        for name in node.path.split("."):
            part = part.children[name]
            if part.path in of and part.path not in opened:
                return f"b{of[part.path].number}"
        return f"b{of[part.path].number}"

    return find


def _edges(graph: Graph, nodes: Sequence[Node], find: Callable[[Node], str], ids: Mapping[str, str]) -> list[str]:
    outside = {inner: values[0] for inner, values in stands_for(graph).items()}

    def start(value: Value) -> str:
        while value in outside:  # an input of a body
            value = outside[value]
        return ids[f"in:{value.name}"] if value.producer is None else find(value.producer)

    found: dict[str, None] = {}
    for node in nodes:
        end = find(node)
        for value in node.inputs if node.body is None else node.body.outputs.values():
            if (begin := start(value)) != end:
                found[f"  {begin} --> {end}"] = None
    for name, value in graph.outputs.items():
        found[f"  {start(value)} --> {ids[f'out:{name}']}"] = None
    return list(found)


def _text(text: str) -> str:
    """A name in a label: nothing in it is markup, neither of Mermaid nor of Markdown."""
    text = visible(text.replace("\n", " "))
    return "".join(char if char.isalnum() or char in " .,_-+[]():/*%=" else f"#{ord(char)};" for char in text)
