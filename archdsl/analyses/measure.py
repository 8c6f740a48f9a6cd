"""The quantities of the cost model: of a net, of a labelled part of it, or of what a tap needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cached_property, partial
from typing import Any

from archdsl.analyses import memory, rows as work
from archdsl.analyses.arena import arena
from archdsl.analyses.at_binding import Bound
from archdsl.analyses.depth import ancestors, depths, scopes, within
from archdsl.analyses.field import AtMost, Field
from archdsl.analyses.field_entries import Open, Seen, size
from archdsl.analyses.receptive_field import ReceptiveFields, receptive_fields
from archdsl.diagnostics import Refusal, did_you_mean
from archdsl.dim_faults import needs_sizes, to_give
from archdsl.dim_text import brief
from archdsl.dims import Dim
from archdsl.graph import Graph, Node, Value
from archdsl.ops.base import Work
from archdsl.record import Record

Amount = Dim | Fraction | AtMost | tuple[Dim | Fraction | AtMost | None, ...]


class Quantity(Record):
    """What can be measured: its unit (empty for numbers) and its definition in a line."""

    unit: str
    doc: str


QUANTITIES: dict[str, Quantity] = {
    "params": Quantity("", "elements of all trainable parameters; shared ones once"),
    "active_params": Quantity("", "of `params` those that one position meets: of `sparse` branches the chosen ones"),
    "buffers": Quantity("", "elements of running statistics and of frozen weights"),
    "weights": Quantity("bytes", "bytes of parameters and buffers"),
    "macs": Quantity("", "multiply-accumulates of contractions"),
    "adds": Quantity("", "additions outside of contractions"),
    "muls": Quantity("", "multiplications outside of contractions"),
    "comparisons": Quantity("", "comparisons"),
    "specials": Quantity("", "exponentials, logarithms, tanh, erf, divisions, roots"),
    "flops": Quantity("", "2 * macs + adds + muls + specials"),
    "activations": Quantity("bytes", "the outputs of all operators"),
    "activation_elements": Quantity("", "elements of the outputs of all operators"),
    "peak_activations": Quantity("bytes", "largest sum of live tensors, fusion level full"),
    "arena": Quantity("bytes", "what a best-fit static allocator needs, fusion level full"),
    "states": Quantity("bytes", "what a call of the model hands to the next: caches"),
    "traffic": Quantity("bytes", "bytes read and written, fusion level full"),
    "intensity": Quantity("FLOP/byte", "flops / traffic"),
    "depth": Quantity("", "layers with weights on the longest path"),
    "nodes": Quantity("", "operators"),
    "receptive_field": Quantity("", "input positions that one position of the last map sees, along maps"),
    "stride": Quantity("", "distance between the fields of neighbouring positions of that map"),
}
"""The names that ``expect`` and ``budget`` understand."""


class Subject(Record):
    """A quantity of the net, of a part or at a tap; as text ``macs of stem``, ``receptive_field at layer3``."""

    quantity: str
    part: str | None = None
    tap: str | None = None

    def __str__(self) -> str:
        return self.quantity + (f" of {self.part}" if self.part else "") + (f" at {self.tap}" if self.tap else "")


class Measurement(Record):
    """A measured value. ``partial``: the work of some operator is not known, so the value is a lower bound."""

    quantity: str
    value: Amount
    partial: bool = False


class Measures:
    """Measures one graph at one binding; analyses run when first needed, and once. ``known``: what `of` gave."""

    def __init__(
        self, graph: Graph, binding: Mapping[str, int] | None = None, *, symbolic: bool = False, fixed: bool = False,
        known: dict[Subject, Measurement] | None = None,
    ) -> None:  # fmt: skip
        self.graph = graph
        self._known = {} if known is None else known
        self._bound = partial(Bound, graph, binding, symbolic=symbolic, fixed=fixed)

    @cached_property
    def bound(self) -> Bound:
        """The graph at the binding."""
        return self._bound()

    @cached_property
    def rows(self) -> tuple[work.Row, ...]:
        """The cost columns of every operator."""
        return work.rows(self.bound)

    @cached_property
    def works(self) -> dict[Node, Work | None]:
        """The arithmetic of each node."""
        return self.bound.works

    @cached_property
    def row_of(self) -> dict[Node, work.Row]:
        """The row of each node."""
        return {row.node: row for row in self.rows}

    @cached_property
    def schedule(self) -> memory.Schedule:
        """The buffers at fusion level ``full``."""
        return memory.schedule(self.bound)

    @cached_property
    def fields(self) -> ReceptiveFields:
        """The receptive fields of all values."""
        return receptive_fields(self.bound)

    def of(self, quantity: str, part: str | None = None, tap: str | None = None) -> Measurement:
        """One quantity: of the net, of the operators under ``part``, or ``at`` a tap (what computing it takes).

        Refuses unknown quantities, parts and taps, and what a symbol without a value leaves open.
        """
        if quantity not in QUANTITIES:
            raise Refusal(
                "E0201", f"there is no quantity `{quantity}`",
                help=did_you_mean(quantity, QUANTITIES, "quantities: " + ", ".join(QUANTITIES)),
            )  # fmt: skip
        if (it := Subject(quantity, part, tap)) not in self._known:
            at = None if tap is None else self.value_at(tap)
            self._known[it] = _Scope(self, self._nodes(part), at).measure(quantity)
        return self._known[it]

    def nodes(self, part: str | None = None, tap: str | None = None) -> Sequence[Node]:
        """The operators that a quantity of ``part`` at ``tap`` is measured over."""
        return _Scope(self, self._nodes(part), None if tap is None else self.value_at(tap)).nodes

    def _nodes(self, part: str | None) -> list[Node] | None:
        if part is None:
            return None
        found = within(self.graph, part)
        if not found:
            raise _unknown("part", part, scopes(self.graph))
        return found

    def value_at(self, tap: str) -> Value:
        """The value of an input, an output or a label; the last one under a scope. Refuses (E0201) other names."""
        found = self._named.get(tap) or self._last.get(tap)
        if found is None:
            raise _unknown("label", tap, [*self._named, *scopes(self.graph)])
        return found

    @cached_property
    def _named(self) -> dict[str, Value]:
        """Inputs, outputs and labels, those in bodies included."""
        inputs = {value.name: value for value in self.graph.inputs}
        return inputs | self.graph.outputs | self.graph.all_taps()

    @cached_property
    def _last(self) -> dict[str, Value]:
        """The last value under each scope."""
        found: dict[str, Value] = {}
        for node in reversed(self.bound.nodes):
            path = node.path
            while path and path not in found:
                found[path] = node.outputs[0]
                path = path.rpartition(".")[0]
        return found


def measure(
    graph: Graph, quantity: str, part: str | None = None, tap: str | None = None,
    binding: Mapping[str, int] | None = None,
) -> Amount:  # fmt: skip
    """One quantity of a graph at its defaults or a binding. For several, keep a :class:`Measures`.

    Receptive fields and strides are one number where all spatial axes agree, else a tuple (``None``: the whole axis,
    ``AtMost``: an upper bound).
    """
    return Measures(graph, binding).of(quantity, part, tap).value


def show(quantity: str, value: Any) -> str:
    """A value as the reader would write it: ``300,774,272``, ``5.74 MiB``."""
    if isinstance(value, tuple):
        return "[" + ", ".join("all" if v is None else show(quantity, v) for v in value) + "]"
    if not isinstance(value, int | float | Fraction):
        return brief(value)
    if QUANTITIES[quantity].unit == "bytes":
        size = f" ({float(value) / 2**20:.2f} MiB)" if 2**20 <= value < 2**100 else ""
        return f"{round(value):,}{size}"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{float(value):,.6g}"


def plain(value: Any) -> Any:
    """A value for JSON: integers as they are, polynomials as text, fractions as floats."""
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, tuple):
        return [plain(v) for v in value]
    if isinstance(value, AtMost) and value.value is not None:
        return f"at most {value.value}"
    return float(value) if isinstance(value, Fraction | float) else str(value)


class _Scope:
    """Some nodes of a graph, and the value that stands for their result."""

    def __init__(self, measures: Measures, part: list[Node] | None, tap: Value | None) -> None:
        self.m = measures
        self.part = part
        self.tap = tap
        nodes: Sequence[Node] = measures.bound.nodes if part is None else part
        if tap is not None:
            needed = ancestors(tap, measures.graph)
            nodes = [node for node in nodes if node in needed]
        self.nodes = nodes

    def measure(self, quantity: str) -> Measurement:
        work_column = _WORK.get(quantity)
        if work_column is not None:
            works = [self.m.works[node] for node in self.nodes]
            return Measurement(quantity, _sum([work_column(w) for w in works if w is not None]), None in works)
        if quantity == "intensity":
            flops = self.measure("flops")
            return Measurement(quantity, _ratio(flops.value, self.traffic()), flops.partial)
        value: Amount = len(self.nodes) if quantity == "nodes" else getattr(self, quantity)()
        return Measurement(quantity, value, quantity in _SEEN and any(node.op.foreign for node in self.nodes))

    @cached_property
    def held(self) -> work.Holding:
        return work.holding({p.path: p for node in self.nodes for p in node.params.values()}.values())

    def params(self) -> Dim:
        return self.held.params

    def active_params(self) -> Dim:
        if not self.m.bound.idle:
            return self.held.params
        met = {p.path: p for node in self.nodes if node not in self.m.bound.idle for p in node.params.values()}
        return work.holding(met.values()).params

    def buffers(self) -> Dim:
        return self.held.buffers

    def weights(self) -> Dim:
        return self.held.bytes

    def activations(self) -> Dim:
        return _sum([self.m.row_of[node].out_bytes for node in self.nodes])

    def activation_elements(self) -> Dim:
        return _sum([self.m.row_of[node].out_elements for node in self.nodes])

    def peak_activations(self) -> Dim:
        whole = self.part is None and self.tap is None
        steps = None if whole else [self.m.bound.steps[node] for node in self.nodes]
        return memory.peak(self.m.schedule, steps).bytes if steps != [] else 0

    def arena(self) -> int:
        if self.part is not None or self.tap is not None:
            raise Refusal("E0204", "`arena` can be measured for the whole network only, not for a part of it")
        return arena(self.m.schedule).size

    def states(self) -> Dim:
        read = {value for node in self.nodes for value in node.inputs}
        return _sum([self.m.bound.bytes[v] for v in self.m.graph.inputs if v.name in self.m.graph.states and v in read])

    def traffic(self) -> Dim:
        return _sum([memory.traffic(self.m.bound, self.m.schedule, node) for node in self.nodes])

    def depth(self) -> int:
        found = depths(self.nodes, self.m.bound)
        return max(found.values(), default=0)

    def receptive_field(self) -> Amount:
        return _one([_settled(size(seen)) for seen in self._fields()])

    def stride(self) -> Amount:
        return _one([_settled(seen.jump if isinstance(seen, Field) else size(seen)) for seen in self._fields()])

    def _fields(self) -> tuple[Seen, ...]:
        fields = self.m.fields if self.part is None else receptive_fields(self.m.bound, self.part)
        return fields.at(self.tap if self.tap is not None else self._last(fields))

    def _last(self, fields: ReceptiveFields) -> Value:
        if self.part is not None:
            end = self.part[-1].outputs[0]
        else:
            end = next((v for v in self.m.graph.outputs.values() if v in fields), self.m.graph.values()[0])
        return fields.last_map(end, self.nodes)


_WORK: dict[str, Callable[[Work], Dim]] = {
    "macs": lambda w: w.mac,
    "adds": lambda w: w.add,
    "muls": lambda w: w.mul,
    "comparisons": lambda w: w.cmp,
    "specials": lambda w: w.special,
    "flops": work.flops,
}

_SEEN = frozenset({"depth", "receptive_field", "stride"})
"""Figures of what happens inside of operators, which are lower bounds where one is foreign."""


def _sum(dims: Sequence[Dim]) -> Dim:
    total: Dim = 0
    for dim in dims:
        total = total + dim
    return total


def _ratio(above: Amount, below: Dim) -> Fraction:
    if not isinstance(above, int) or not isinstance(below, int):
        raise needs_sizes("`intensity`", [above, below])
    return Fraction(above, below) if below else Fraction(0)


def _settled(value: Dim | Fraction | AtMost | Open | None) -> Dim | Fraction | AtMost | None:
    """A figure of a receptive field; refuses (E0307) one that depends on a symbol."""
    if isinstance(value, Open):
        raise Refusal(
            "E0307", f"the receptive field depends on `{value.symbol}` from `{value.node.path}` on",
            help=to_give([value.symbol]),
        )  # fmt: skip
    return value


def _one(values: Sequence[Dim | Fraction | AtMost | None]) -> Amount:
    first = values[0] if values else None
    return first if first is not None and all(v == first for v in values) else tuple(values)


def _unknown(what: str, name: str, candidates: Sequence[str]) -> Refusal:
    return Refusal("E0201", f"there is no {what} `{name}`", help=did_you_mean(name, candidates))
