"""Two networks as one graph: the newer one, and what is gone of the older one where it stood."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from archdsl.compare.snapshot import Layer
from archdsl.compare.touched import Became, Touched
from archdsl.graph import Graph, Node, Value
from archdsl.ops.opaque import Opaque
from archdsl.picture.compared import AGAIN, Marks
from archdsl.picture.words import op_text
from archdsl.shapes import TensorType
from archdsl.source import Origin

GONE = Became("gone")
KINDS = 3
"""Kinds of operators that are told of a part that is gone."""
MOST = 4
"""Parts of one block that are gone and told, where nothing is known of what they were connected with."""
Item = tuple[bool, Node]
"""An operator, and whether it is one of the newer network."""


def merged(new: Graph, found: Touched, old: Graph | None = None) -> tuple[Graph, Marks]:
    """The newer network with what is gone, and what became of its operators.

    What is gone gets what it got, and goes on to what is left of where it went. Without the graph of the ``old`` one,
    whose wires are not known then, it stands in its block for itself.
    """
    merging = _Merging(new, found)
    nodes, outputs = merging.level(new, old)
    if old is None:
        nodes += merging.apart(found.gone)
    return new.rewired(new.inputs, nodes, outputs, {}), merging.marks


class _Merging:
    def __init__(self, new: Graph, found: Touched) -> None:
        self.found = found
        self.older = {ours: theirs for theirs, ours in found.pairs.items()}
        self.gone = {layer.path for layer in found.gone}
        self.marks = Marks()
        self.taken = {prefix for node in new.all_nodes() for prefix in _prefixes(node.path)}
        self.scopes = {"": ""} | (_scopes(found.pairs) if found.whole else {})
        self.made: dict[Value, Value] = {}
        """The values of the newer graph as those of the merged one."""
        self.was: dict[Value, list[Value]] = {}
        """The same for those of the older one; several where what made it is left aside."""

    def level(self, new: Graph, old: Graph | None) -> tuple[list[Node], dict[str, Value]]:
        """The nodes of a graph or a body, and its outputs."""
        self.made.update((value, value) for value in new.inputs)
        if old is not None:
            self._entering(new, old)
        nodes: list[Node] = []
        near = ""
        partners = {node.path: node for node in old.nodes} if old is not None else {}
        for fresh, node in self._sequence(new, old):
            if fresh:
                nodes.append(self._kept(node, partners.get(self.older.get(node.path, ""))))
                near = node.path.rpartition(".")[0]
            elif node.path in self.gone:
                nodes.append(self._lost(node, near))
            else:
                passed = self._before(node)
                self.was.update((value, passed) for value in node.outputs)
        if old is not None:
            self._leaving(new, old)
        return nodes, {name: self.made[value] for name, value in new.outputs.items()}

    def _sequence(self, new: Graph, old: Graph | None) -> Iterator[Item]:
        """The nodes of both, those of the older one that have no partner in front of what came behind them."""
        before = old.nodes if old is not None else ()
        kept = {self.found.pairs[node.path] for node in before if node.path in self.found.pairs}
        place = {node.path: number for number, node in enumerate(before)}
        done = 0
        for node in new.nodes:
            end = place.get(self.older.get(node.path, ""), -1) if node.path in kept else -1
            for one in before[done : max(end, done)]:
                if self.found.pairs.get(one.path) is None:
                    yield False, one
            done = max(end, done)
            yield True, node
        yield from ((False, one) for one in before[done:] if self.found.pairs.get(one.path) is None)

    def _entering(self, new: Graph, old: Graph) -> None:
        names = {value.name: value for value in new.inputs}
        in_order = new.inputs if len(new.inputs) == len(old.inputs) else ()
        for number, value in enumerate(old.inputs):
            same = names.get(value.name) or (in_order[number] if in_order else None)
            self.was[value] = [same] if same is not None else []

    def _leaving(self, new: Graph, old: Graph) -> None:
        in_order = list(new.outputs) if len(new.outputs) == len(old.outputs) else []
        for number, (name, value) in enumerate(old.outputs.items()):
            name = name if name in new.outputs or not in_order else in_order[number]
            lost = [one for one in self.was.get(value, ()) if one in self.marks.lost]
            if name in new.outputs and lost:
                self.marks.leaving[new.outputs[name]] = lost

    def _before(self, node: Node) -> list[Value]:
        return list(dict.fromkeys(one for value in node.inputs for one in self.was.get(value, ())))

    def _kept(self, node: Node, partner: Node | None) -> Node:
        """A node of the newer network; it gets what its partner got of what is gone."""
        entering = [self.made[value] for value in node.inputs]
        if partner is not None:
            entering += [value for value in self._before(partner) if value in self.marks.lost]
        body = node.body
        if body is not None:
            nodes, outputs = self.level(body, partner.body if partner is not None else None)
            body = body.rewired(body.inputs, nodes, outputs, {})
        types = [value.type for value in node.outputs]
        found = Node(node.op, entering, types, node.path, node.params, node.origin, body)
        self.made.update(zip(node.outputs, found.outputs))
        if partner is not None:
            self.was.update((value, [one]) for value, one in zip(partner.outputs, found.outputs))
        self.marks.note(found, self._became(node, entering), self.found.blocks.get(node.path))
        return found

    def _became(self, node: Node, entering: Sequence[Value]) -> Became | None:
        """What became of a node; where it was left aside, it is new behind what is new."""
        known = self.found.became.get(node.path)
        if known is not None or self.found.whole or node.path in self.older or not entering:
            return known
        fresh = {value.producer is not None and self.marks.kind_of(value.producer) == "added" for value in entering}
        return Became("added") if fresh == {True} else None

    def _lost(self, node: Node, near: str) -> Node:
        """A node of the older network."""
        path = self._path(node.path, near)
        types = [value.type for value in node.outputs]
        entering = self._before(node)
        if node.body is not None:  # which takes them by their places
            entering = [next(iter(self.was.get(value, ())), value) for value in node.inputs]
        found = Node(node.op, entering, types, path, {}, Origin(None), node.body)
        for one in (found, *(node.body.all_nodes() if node.body is not None else ())):
            self.marks.note(one, GONE)
        self.marks.texts[found] = op_text(node)
        self.was.update((value, [one]) for value, one in zip(node.outputs, found.outputs))
        self.marks.lost.update(found.outputs)
        return found

    def _path(self, path: str, near: str = "") -> str:
        """Where something that is gone stands: in the block that its block is now, or in that of what is beside it."""
        names = path.split(".")
        if not self.found.whole:
            scope, rest = near, names[-1:]
        else:
            most = next(n for n in range(len(names) - 1, -1, -1) if ".".join(names[:n]) in self.scopes)
            scope, rest = self.scopes[".".join(names[:most])], names[most:]
        first = _joined(scope, rest[0])
        return ".".join([first + AGAIN if first in self.taken else first, *rest[1:]])

    def apart(self, layers: Iterable[Layer]) -> Iterator[Node]:
        """A node for each part that is gone, and one for those beyond :data:`MOST` in a block."""
        parts: dict[str, list[Layer]] = {}
        for layer in layers:
            path, depth = self._path(layer.path), layer.path.count(".")
            parts.setdefault(path.rsplit(".", depth - self._known(layer.path))[0], []).append(layer)
        blocks: dict[str, list[str]] = {}
        for path in parts:
            blocks.setdefault(path.rpartition(".")[0], []).append(path)
        for several in blocks.values():
            shown = several[: MOST if len(several) <= MOST else MOST - 1]
            rest = [layer for path in several[len(shown) :] for layer in parts[path]]
            for path in shown:
                yield self._told(path, parts[path])
            if rest:
                yield self._told(f"{several[len(shown)]} …", rest)

    def _known(self, path: str) -> int:
        """How many names of a path are those of blocks that are there."""
        names = path.split(".")[:-1]
        return next(n for n in range(len(names), -1, -1) if ".".join(names[:n]) in self.scopes)

    def _told(self, path: str, layers: Sequence[Layer]) -> Node:
        kinds = Counter(layer.op.replace("_", " ") for layer in layers)
        several = [f"{count} {kind}" if count > 1 else kind for kind, count in kinds.most_common(KINDS)]
        more = ", …" if len(kinds) > KINDS else ""
        op = Opaque.of("gone", "operators", [TensorType("f32", ())])
        found = Node(op, (), (), path, {}, Origin(None))
        self.marks.texts[found] = ", ".join(several) + more
        self.marks.note(found, GONE)
        return found


def _joined(scope: str, name: str) -> str:
    return f"{scope}.{name}" if scope else name


def _prefixes(path: str) -> Iterator[str]:
    yield path
    while "." in path:
        path = path.rpartition(".")[0]
        yield path


def _scopes(pairs: Mapping[str, str]) -> dict[str, str]:
    """The newer scopes by the older ones: operators that belong together stand in scopes that do."""
    found: dict[str, str] = {}
    for old, new in pairs.items():
        if old.count(".") == new.count("."):
            for theirs, ours in list(zip(_prefixes(old), _prefixes(new)))[1:]:
                if theirs in found:
                    break
                found[theirs] = ours
    return found
