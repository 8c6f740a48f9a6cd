"""The tree of a network: its scopes as frames, its operators as boxes, a layer with the norm and activation behind it
as one, and what comes several times one behind the other once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from archdsl.graph import Graph, Node, Value
from archdsl.picture.compared import Marks
from archdsl.picture.parts import Part
from archdsl.picture.repeats import Forms, repeated
from archdsl.picture.running import Takes, running
from archdsl.picture.words import batch_axis, op_text, role_of, rounded, shape_text
from archdsl.source import Frame

DEEPEST = 24
"""Levels of scopes that are told apart; below, the rest of a path is one name."""

FUSED = ("norm", "activation")
"""Roles of what is drawn in the box of what it follows."""
Uses = Mapping[Value, Sequence[Node | None]]


def tree(graph: Graph, marks: Marks | None = None) -> Part:
    """The root: a frame without a name, whose parts are the inputs, what computes, and the outputs. ``marks``: what
    became of operators; what differs in that is not drawn as one.
    """
    root = _whole(graph, Forms(marks))
    batch = batch_axis(graph)
    inputs, outputs = [], []
    for value in graph.inputs:
        box = Part(value.name, "input")
        box.lines, box.outs = [value.name, shape_text(value.type.shape, batch)], [value]
        inputs.append(box)
    for name, value in graph.outputs.items():
        box = Part(name, "output")
        box.lines, box.ins = [name, shape_text(value.type.shape, batch)], _leaving(value, marks)
        outputs.append(box)
    root.parts = [*inputs, *root.parts, *outputs]
    root.ins, root.outs, root.inner_ins, root.inner_outs = [], [], [], []
    return root


def _whole(graph: Graph, forms: Forms) -> Part:
    """A graph as a frame; its ends are the graph's."""
    uses: dict[Value, list[Node | None]] = {}
    takes = running(graph.nodes)
    for node in graph.nodes:
        for value in takes.get(node, node.inputs):
            uses.setdefault(value, []).append(node)
    for value in graph.outputs.values():
        for one in _leaving(value, forms.marks):
            uses.setdefault(one, []).append(None)
    root = Part("", "frame")
    root.parts = _Level(graph.nodes, uses, forms, takes).parts("", [node.path for node in graph.nodes])
    root.inner_ins = [value for value in graph.inputs if value in uses]
    root.inner_outs = list(dict.fromkeys(graph.outputs.values()))
    return root


def _leaving(value: Value, marks: Marks | None) -> list[Value]:
    """What enters the end of an output: what is gone and made it before, too."""
    return [value, *(marks.leaving.get(value, ()) if marks is not None else ())]


class _Level:
    """Builds the parts of some nodes, and of the scopes among them."""

    def __init__(self, nodes: Sequence[Node], uses: Uses, forms: Forms, takes: Takes) -> None:
        self.nodes, self.uses, self.forms, self.takes = nodes, uses, forms, takes
        self.frame = shared_frame(nodes)

    def parts(self, prefix: str, rests: Sequence[str], depth: int = 0) -> list[Part]:
        """The parts of the nodes; ``rests``: what is left of their paths behind ``prefix``."""
        found: list[Part] = []
        for name, numbers in _groups(self.nodes, rests, depth, self.takes):
            nodes = [self.nodes[number] for number in numbers]
            if name is None:
                found.append(self._leaf(nodes[0]))
            else:
                inner = [rests[number][len(name) + 1 :] for number in numbers]
                found.append(self._scope(f"{prefix}{name}", name, nodes, inner, depth))
        found = _attached(_fused(found, self.uses, self.forms), self.uses, self.forms)
        return repeated(found, self.uses, self.forms)

    def _scope(self, key: str, name: str, nodes: list[Node], rests: list[str], depth: int) -> Part:
        level = _Level(nodes, self.uses, self.forms, self.takes)
        parts = level.parts(f"{key}.", rests, depth + 1)
        if len(parts) == 1 and parts[0].count == 1:
            only = parts[0]
            if only.framed:
                only.title = f"{name}.{only.title}"
                only.call = only.call or called(level.frame, self.frame)
            return only
        part = Part(key, "frame", ".".join(key.split(".")[-2:]) if name.isdecimal() else name)
        part.parts = parts
        part.size = sum(one.size for one in parts)
        part.ins, part.outs = ends(nodes, self.uses, self.takes)
        part.inner_ins, part.inner_outs = part.ins, part.outs
        part.call = called(level.frame, self.frame)
        part.form = self.forms.frame(part)
        return part

    def _leaf(self, node: Node) -> Part:
        if node.body is not None:
            return self._loop(node, node.body)
        part = Part(node.path, "box", role=role_of(node))
        text = self.forms.marks.texts.get(node) if self.forms.marks is not None else None
        part.lines, part.nodes = [text or op_text(node)], [node]
        part.ins = list(dict.fromkeys(self.takes.get(node, node.inputs)))
        part.outs = [v for v in node.outputs if v in self.uses]
        part.form = self.forms.box(part)
        return part

    def _loop(self, node: Node, body: Graph) -> Part:
        inner = _whole(body, self.forms)
        part = Part(node.path, "frame", node.path.rpartition(".")[2])
        part.parts, part.size = inner.parts, sum(one.size for one in inner.parts)
        pairs = [(o, i) for o, i in zip(node.inputs, body.inputs) if i in inner.inner_ins]
        part.ins, part.inner_ins = [o for o, _ in pairs], [i for _, i in pairs]
        results = [(o, i) for o, i in zip(node.outputs, body.outputs.values()) if o in self.uses]
        part.outs, part.inner_outs = [o for o, _ in results], [i for _, i in results]
        runs = node.op.runs([value.type for value in node.inputs])
        states = getattr(node.op, "states", 0)
        part.loops = f"{runs} runs" + (f", {states} {'state' if states == 1 else 'states'}" if states else "")
        part.form = self.forms.frame(part)
        return part


def ends(nodes: Iterable[Node], uses: Uses, takes: Takes) -> tuple[list[Value], list[Value]]:
    """The values that enter some nodes, and those that leave them."""
    nodes = list(nodes)
    inside = set(nodes)
    entering = dict.fromkeys(v for node in nodes for v in takes.get(node, node.inputs) if v.producer not in inside)
    leaving = [v for node in nodes for v in node.outputs if any(user not in inside for user in uses.get(v, ()))]
    return list(entering), leaving


def shared_frame(nodes: Sequence[Node]) -> Frame | None:
    """The innermost application of a block or network that all nodes were made in."""
    frame = nodes[0].origin.frame if nodes else None
    around = _around(frame)
    for node in nodes:
        one = node.origin.frame
        while one is not None and one not in around:
            one = one.parent
        if one is not frame:
            frame, around = one, _around(one)
    return frame


def _around(frame: Frame | None) -> set[Frame]:
    found = set()
    while frame is not None:
        found.add(frame)
        frame = frame.parent
    return found


def called(frame: Frame | None, outside: Frame | None) -> str:
    """What a spec calls to make a frame of the picture, without the blocks that it gives, of which nothing is known but
    that they are blocks; empty if it is what makes the one around it.
    """
    if frame is None or frame is outside or frame.parent is None:
        return ""
    known = [one for one in rounded(frame.arguments).split(", ") if not one.endswith(" = block")]
    return f"{frame.name}({', '.join(known)})"


def _groups(
    nodes: Sequence[Node], rests: Sequence[str], depth: int, takes: Takes
) -> list[tuple[str | None, list[int]]]:
    """The nodes by the next name of their paths, in order of use; a group that others stand in the midst of, so that
    there is no order between them, is divided.
    """
    names = [rest.partition(".")[0] if "." in rest and depth < DEEPEST else None for rest in rests]
    groups: dict[object, list[int]] = {}
    for number, name in enumerate(names):
        groups.setdefault(number if name is None else name, []).append(number)
    member = {number: key for key, numbers in groups.items() for number in numbers}
    tangled = _tangled(nodes, member, groups, takes)
    found: list[tuple[str | None, list[int]]] = []
    for key, numbers in groups.items():
        name = names[numbers[0]]
        runs = _runs(numbers) if key in tangled and name is not None else [numbers]
        found += [(name, run) for run in runs]
    return sorted(found, key=lambda one: one[1][0])


def _runs(numbers: list[int]) -> list[list[int]]:
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][-1] == number - 1:
            found[-1].append(number)
        else:
            found.append([number])
    return found


def _tangled(
    nodes: Sequence[Node], member: Mapping[int, object], groups: Mapping[object, list[int]], takes: Takes
) -> set[object]:
    """The groups that cannot be put into an order: each is needed by another one of them that it needs."""
    at = {node: number for number, node in enumerate(nodes)}
    after: dict[object, set[object]] = {key: set() for key in groups}
    before: dict[object, int] = dict.fromkeys(groups, 0)
    for number, node in enumerate(nodes):
        for value in takes.get(node, node.inputs):
            start = at.get(value.producer) if value.producer is not None else None
            if start is not None and member[start] != member[number] and member[number] not in after[member[start]]:
                after[member[start]].add(member[number])
                before[member[number]] += 1
    ready = [key for key, count in before.items() if not count]
    while ready:
        key = ready.pop()
        del before[key]
        for one in after[key]:
            before[one] -= 1
            if not before[one]:
                ready.append(one)
    return set(before)


def _fused(parts: list[Part], uses: Uses, forms: Forms) -> list[Part]:
    """A layer takes the norm and the activation that follow it alone into its box."""
    found: list[Part] = []
    maker: dict[Value, Part] = {}
    for part in parts:
        before = maker.get(part.ins[0]) if part.kind == "box" and len(part.ins) == 1 else None
        if before is not None and part.role in FUSED and len(uses[part.ins[0]]) == 1 and forms.fuses(before, part):
            text = part.nodes[0].op.name.replace("_", " ")
            if len(before.nodes) == 1:
                before.lines.append(text)
            else:
                before.lines[1] += f", {text}"
            before.nodes += part.nodes
            before.outs = part.outs
            before.form = forms.box(before)
            maker.update(dict.fromkeys(part.outs, before))
            continue
        found.append(part)
        if part.kind == "box" and part.role in ("layer", "norm", "join", "pool") and len(part.outs) == 1:
            maker[part.outs[0]] = part
    return found


def _attached(parts: list[Part], uses: Uses, forms: Forms) -> list[Part]:
    """A parameter or constant that one box uses is a line of that box."""
    sources = {
        part.outs[0]: part
        for part in parts
        if part.kind == "box" and part.role == "source" and not part.ins and len(part.outs) == 1
        and len(uses[part.outs[0]]) == 1
    }  # fmt: skip
    taken: set[Part] = set()
    for part in parts:
        if part.kind != "box":
            continue
        for value in [one for one in part.ins if one in sources]:
            source = sources[value]
            taken.add(source)
            part.ins.remove(value)
            part.nodes = [*source.nodes, *part.nodes]
            part.lines.append(f"with {value.name.rpartition('.')[2]} {shape_text(value.type.shape, None)}")
            part.form = forms.box(part)
    return [part for part in parts if part not in taken]
