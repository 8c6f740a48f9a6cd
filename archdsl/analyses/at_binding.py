"""Types at a binding, from which costs are computed.

Rules of operators are called with the types at a binding. With all symbols bound that is plain integer
arithmetic; symbols left free give polynomials by the same rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from typing import Any

from archdsl import dims
from archdsl.dims import Dim, Expr
from archdsl.element_types import FLOATS
from archdsl.graph import Graph, Node, Value
from archdsl.ops.base import Op, Work
from archdsl.ops.look import AxisWindow, OneWindow, Window, same
from archdsl.ops.operand_checks import times
from archdsl.shapes import TensorType
from archdsl.tape.sized import at_sizes, counts

BATCH = "N"
"""The batch; costs are reported for one sample unless a batch is given."""


class Bound:
    """A graph's value types with symbols replaced.

    ``binding`` overrides the graph's own defaults; ``N`` is 1 where neither says otherwise. ``symbolic`` binds nothing.
    ``dtype`` takes the place of every floating-point element type: what the same net would need in it. ``fixed``: the
    sizes are known also to the runtime that loads the model, so that it computes then what they alone decide.
    """

    def __init__(
        self,
        graph: Graph,
        binding: Mapping[str, int] | None = None,
        *,
        symbolic: bool = False,
        dtype: str | None = None,
        fixed: bool = False,
    ) -> None:
        self.graph = graph
        self.dtype = dtype
        self.binding: dict[str, Dim] = {} if symbolic else {BATCH: 1, **graph.defaults, **(binding or {})}
        self.binding |= counts(graph, self.binding) if self.binding else {}
        self._windows: dict[tuple[object, ...], Window] = {}
        self._alike: dict[Node, int] = {}
        self._ends: dict[Node, tuple[tuple[TensorType, ...], tuple[TensorType, ...]]] = {}
        self._numbers: dict[tuple[object, ...], int] = {}
        self._fixed = fixed
        types, self._steps = (
            at_sizes(graph, self.binding) if self.binding else ({value: value.type for value in graph.values()}, {})
        )
        self._types = types if dtype is None else {value: self.stored(type) for value, type in types.items()}

    def of(self, graph: Graph) -> Bound:
        """Another graph of the same values, at the same sizes; these must be known, also to the runtime that loads it,
        so that it computes what they alone decide.
        """
        sizes = {name: size for name, size in self.binding.items() if isinstance(size, int)}
        return Bound(graph, sizes, dtype=self.dtype, fixed=True)

    def stored(self, type: TensorType) -> TensorType:
        """A type with the element type that the figures are for."""
        return type if self.dtype is None or type.dtype not in FLOATS else TensorType(self.dtype, type.shape)

    def op(self, node: Node) -> Op:
        """A node's operator, with its arguments under the binding."""
        step = self._steps.get(node)
        return node.op if step is None else step.op

    def type(self, value: Value) -> TensorType:
        """The type of a value."""
        return self._types[value]

    def types(self, values: Iterable[Value]) -> tuple[TensorType, ...]:
        """The types of several values."""
        return tuple([self._types[value] for value in values])

    @cached_property
    def bytes(self) -> dict[Value, Dim]:
        """The size of every value in bytes."""
        return {value: type.bytes for value, type in self._types.items()}

    def dim(self, dim: Dim) -> Dim:
        """A dimension under the binding."""
        return dim if isinstance(dim, int) else dims.evaluate(dim, self.binding)

    @cached_property
    def nodes(self) -> list[Node]:
        """All nodes in order of use, those of a body in front of the node that holds it."""
        return self.graph.all_nodes()

    @cached_property
    def steps(self) -> dict[Node, int]:
        """The place of each node in that order."""
        return {node: step for step, node in enumerate(self.nodes)}

    @cached_property
    def settled(self) -> frozenset[Node]:
        """The nodes that depend on parameters and constants alone, such as a transposed weight: what runs a model
        computes them once, when it loads it, so that their results are weights and no activations.
        """
        found: set[Node] = set()
        for node in self.nodes:
            alone = node.body is None and not node.op.draws and all(value.producer in found for value in node.inputs)
            sizes = [size for value in node.outputs for size in value.type.shape]
            if alone and (self._fixed or not node.inputs or all(isinstance(size, int) for size in sizes)):
                found.add(node)
        return frozenset(found)

    @cached_property
    def runs(self) -> dict[Node, Dim]:
        """How often the nodes of bodies run in one inference; all others run once."""
        found: dict[Node, Dim] = {}
        for holder in reversed(self.graph.holders()):  # those around others come first
            assert holder.body is not None
            count = self.op(holder).runs(self.types(holder.inputs)) * found.get(holder, 1)
            found.update(dict.fromkeys(holder.body.nodes, count))
        return found

    @cached_property
    def idle(self) -> frozenset[Node]:
        """Nodes of branches that are not chosen: all that they make goes into other such nodes, or is an input that a
        join does not choose (its ``chooses``).
        """
        if not any(node.op.chooses for node in self.nodes):
            return frozenset()
        busy = {*self.graph.outputs.values()}
        found: set[Node] = set()
        for node in reversed(self.nodes):
            if node.outputs and busy.isdisjoint(node.outputs):
                found.add(node)
                continue
            if node.body is not None:
                busy |= {*node.body.outputs.values()}
            chosen = getattr(node.op, node.op.chooses) if node.op.chooses else len(node.inputs)
            busy |= {*node.inputs[:chosen], *node.inputs[len(node.inputs) - _named(node.op) :]}
        return frozenset(found)

    def work(self, node: Node) -> Work | None:
        """The arithmetic of a node in all of its runs; ``None``: not known. What is not chosen has none."""
        return self.works[node]

    @cached_property
    def works(self) -> dict[Node, Work | None]:
        """The arithmetic of every node, as :meth:`work` gives it."""
        found: dict[Node, Work | None] = {}
        known: dict[object, Work | None] = {}
        """By identity: repeated blocks share operators and types."""
        types, steps, runs, idle = self._types, self._steps, self.runs, self.idle
        for node in self.nodes:
            if node in idle:
                found[node] = Work()
                continue
            step = steps.get(node)
            key = id(step) if step is not None else (id(node.op), *[id(types[value]) for value in node.inputs])
            if key not in known:
                work = _work(self.op(node), self.types(node.inputs), self.types(node.outputs))
                known[key] = None if work is None else _each(work, self.dim)
            work = known[key]
            found[node] = work if work is None or node not in runs else times(work, runs[node])
        return found

    def window(self, node: Node, source: int = 0, result: int = 0) -> Window:
        """How one of a node's results looks at one of its inputs."""
        if node not in self._alike:  # nodes of one operator and of equal types have one number
            like = (id(self.op(node)), self.types(node.inputs))  # of a join, which has a window for each input, once
            self._alike[node] = self._numbers.setdefault(like, len(self._numbers))
        key = (self._alike[node], source, result)
        if key not in self._windows:
            if node not in self._ends:  # a wide join is asked once for each of its inputs
                self._ends[node] = self.types(node.inputs), self.types(node.outputs)
            found = self.op(node).looks(*self._ends[node], source, result)
            self._windows[key] = tuple([self._axis(axis) for axis in found])
        return self._windows[key]

    def _axis(self, window: OneWindow) -> OneWindow:
        """A window at the binding; the same object for all that pass an axis through."""
        if isinstance(window, AxisWindow) and window == same(window.axis):
            return same(window.axis)
        found: OneWindow = None if window is None else _each(window, self.dim)
        return found

    @property
    def free(self) -> tuple[str, ...]:
        """Symbols that the binding leaves open, sorted."""
        found: set[str] = set()
        for value in self.graph.inputs:
            for size in self._types[value].shape:
                found |= dims.symbols(size)
        return tuple(sorted(found))


def _named(op: Op) -> int:
    """How many tensors an operator is given by name."""
    return sum(getattr(op, name) or 0 for name in op.operands)


@lru_cache(maxsize=20_000)
def _work(op: Op, ins: tuple[TensorType, ...], outs: tuple[TensorType, ...]) -> Work | None:
    """An operator's arithmetic: networks repeat one another's operators."""
    return op.work(ins, outs)


def _each(record: Any, dim: Any) -> Any:
    """A record with its symbolic fields evaluated."""
    changes = {name: dim(value) for name, value in vars(record).items() if isinstance(value, Expr)}
    return record.replace(**changes) if changes else record
