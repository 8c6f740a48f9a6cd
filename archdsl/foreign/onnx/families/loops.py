"""Loops by their bodies, as often as they run: up to a number, or until what they count themselves.

States that the body hands on as they are stay what they are outside, so that weights remain weights. States that grow
by the same number in each run are computed from the run's number. What is left are states of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from archdsl.diagnostics import Refusal
from archdsl.dim_order import compare
from archdsl.dims import Dim, Expr, floordiv
from archdsl.foreign.deciding import inputs_of
from archdsl.foreign.known import Known, fixed
from archdsl.foreign.onnx.call import Call, Item, Result, rule
from archdsl.foreign.onnx.families.control import body_of, looped
from archdsl.foreign.onnx.model import Graph, Node, Port
from archdsl.foreign.onnx.values.elements import add, multiply, subtract
from archdsl.foreign.onnx.wire import ELEMENTS
from archdsl.graph import Value

UNTIL = "it runs until a condition that is computed, so that nothing says how often"
COMPARED = {"Less": (1, 0), "LessOrEqual": (1, 1), "Greater": (-1, 0), "GreaterOrEqual": (-1, 1)}
"""Comparison -> sign of the second side less the first, and what is added so that it is true while that is above 0."""
LINEAR = frozenset({"Identity", "Cast", "Add", "Sub", "Neg", "Mul", "Squeeze", "Unsqueeze", "Reshape"})
"""What of one number gives a linear function of it; a product if only one side depends on it."""
MOST = 64
"""How many states are looked at for whether they count, and nodes of a condition."""
COUNTED = frozenset({"i32", "i64", "f32", "f64"})


@rule("Loop")
def loop(call: Call) -> Result:
    """A number of runs that is known; refuses (E1002) one that an input decides."""
    trips, go = call.given(0), call.given(1)
    if isinstance(trips, Value) and any(number for _, number in inputs_of(trips)):
        raise call.depends(trips, "the number of runs")
    if isinstance(trips, Value) or (go is not None and not (isinstance(go, Known) and bool(go.array().ravel()[0]))):
        return call.not_supported(UNTIL)
    body = Body(call, body_of(call, "body"))
    count = _least(call, [*([] if trips is None else [number(trips)]), *body.ends()])
    if isinstance(count, int) and count < 1:
        return call.not_supported("no run")
    found: Sequence[Value] = []
    if body.wanted:
        counter = call.apply("positions", size=count, dtype="i64")
        starts = [call.as_value(fixed(call.item(2 + i)), "state") for i in body.moving]
        found = looped(call, [counter], [0], starts, body.run, reverse=False)
    after: dict[int, Item] = dict(zip(body.moving, found))
    after |= {i: call.item(2 + i) for i in body.same}
    after |= {i: like(call.item(2 + i), body.counted(i, count)) for i in body.steps}
    return [*[after[i] for i in sorted(after)], *found[len(body.moving) :]]


def _least(call: Call, counts: Sequence[Dim]) -> Dim:
    """The least number of runs, if it is known which of them it is."""
    if not counts:
        return call.not_supported(UNTIL)
    found = counts[0]
    for one in counts[1:]:
        order = compare(one, found)
        if order is None:
            return call.not_supported("two ends, and sizes decide which comes first")
        found = one if order < 0 else found
    return found


class Body:
    """The body of a loop, with its states by number: those that stay the same, that count, and that move."""

    def __init__(self, call: Call, graph: Graph) -> None:
        self.call, self.graph = call, graph
        self.inputs = [port.name for port in graph.inputs]
        self.outputs = [port.name for port in graph.outputs]
        states = range(len(self.inputs) - 2)
        if len(states) != len(call.inputs) - 2 or len(self.outputs) <= len(states):
            raise Refusal(
                "E1001", f"the body of `Loop` has {len(self.inputs)} inputs for {len(call.inputs) - 2} states"
            )
        self.makers = {name: node for node in graph.nodes for name in node.outputs}
        self.aliases: dict[str, str] = {}
        for node in graph.nodes:
            if node.op == "Identity" and node.inputs:
                self.aliases |= {name: self.behind(node.inputs[0]) for name in node.outputs}
        self.same = [i for i in states if self.behind(self.outputs[1 + i]) == self.inputs[2 + i]]
        numbers = [i for i in states if i not in self.same and is_number(call.given(2 + i))]
        steps = {i: self._step(i) for i in numbers[:MOST]}
        self.steps = {i: step for i, step in steps.items() if step is not None}
        """States that count -> by how much in each run."""
        self.moving = [i for i in states if i not in self.same and i not in self.steps]
        self.wanted = [self.outputs[1 + i] for i in self.moving] + self.outputs[1 + len(states) :]
        """What a run gives."""

    def behind(self, name: str) -> str:
        """The name of what this one is, before nodes that do nothing."""
        return self.aliases.get(name, name)

    def before(self, names: Iterable[str]) -> list[Node]:
        """The nodes that some values depend on."""
        queue = list(names)
        needed: set[int] = set()
        for name in queue:
            node = self.makers.get(name)
            if node is not None and id(node) not in needed:
                needed.add(id(node))
                queue += entering(node)
        return [node for node in self.graph.nodes if id(node) in needed]

    # numbers

    def probe(self, names: Sequence[str], given: Mapping[str, Item]) -> list[Any] | None:
        """Values of a run as numbers, where they follow from what is known and given."""
        around: dict[str, Item] = {self.inputs[1]: Known("bool", (), fill=True)}
        around |= {self.inputs[2 + i]: self.call.item(2 + i) for i in self.same}
        found = self.call.probe(part(self.graph, self.before(names), names), {**around, **given})
        single = found is not None and all(one.plain and one.elements == 1 for one in found)
        return [number(one) for one in found or ()] if single else None

    def _linear(self, names: Sequence[str], of: Iterable[str]) -> bool:
        """Whether some values are linear functions of numbers."""
        changing = {*of}
        for node in self.before(names):
            depends = [name for name in entering(node) if name in changing]
            if not depends:
                continue
            if node.op not in LINEAR or node.domain or (node.op == "Mul" and len(depends) > 1):
                return False
            if node.op == "Cast" and ELEMENTS.get(node.attributes.get("to", 0)) not in COUNTED:
                return False
            changing.update(node.outputs)
        return True

    def _step(self, state: int) -> Any:
        """By how much a state grows in each run. If it is linear in itself and the number of the run, two runs tell."""
        start, name, after = self.call.item(2 + state), self.inputs[2 + state], [self.outputs[1 + state]]
        if not self._linear(after, [name, self.inputs[0]]):
            return None
        seen = [number(start)]
        for run in range(2):
            found = self.probe(after, {name: like(start, seen[-1]), self.inputs[0]: Known("i64", (), fill=run)})
            if found is None:
                return None
            seen += found
        steps = [whole(subtract(seen[i + 1], seen[i])) for i in range(2)]
        return steps[0] if steps[0] == steps[1] else None

    def counted(self, state: int, run: Dim) -> Any:
        """A state that counts, before a run."""
        return whole(add(number(self.call.item(2 + state)), multiply(self.steps[state], run)))

    def ends(self) -> list[Dim]:
        """After how many runs each part of the condition ends the loop; none that never does."""
        queue, found = [self.outputs[0]], list[Dim]()
        for name in queue:
            node = self.makers.get(self.behind(name))
            if len(queue) > MOST:
                return self.call.not_supported(UNTIL)
            if node is not None and node.op in ("Cast", "And", "Squeeze"):
                queue += node.inputs[: 1 + (node.op == "And")]
            elif node is not None and node.op in COMPARED:
                found += self._compared(node)
            else:
                known = self.probe([name], {})
                if known is None:
                    return self.call.not_supported(UNTIL)
                found += [] if known[0] else [1]
        return found

    def _compared(self, node: Node) -> list[Dim]:
        gaps = []
        names = {self.inputs[2 + i]: i for i in self.steps}
        sign, more = COMPARED[node.op]
        for run in range(2):
            given: dict[str, Item] = {
                name: like(self.call.item(2 + i), self.counted(i, run)) for name, i in names.items()
            }
            found = self.probe(node.inputs, {**given, self.inputs[0]: Known("i64", (), fill=run)})
            if found is None or not self._linear(node.inputs, [*names, self.inputs[0]]):
                return self.call.not_supported(UNTIL)
            gaps.append(whole(add(multiply(subtract(found[1], found[0]), sign), more)))
        return self._runs(gaps[0], whole(subtract(gaps[1], gaps[0])))

    def _runs(self, gap: Any, step: Any) -> list[Dim]:
        """It goes on behind a run while ``gap + step * run`` is above 0."""
        if isinstance(gap, int) and isinstance(step, int) and (step >= 0 or gap <= 0):
            return [] if gap > 0 else [1]
        if not isinstance(gap, int | Expr) or not isinstance(step, int) or step >= 0 or compare(gap, step) != 1:
            return self.call.not_supported(UNTIL)
        return [floordiv(gap - step - 1, -step) + 1]

    # a run

    def run(self, states: Sequence[Value], slices: Sequence[Value]) -> list[Item]:
        """The nodes of a run, without those that only count, and what it gives."""
        needed = {id(node) for node in self.before(self.wanted)}
        counting = [self.outputs[0]] + [self.outputs[1 + i] for i in (*self.same, *self.steps)]
        spent = {id(node) for node in self.before(counting)} - needed
        nodes = [node for node in self.graph.nodes if id(node) not in spent]
        used = {name for node in nodes for name in entering(node)} | {*self.wanted}
        given: dict[str, Item] = {self.inputs[0]: slices[0], self.inputs[1]: Known("bool", (), fill=True)}
        given |= {self.inputs[2 + i]: self.call.item(2 + i) for i in self.same}
        given |= {self.inputs[2 + i]: value for i, value in zip(self.moving, states)}
        given |= {self.inputs[2 + i]: self._counting(i, slices[0]) for i in self.steps if self.inputs[2 + i] in used}
        return self.call.run_graph(part(self.graph, nodes, self.wanted), given)

    def _counting(self, state: int, run: Value) -> Value:
        """A state that counts, from the number of the run."""
        call, start, value = self.call, self.call.item(2 + state), run
        for op, by, nothing in (("mul", self.steps[state], 1), ("add", number(start), 0)):
            if by != nothing:
                value = call.apply(op, value, call.as_value(like(Known("i64", ()), by), "step"))
        assert isinstance(start, Known)
        rank, dtype = len(start.shape), start.dtype
        value = call.apply("reshape", value, to=[1] * rank) if rank else value
        return value if dtype == "i64" else call.apply("cast", value, dtype=dtype)


def is_number(item: Item | None) -> bool:
    """Whether it is one integer that is known."""
    return (
        isinstance(item, Known) and item.dtype in COUNTED and item.dtype[0] == "i" and item.plain and item.elements == 1
    )


def number(item: Item) -> Any:
    """The one element of a known tensor; a float that is whole as an integer."""
    assert isinstance(item, Known)
    return whole(item.array().ravel().tolist()[0])


def whole(found: Any) -> Any:
    """A float that is an integer as one."""
    return int(found) if isinstance(found, float) and found.is_integer() else found


def like(item: Item, value: Any) -> Known:
    """A tensor of the type of a known one, with one element."""
    import numpy as np

    assert isinstance(item, Known)
    array = np.empty(item.sizes, object if isinstance(value, Expr) else None)
    array[...] = value
    return Known(item.dtype, item.shape, array=array.astype(object if isinstance(value, Expr) else "i8"))


def entering(node: Node) -> list[str]:
    """The names that a node takes, those of graphs in it too."""
    names = list(node.inputs)
    for one in node.attributes.values():
        if isinstance(one, Graph):
            names += [name for inner in one.nodes for name in entering(inner)] + [port.name for port in one.outputs]
    return names


def part(graph: Graph, nodes: Sequence[Node], outputs: Iterable[str]) -> Graph:
    """Some nodes of a graph, with some of its values as outputs."""
    made = Graph()
    made.nodes, made.initialisers, made.values = [*nodes], graph.initialisers, graph.values
    ports = {port.name: port for port in graph.outputs}
    made.outputs = [ports.get(name) or Port(name, "", None) for name in outputs]
    return made
