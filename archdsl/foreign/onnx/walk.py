"""From the nodes of an ONNX model to nodes of ours: functions are inlined, what is known is computed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.element_types import ELEMENT_TYPES
from archdsl.foreign.importer import MISFITS, Importer, misfit
from archdsl.foreign.known import Known, fixed
from archdsl.foreign.onnx.call import KNOWN, RULES, Call, Item, NotSupportedError, Result
from archdsl.foreign.onnx.model import Function, Graph, Model, Node, Port, Reference
from archdsl.foreign.onnx.opaque import Untyped, joined, opaque
from archdsl.foreign.onnx.scopes import Scopes
from archdsl.foreign.onnx.values.elements import UndecidedError, UnknownError
from archdsl.graph import Value
from archdsl.shapes import TensorType
from archdsl.source import shortened
from archdsl.weights.tensor import Tensor

MAX_STEPS = 300_000
"""Nodes that are read, those of functions and branches each time."""
MAX_CALLED = 60_000
"""Those of functions and branches alone."""
MAX_CALLS = 40
"""Functions and graphs within one another."""
COMPARING = frozenset({"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"})
CHOOSING = frozenset({"Gather", "GatherElements", "GatherND"})
"""What asks for no weights: bounds, and of one axis tables of numbers."""
_LINE = re.compile(r'File "([^"]*)", line (\d+), in (\S+)')


class Environment(dict[str, Any]):
    """Values by name: items, and results of which nothing is known. What is not here is looked for outside."""

    __slots__ = ("outside",)

    def __init__(self, values: Mapping[str, Any], outside: Environment | None = None) -> None:
        super().__init__(values)
        self.outside = outside

    def __missing__(self, name: str) -> Any:
        if self.outside is None:
            raise KeyError(name)
        return self.outside[name]


class Walker:
    """Goes through the nodes of one model."""

    def __init__(self, importer: Importer, model: Model) -> None:
        self.importer = importer
        self.model = model
        self.steps = 0
        self.called = 0
        self.depth = 0
        self.probing = False
        """Whether only what is known is computed."""
        self._stored: dict[int, Known] = {}
        self.scopes = Scopes(model.graph.nodes if model.graph else ())
        self.ports: dict[str, Port] = {}

    def graph(self, graph: Graph, outside: Environment | None, given: Mapping[str, Item]) -> list[Item]:
        """Run a graph that sees the values outside of it; its outputs."""
        inside: dict[str, Item] = {name: self.stored(one) for name, one in graph.initialisers.items()}
        inside.update(given)
        self.ports.update((port.name, port) for port in (*graph.values, *graph.outputs))
        names = Environment(inside, outside)
        self.nodes(graph.nodes, names, self.model.opsets, {})
        return [look_up(port.name, names, "the graph") for port in graph.outputs]

    def probe(self, graph: Graph, outside: Environment, given: Mapping[str, Item]) -> list[Known] | None:
        """The same where all is computed from what is known; otherwise ``None``. Nothing is made, and no line told."""
        before, self.probing = (self.depth, self.probing), True
        lines = self.importer.source.count
        try:
            found = self.graph(graph, outside, given)
        except (Refusal, UndecidedError, UnknownError):
            return None
        finally:
            self.depth, self.probing = before
            self.importer.source.forget(lines)
        known = [one for one in found if isinstance(one, Known)]
        return known if len(known) == len(found) else None

    def stored(self, tensor: Tensor) -> Known:
        """A tensor of the file, the same object every time."""
        if id(tensor) not in self._stored:
            self._stored[id(tensor)] = Known(tensor.dtype, tensor.shape, file=tensor, name=tensor.name, weight=True)
        return self._stored[id(tensor)]

    def nodes(
        self, nodes: Iterable[Node], names: Environment, opsets: Mapping[str, int], attributes: Mapping[str, Any]
    ) -> None:
        """Run nodes in their order. ``attributes`` are those of the function that they are in."""
        self.depth += 1
        if self.depth > MAX_CALLS:
            raise Refusal("E1001", f"functions and graphs are nested more than {MAX_CALLS} deep")
        for node in nodes:
            self.steps += 1
            self.called += self.depth > 1
            if self.steps > MAX_STEPS or self.called > MAX_CALLED:
                raise Refusal("E1001", f"more than {MAX_STEPS:,} nodes, those of functions counted each time")
            self.node(resolved(node, attributes), names, opsets)
        self.depth -= 1

    def node(self, node: Node, names: Environment, opsets: Mapping[str, int]) -> None:
        """Run one node."""
        with self.importer.at(line_of, node, notes_of):
            try:
                inputs = [names[name] if name else None for name in node.inputs]
            except KeyError as absent:
                raise unmade(absent.args[0], f"`{node.name or node.op}`") from None
            if node.op in COMPARING or (node.op in CHOOSING and inputs and len(getattr(inputs[0], "shape", "..")) == 1):
                inputs = [fixed(one) for one in inputs]
            function = self.model.functions.get((node.domain, node.op, node.overload))
            if self.probing and not (function or all(one is None or isinstance(one, Known) for one in inputs)):
                raise UnknownError
            if Untyped in map(type, inputs):
                results: Sequence[Item | Untyped] = self.beyond(node, inputs)
            elif function is not None:
                results = self.function(function, node, inputs)
            else:
                call = Call(
                    node, inputs, opsets.get(node.domain, 1), self.importer, *self.scopes.of(node),
                    lambda graph, given: self.graph(graph, names, given),
                    lambda graph, given: self.probe(graph, names, given), self.declared,
                )  # fmt: skip
                results = listed(self.result(call), node)
            for name, item in zip(node.outputs, results):
                if name:
                    if name in names:  # here: a name from outside may be used anew
                        raise Refusal("E1001", f"two values are called `{name[:80]}`")
                    names[name] = item

    def beyond(self, node: Node, inputs: Sequence[Any]) -> Sequence[Item | Untyped]:
        """The results of a node behind results of which nothing is known: one opaque node for all, if it can be."""
        lacking = [one for one in inputs if isinstance(one, Untyped)]
        others = [self.importer.value(one, one.name or "value") if isinstance(one, Known) else one
                  for one in inputs if isinstance(one, Known | Value)]  # fmt: skip
        types = [self.declared(name) for name in node.outputs if name]
        known = [one for one in types if one is not None]
        first = lacking[0]
        if len(known) < len(types):
            nodes = max(one.nodes for one in lacking) + 1  # at least: branches of one beginning are counted once
            every = [value for one in lacking for value in one.inputs] + others
            return [Untyped(first.node, first.version, first.why, every, nodes)] * len(node.outputs)
        lacking[0] = Untyped(first.node, first.version, first.why, first.inputs, first.nodes + 1)
        made = iter(joined(self.importer, lacking, others, known))
        return [next(made) if name else first for name in node.outputs]

    def declared(self, name: str) -> TensorType | None:
        """The type that the file declares for a value, if it says all of it."""
        port = self.ports.get(name)
        if port is None or port.dtype not in ELEMENT_TYPES or port.sizes is None:
            return None
        sizes = [size if isinstance(size, int) else self.importer.symbols.get(size) for size in port.sizes]
        known = [size for size in sizes if size is not None and (not isinstance(size, int) or size > 0)]
        return TensorType(port.dtype, tuple(known)) if len(known) == len(sizes) else None

    def result(self, call: Call) -> Result | Untyped | Sequence[Value | Untyped]:
        """What a node gives: computed where all that enters is known, otherwise nodes of ours."""
        try:
            return self.made(call)
        except UndecidedError as undecided:
            raise self.undecided(call, undecided) from None
        except MISFITS as error:
            raise misfit(call.node.op, error, "`onnx.checker.check_model`") from error

    def made(self, call: Call) -> Result | Untyped | Sequence[Value | Untyped]:
        """The same; what no rule expects is an exception of Python's."""
        key = call.node.domain, call.node.op
        compute = KNOWN.get(key)
        if compute is not None and can_compute(call):
            try:
                found = compute(call)
                if found is not NotImplemented:
                    return found
            except UnknownError:
                pass  # left to run time
        if self.probing:
            raise UnknownError
        found_rule = RULES.get(key)
        if found_rule is None:
            return opaque(call, "")
        try:
            return found_rule(call)
        except NotSupportedError as fault:
            return opaque(call, str(fault), fault.types)

    def undecided(self, call: Call, fault: UndecidedError) -> Refusal:
        """The refusal (E1002) of what depends on the value of a symbol."""
        sizes = self.importer.named_symbols(fault.items)
        message = f"`{call.node.op}` computes a size, and which one depends on {sizes}"
        return Refusal("E1002", message, help=self.importer.help_to_bind(fault.items))

    def function(self, function: Function, node: Node, inputs: Sequence[Item | None]) -> list[Item]:
        """Run a function that the file defines."""
        names = Environment({name: item for name, item in zip(function.inputs, inputs) if item is not None})
        missing = dict.fromkeys(function.inputs[len(inputs) :])
        attributes = {**function.defaults, **node.attributes}
        nodes = [without(one, missing) for one in function.nodes] if missing else function.nodes
        self.nodes(nodes, names, function.opsets or self.model.opsets, attributes)
        return [look_up(name, names, f"`{function.name}`") for name in function.outputs]


def look_up(name: str, names: Environment, who: str) -> Item:
    """A value by name; refuses (E1001) one that is not made before."""
    try:
        found: Item = names[name]
    except KeyError:
        raise unmade(name, who) from None
    return found


def unmade(name: str, who: str) -> Refusal:
    """The refusal (E1001) of a value that nothing makes before it is used."""
    return Refusal("E1001", f"{who} uses `{name[:80]}`, which nothing before it makes")


BY_TYPE = frozenset({"Shape", "Size"})
"""Operators whose results follow from types."""
OF_ANY_SHAPE = BY_TYPE | {"Identity", "Expand"}
"""Operators that are computed of known tensors with symbolic sizes, too."""


def can_compute(call: Call) -> bool:
    """Whether enough is known of what enters."""
    if call.node.op in BY_TYPE:
        return True
    for one in call.inputs:
        if type(one) is Value:
            return False
    return call.node.op in OF_ANY_SHAPE or all(one is None or one.plain for one in call.inputs)  # type: ignore[union-attr]


def listed(result: Result | Untyped | Sequence[Value | Untyped], node: Node) -> Sequence[Item | Untyped]:
    """Results as a sequence."""
    if isinstance(result, Untyped):
        return [result] * len(node.outputs)
    return (result,) if isinstance(result, Known | Value) else result


def resolved(node: Node, attributes: Mapping[str, Any]) -> Node:
    """The node with attributes that refer to those of the function around it replaced."""
    for value in node.attributes.values():
        if type(value) is Reference:
            break
    else:
        return node
    made = copied(node)
    kept = dict(node.attributes)
    for name, value in node.attributes.items():
        if isinstance(value, Reference):
            if value.name in attributes:
                kept[name] = attributes[value.name]
            else:
                del kept[name]
    made.attributes = kept
    return made


def without(node: Node, names: Mapping[str, object]) -> Node:
    """The node without inputs that its function was not given."""
    if not any(name in names for name in node.inputs):
        return node
    made = copied(node)
    made.inputs = ["" if name in names else name for name in node.inputs]
    return made


def copied(node: Node) -> Node:
    """A node that can be changed."""
    made = Node()
    for slot in Node.__slots__:
        setattr(made, slot, getattr(node, slot))
    return made


def line_of(node: Node) -> str:
    """The node as a line of the listing that messages show."""
    domain = f"{node.domain}." if node.domain else ""
    ends = [shortened(", ".join(map(_short, names)), 60) for names in (node.inputs, node.outputs)]
    where = f"  # {shortened(node.name, 100)}" if node.name else ""
    return f"{domain}{node.op}({ends[0]}) -> {ends[1]}{where}"


def _short(name: str) -> str:
    """A value's name without the modules that it is from, which the node's name says."""
    return shortened(name.rpartition("/")[2] or name, 40)


def notes_of(node: Node) -> tuple[str, ...]:
    """Where the exporter says that a node comes from."""
    found = _LINE.findall(node.notes.get("pkg.torch.onnx.stack_trace", ""))
    if not found:
        return ()
    file, line, inside = found[-1]
    return (f"from {file}:{line}, in `{inside}`",)
