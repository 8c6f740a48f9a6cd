"""The memory of a network: live tensors at every step, the peak, and the places of buffers in an arena."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from archdsl.analyses.arena import Arena, arena
from archdsl.analyses.at_binding import Bound
from archdsl.analyses.contributions import line_of
from archdsl.analyses.kept import kept
from archdsl.analyses.memory import LEVELS, Buffer, Peak, Schedule, peak, schedule
from archdsl.dim_faults import needs_sizes
from archdsl.dims import Dim
from archdsl.graph import Graph, Node, Value
from archdsl.record import Record
from archdsl.shown import Charted

DTYPES = ("f32", "f16", "bf16", "i8")
"""The element types for which figures are given, in addition to the one as written."""


class Kernel(Record):
    """One step of the schedule: an operator, together with what is fused into it."""

    step: int
    node: Node
    live: int
    """Bytes of all tensors that are live while it runs."""
    made: int
    """Those of them that it makes."""


class Tensor(Record):
    """A tensor in memory at some step."""

    value: Value
    buffer: Buffer
    bytes: int

    @property
    def maker(self) -> Node | None:
        """The operator that makes it; ``None`` for an input."""
        return self.value.producer


class Figures(Record):
    """What one plan needs, in bytes."""

    weights: int
    peak: int
    arena: int

    @property
    def slack(self) -> float:
        """By which part the arena is larger than the peak: what fragmentation costs."""
        return self.arena / self.peak - 1 if self.peak else 0.0


class Memory(Charted, report="archdsl.report.memory:MemoryReport"):
    """The memory of a graph at a fusion level (``none``, ``act``, ``full``).

    ``dtype`` takes the place of all floating-point element types, ``None`` leaves them as written. Refuses (E0307)
    sizes that depend on a symbol without a value. Linear in the graph, but for sorting.
    """

    def __init__(
        self, graph: Graph, binding: Mapping[str, int] | None = None, *, level: str = "full", dtype: str | None = None
    ) -> None:
        self.graph = graph
        self.level = level
        self.dtype = dtype
        self.binding = binding
        self.bound = Bound(graph, binding, dtype=dtype)
        self.plan: Schedule = schedule(self.bound, level)
        self.arena: Arena = arena(self.plan)
        self.peak: Peak = peak(self.plan)

    @cached_property
    def kernels(self) -> tuple[Kernel, ...]:
        """The steps in order; views and operators that are fused into another kernel have no step of their own."""
        made = [0] * self.plan.steps
        for buffer in self.plan.buffers:
            if not buffer.external:
                made[buffer.start] += _bytes(buffer.size)
        profile = self.plan.profile()
        return tuple(
            Kernel(step, node, _bytes(profile[step]), made[step])
            for step, node in enumerate(self.bound.nodes)
            if self.plan.kernels.get(node) is node
        )

    @cached_property
    def live(self) -> tuple[Tensor, ...]:
        """The tensors that make the peak, largest first: what their memory holds while that step runs."""
        step_of = self.bound.steps
        found = []
        for buffer in self.peak.buffers:
            held = [v for v in buffer.values if v.producer is None or step_of[v.producer] <= self.peak.step]
            # the results of a node with a body are there before the node is
            found.append(Tensor(held[-1] if held else buffer.values[0], buffer, _bytes(buffer.size)))
        return tuple(found)

    @property
    def at(self) -> str:
        """The path of the operator at which memory peaks."""
        return path_at(self.graph, self.peak.step)

    @cached_property
    def figures(self) -> Figures:
        """What the plan at this level and element type needs."""
        return Figures(self.weights, _bytes(self.peak.bytes), self.arena.size)

    @cached_property
    def weights(self) -> int:
        """Bytes of parameters and buffers."""
        return sum(_bytes(self.bound.stored(p.type).bytes) for p in self.graph.parameters().values())

    @cached_property
    def kept(self) -> int:
        """What ONNX Runtime holds at its worst moment on a CPU, whatever the fusion level."""
        return kept(self.bound)

    @cached_property
    def by_level(self) -> dict[str, Figures]:
        """The figures at every fusion level."""
        return {level: self._also(level, self.dtype).figures for level in LEVELS}

    @cached_property
    def by_dtype(self) -> dict[str, Figures]:
        """The figures in every element type; ``as written`` first where some tensor has another one than f32."""
        floats = {value.type.dtype for value in self.graph.values()} - {"f32"}
        names = [*(["as written"] if floats else []), *DTYPES]
        return {name: self._also(self.level, None if name == "as written" else name).figures for name in names}

    def _also(self, level: str, dtype: str | None) -> Memory:
        if (level, dtype) == (self.level, self.dtype):
            return self
        return Memory(self.graph, self.binding, level=level, dtype=dtype)


def path_at(graph: Graph, step: int) -> str:
    """The path of the operator at a step; the step after the last operator is that of the outputs."""
    nodes = graph.all_nodes()
    return nodes[step].path if step < len(nodes) else "outputs"


def source_line(node: Node) -> tuple[str, str]:
    """Where the reader's text makes a node: ``specs/resnet.arch:31``, and the text there on one line."""
    frames = node.origin.frames()
    outermost = frames[-1].span if frames else node.origin.span
    span = line_of(node, outermost.source if outermost is not None else None)
    return ("", "") if span is None else (f"{span.source.name}:{span.line}", " ".join(span.text.split()))


def groups(kernels: Sequence[Kernel], most: int) -> list[Sequence[Kernel]]:
    """At most ``most`` runs of kernels, as long as one another (the last may be shorter)."""
    length = max(1, -(-len(kernels) // most))
    return [kernels[i : i + length] for i in range(0, len(kernels), length)]


def _bytes(size: Dim | Any) -> int:
    if not isinstance(size, int):
        raise needs_sizes("memory", [size])
    return size
