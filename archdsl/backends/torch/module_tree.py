"""The graph as nested boxes: one for each scope of the paths, with what is computed in it and in which order.

A box can be called as one module if nothing leaves it and comes back; a box of which that is not true is kept for its
parameters' names only, and the box around it does its work.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence, Set

from archdsl import registry
from archdsl.backends.torch.carry import carried
from archdsl.backends.torch.form import Call, Form, Lowering, Site, handed, is_symbol, layer_value, symbol_value, within
from archdsl.diagnostics import Diagnostic, DiagnosticError, Refusal
from archdsl.dim_solve import readings
from archdsl.graph import Graph, Node, Value
from archdsl.ops.base import Op
from archdsl.ops.counted import Counted
from archdsl.source import Frame


def rule_for(op: type[Op]) -> Lowering | None:
    """The rule of an operator."""
    found: Lowering | None = registry.rule("torch", __package__ or "", op)
    return found


class Item:
    """One application of an operator, in the box whose work it is."""

    __slots__ = ("form", "index", "inputs", "node", "owner")

    def __init__(self, index: int, node: Node, form: Form, owner: str) -> None:
        self.index = index
        self.node = node
        self.form = form
        self.owner = owner
        """The path of the layer; another node's where weights are shared."""
        self.inputs = (*node.inputs, *form.reads)


class Box:
    """A scope: what it keeps by name, and its steps in order."""

    def __init__(self, path: str, outer: Box | None) -> None:
        self.path = path
        self.name = path.rpartition(".")[2]
        self.outer = outer
        self.frame: Frame | None = None
        """The application whose stages stand in it directly."""
        self.kept: dict[str, Call | Box] = {}
        self.steps: list[Item | Box] = []
        self.nodes: list[Item] = []
        """All applications below it."""
        self.inputs: list[Value] = []
        self.outputs: list[Value] = []
        self.called = True
        """Whether it has a ``forward``."""


Step = Item | Box


def items_of(step: Step) -> list[Item]:
    """The applications in a step."""
    return [step] if isinstance(step, Item) else step.nodes


def boxes_of(graph: Graph) -> Box:
    """The outermost box of a graph. Raises ``DiagnosticError`` where an operator has no counterpart."""
    root = Box("", None)
    symbols = {name: symbol_value(name) for name in readings([value.type.shape for value in graph.inputs])}
    tree = _Tree(symbols, root)
    tree.fill(root, graph)
    if tree.found:
        raise DiagnosticError({(d.code, d.span or d.message): d for d in tree.found[::-1]}.values())
    return root


class _Tree:
    """The boxes by path, those of bodies included, in the making."""

    def __init__(self, symbols: dict[str, Value], root: Box) -> None:
        self.symbols = symbols
        self.boxes = {"": root}
        self.found: list[Diagnostic] = []
        self.layers: dict[str, Set[str]] = {}
        """Paths that are layers, and their parameters."""
        self.handed: dict[str, Value] = {}
        """What stands for layers that are used in a loop and lie outside of it."""

    def fill(self, root: Box, graph: Graph) -> None:
        """File the nodes of a graph, or of a body, whose box is ``root``."""
        loops = [node.path for node in graph.nodes if node.body is not None]
        for path in loops:
            outer = _box(self.boxes, path.rpartition(".")[0])
            self.boxes[path] = outer.kept[path.rpartition(".")[2]] = Box(path, outer)
        for node in graph.nodes:
            if node.body is None and node.params and node.op.role != "source":
                self.layers[_owner(node)] = {parameter.path for parameter in node.params.values()}
        for index, node in enumerate(graph.nodes):
            try:
                if node.body is not None:
                    self.fill(self.boxes[node.path], node.body)
                _place(self, root, loops, index, node)
                if isinstance(node.op, Counted) and node.op.symbol is not None:
                    self.symbols[node.op.symbol] = node.outputs[0]
            except Refusal as refusal:
                self.found.append(refusal.located(node.origin.span).diagnostic(node.origin.frame))
        if not self.found:
            _settle(root, graph)


def _settle(root: Box, graph: Graph) -> None:
    """Put the steps of all boxes into order, and say what enters and leaves them."""
    uses = _uses(graph, root.nodes)
    waiting = [root]
    while waiting:
        box = waiting.pop()
        _schedule(box)
        children = [step for step in box.steps if isinstance(step, Box)]
        for child in children:
            _interface(child, uses)
        box.steps = [step for step in box.steps if not isinstance(step, Box) or step.outputs]
        for child in children:
            if not child.outputs:
                _silence(child)
        waiting += [child for child in children if child.called]
    read = dict.fromkeys(value for item in root.nodes for value in item.form.reads) if root.path else ()
    handed_in = [value for value in read if not within(value, root.path)]
    root.inputs, root.outputs = [*graph.inputs, *handed_in], list(graph.outputs.values())


def _place(tree: _Tree, root: Box, loops: Sequence[str], index: int, node: Node) -> None:
    """File the node, as its rule writes it, under the scope it is computed in, and its layer under the layer's."""
    form, owner = _form(tree, node), _owner(node)
    home = _home(tree, loops, node, owner)
    if "{self}" in form.text and form.layer is not None:
        _keep(tree, owner, _frozen(form.layer, node))
    if root.path and not f"{home}.".startswith(f"{root.path}."):  # the layer lies outside of the loop
        if form.layer is not None:
            value = tree.handed.setdefault(owner, layer_value(owner, form.layer))
            form = handed(form, value, len(node.inputs))
        home = _home(tree, loops, node, node.path)
        home = home if f"{home}.".startswith(f"{root.path}.") else root.path
    item, box = Item(index, node, form, owner), _box(tree.boxes, home)
    box.frame = box.frame or node.origin.frame
    box.steps.append(item)
    while True:
        box.nodes.append(item)
        if box is root:
            return
        box = tree.boxes[box.path.rpartition(".")[0]]


def _form(tree: _Tree, node: Node) -> Form:
    """What the node's rule writes."""
    rule = rule_for(type(node.op))
    if rule is None:
        targets = "`archdsl ops` lists each operator's targets"
        raise Refusal("E0601", f"`{node.op.name}` has no counterpart in PyTorch", help=targets)
    site = Site(node, tree.symbols)
    if node.body is None:
        return carried(node, rule(site))
    body = tree.boxes[node.path]
    site.reads = [*body.inputs[len(node.inputs) :]]
    form = carried(node, rule(site))
    form.uses += tuple(use for item in body.nodes for use in item.form.uses)
    return form


def _home(tree: _Tree, loops: Sequence[str], node: Node, owner: str) -> str:
    """The scope in which a node is computed. What stands in the scope of a loop and is no part of its body is computed
    around it; what is computed for a layer, inside of its label, beside it: a path is a layer or a box.
    """
    home = node.path.rpartition(".")[0]
    if owner != node.path:
        home = _common(home, owner.rpartition(".")[0])
    while home in tree.layers:
        home = home.rpartition(".")[0]
    return next((path.rpartition(".")[0] for path in loops if f"{home}.".startswith(f"{path}.")), home)


def _keep(tree: _Tree, path: str, layer: Call) -> None:
    """A layer under its path; a parameter that is tied is where its layer is."""
    outer, _, name = path.rpartition(".")
    if outer not in tree.layers:
        _box(tree.boxes, outer).kept.setdefault(name, layer)
    elif path not in tree.layers[outer]:
        raise Refusal(
            "E0601", f"the parameter `{path}` would lie inside of the layer `{outer}`, which PyTorch cannot have",
            help="compute what the layer is given on a line of its own",
        )  # fmt: skip


def _owner(node: Node) -> str:
    """Whose path the parameters have."""
    if node.body is not None:
        return node.path
    for slot, parameter in node.params.items():
        return parameter.path.removesuffix(f".{slot}") if slot else parameter.path
    return node.path


def _frozen(layer: Call, node: Node) -> Call:
    learned = [p for p in node.params.values() if not p.buffer]
    if learned and not any(p.trainable for p in learned) and layer.name != "nn.Parameter":
        return Call(layer.name, layer.args, ".requires_grad_(False)")
    return layer


def _common(a: str, b: str) -> str:
    parts = []
    for one, other in zip(a.split("."), b.split(".")):
        if one != other:
            break
        parts.append(one)
    return ".".join(parts)


def _box(boxes: dict[str, Box], path: str) -> Box:
    """The box at a path, made with those around it."""
    missing = []
    while path not in boxes:
        missing.append(path)
        path = path.rpartition(".")[0]
    box = boxes[path]
    for inner in reversed(missing):
        outer, box = box, Box(inner, box)
        boxes[inner] = box
        outer.kept.setdefault(box.name, box)
        outer.steps.append(box)
    return box


def _uses(graph: Graph, items: Sequence[Item]) -> dict[Value, list[int]]:
    """The nodes that read each value, or a size of it, by number; -1 for the outputs of the graph."""
    uses: dict[Value, list[int]] = {}
    for item in items:
        for value in item.inputs:
            uses.setdefault(value, []).append(item.index)
    for value in graph.outputs.values():
        uses.setdefault(value, []).append(-1)
    return uses


def _schedule(box: Box) -> None:
    """Put the steps into an order in which they can be taken; dissolve boxes that would have to run twice."""
    steps = [step for step in box.steps if items_of(step)]
    order = list(_sorted(steps))
    if len(order) < len(steps):
        order = list(_sorted(_untangled(steps)))
    box.steps = order


def _untangled(steps: list[Step]) -> list[Step]:
    """The steps with boxes dissolved that are left and come back to: one in each cycle, until there is no cycle.

    A cycle of very many boxes is dissolved as a whole, so that the time stays linear in the steps.
    """
    from networkx import DiGraph, strongly_connected_components

    free: list[Step] = []
    waiting = [(steps, 0)]
    while waiting:
        group, rounds = waiting.pop()
        links = DiGraph((i, reader) for i, readers in enumerate(_links(group)) for reader in readers)
        links.add_nodes_from(range(len(group)))
        for cycle in strongly_connected_components(links):
            tangled = [group[i] for i in sorted(cycle)]
            if len(tangled) == 1:
                free += tangled
                continue
            boxes = [step for step in tangled if isinstance(step, Box)]
            knots = {id(box): box for box in (boxes[:1] if rounds < _ROUNDS else boxes)}
            left = [step for step in tangled if id(step) not in knots]
            for knot in knots.values():
                knot.called = False
                left += [step for step in knot.steps if items_of(step)]
            waiting.append((left, rounds + 1))
    return free


_ROUNDS = 50
"""How often one box of a cycle is dissolved before all are."""


def _silence(box: Box) -> None:
    """A box whose results nobody reads keeps its parameters, and is not called."""
    waiting = [box]
    while waiting:
        dead = waiting.pop()
        dead.called = False
        waiting += [inner for inner in dead.kept.values() if isinstance(inner, Box)]


def _links(steps: list[Step]) -> list[set[int]]:
    """For each step those that read what it makes."""
    maker = {value: i for i, step in enumerate(steps) for item in items_of(step) for value in item.node.outputs}
    after: list[set[int]] = [set() for _ in steps]
    for i, step in enumerate(steps):
        for item in items_of(step):
            for value in item.inputs:
                start = maker.get(value)
                if start is not None and start != i:
                    after[start].add(i)
    return after


def _sorted(steps: list[Step]) -> Iterator[Step]:
    """The steps in topological order, as far as there is one; the text's order where it is free."""
    after = _links(steps)
    waits = [0] * len(steps)
    for readers in after:
        for i in readers:
            waits[i] += 1
    first = [items_of(step)[0].index for step in steps]
    ready = [(first[i], i) for i, count in enumerate(waits) if not count]
    heapq.heapify(ready)
    while ready:
        _, i = heapq.heappop(ready)
        yield steps[i]
        for reader in after[i]:
            waits[reader] -= 1
            if not waits[reader]:
                heapq.heappush(ready, (first[reader], reader))


def _interface(box: Box, uses: dict[Value, list[int]]) -> None:
    """What a box takes, in the order of use, and what it gives to others."""
    inside = {item.index for item in box.nodes}
    made = {value for item in box.nodes for value in item.node.outputs}
    taken = dict.fromkeys(value for item in box.nodes for value in item.inputs if value not in made)
    box.inputs = sorted([value for value in taken if not within(value, box.path)], key=is_symbol)
    box.outputs = [
        value for item in box.nodes for value in item.node.outputs
        if any(user not in inside for user in uses.get(value, ()))
    ]  # fmt: skip
