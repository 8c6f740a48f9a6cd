"""A graph as plain figures, by which two versions of a network are compared, and which a baseline file keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar

from archdsl.analyses.measure import QUANTITIES, Measures, Subject, plain
from archdsl.diagnostics import Refusal
from archdsl.graph import Graph, Node
from archdsl.process import collector_paused
from archdsl.record import Record
from archdsl.source import Frame, Span


class Application(Record):
    """One application of a block: its name, what its parameters came to, and the application it is inside of."""

    name: str
    settings: Mapping[str, str]
    parent: int | None


class Layer(Record):
    """One operator; figures that depend on a symbol are ``None``."""

    _uncompared: ClassVar[frozenset[str]] = frozenset({"span"})
    path: str
    op: str
    config: Mapping[str, str]
    output: str
    params: int | None
    macs: int | None
    bytes: int | None
    block: int | None
    """The innermost application that made it, as an index."""
    span: Span | None = None
    """The line of the main text that led to it, where there is a text."""

    def figure(self, quantity: str) -> int:
        """Its part of a figure that layers are compared by."""
        value = {"params": self.params, "macs": self.macs}.get(quantity, self.bytes)
        return value or 0


class Demand(Record):
    """A bound: of the spec (``expect``, ``budget``), or of the project (``project``, ``warn``), also on growth."""

    kind: str
    subject: str
    op: str
    bound: Any
    """As plain data: a number, a polynomial as text, or what may be added (``2 %``)."""

    def __str__(self) -> str:
        return (
            f"{self.subject} {self.op} {self.bound:,}"
            if isinstance(self.bound, int)
            else " ".join(map(str, (self.subject, self.op, self.bound)))
        )


class Snapshot(Record):
    """A network at its default sizes."""

    name: str
    quantities: Mapping[str, Any]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]
    blocks: tuple[Application, ...]
    layers: tuple[Layer, ...]
    opset: int | None = None
    """The ONNX operator set that it needs, where somebody asked."""
    sees_all: str | None = None
    """The first operator that sees the whole input, whatever the receptive field along maps."""
    absent: frozenset[str] = frozenset()
    """Of the quantities that were asked for, those of a part or label that the network does not have."""
    demands: tuple[Demand, ...] = ()
    """What it was held to, where somebody asked."""
    partial: frozenset[str] = frozenset()
    """The quantities that are lower bounds, because the work of some operator is not known."""

    def chain(self, layer: Layer) -> list[int]:
        """The applications a layer is in, outermost first."""
        found = []
        index = layer.block
        while index is not None:
            found.append(index)
            index = self.blocks[index].parent
        return found[::-1]

    @cached_property
    def sizes(self) -> list[int]:
        """How many layers are in each application."""
        found = [0] * len(self.blocks)
        for layer in self.layers:
            if layer.block is not None:
                found[layer.block] += 1
        for index in range(len(found) - 1, -1, -1):
            parent = self.blocks[index].parent
            if parent is not None:
                found[parent] += found[index]
        return found


@collector_paused()
def snapshot(
    graph: Graph, opset: int | None = None, more: Iterable[Subject] = (), demands: Iterable[Demand] = ()
) -> Snapshot:
    """The figures of a graph: all quantities of the net, and ``more``.

    What a symbol leaves open, or is of a part that the graph does not have (``absent``), is ``None``.
    """
    measures = Measures(graph)
    quantities: dict[str, Any] = {}
    absent: set[str] = set()
    partial: set[str] = set()
    for subject in (*map(Subject, QUANTITIES), *more):
        try:
            found = measures.of(subject.quantity, subject.part, subject.tap)
            quantities[str(subject)] = plain(found.value)
            partial |= {str(subject)} if found.partial else set()
        except Refusal as refusal:
            quantities[str(subject)] = None
            absent |= {str(subject)} if refusal.code == "E0201" else set()
    blocks = _Blocks()
    layers = [
        Layer(
            row.path, row.op, _config(row.node), ", ".join(map(str, row.outputs)), _number(row.params),
            _number(row.work.mac) if row.work else None, _number(row.out_bytes), blocks.index(row.node.origin.frame),
            _main_span(row.node),
        )
        for row in measures.rows
    ]  # fmt: skip
    return Snapshot(
        graph.name, quantities, {v.name: str(v.type) for v in graph.inputs},
        {name: str(v.type) for name, v in graph.outputs.items()},
        {path: str(p.type) for path, p in graph.parameters().items()}, tuple(blocks.found), tuple(layers), opset,
        _sees_all(measures), frozenset(absent), tuple(demands), frozenset(partial),
    )  # fmt: skip


class _Blocks:
    """Numbers the applications in order of appearance, parents first."""

    def __init__(self) -> None:
        self.found: list[Application] = []
        self.known: dict[int, int] = {}

    def index(self, frame: Frame | None) -> int | None:
        waiting = []
        while frame is not None and id(frame) not in self.known:
            waiting.append(frame)
            frame = frame.parent
        parent = self.known[id(frame)] if frame is not None else None
        for one in reversed(waiting):
            self.found.append(Application(one.name, one.settings, parent))
            parent = self.known[id(one)] = len(self.found) - 1
        return parent


def _config(node: Node) -> dict[str, str]:
    return {name: _text(getattr(node.op, name)) for name in node.op._fields if name not in node.op.of_body}


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return "[" + ", ".join(map(_text, value)) + "]" if isinstance(value, tuple) else str(value)


def _number(dim: Any) -> int | None:
    return dim if isinstance(dim, int) else None


def _sees_all(measures: Measures) -> str | None:
    first = measures.fields.first_whole
    return None if first is None else first.path


def _main_span(node: Node) -> Span | None:
    """The outermost place that is not the variant itself: a line of the network's own body."""
    spans = [node.origin.span, *(frame.span for frame in node.origin.frames())]
    files = [
        span for span in spans[: max(len(spans) - 1, 1)] if span is not None and span.source.name.endswith(".arch")
    ]
    return files[-1] if files else next((span for span in spans if span is not None), None)


# As data


def to_record(taken: Snapshot) -> dict[str, Any]:
    """A snapshot for a JSON document."""
    return {
        "name": taken.name, "quantities": dict(taken.quantities), "inputs": dict(taken.inputs),
        "outputs": dict(taken.outputs), "parameters": dict(taken.parameters),
        "blocks": [[b.name, dict(b.settings), b.parent] for b in taken.blocks],
        "layers": [
            [x.path, x.op, dict(x.config), x.output, x.params, x.macs, x.bytes, x.block] for x in taken.layers
        ],
        "opset": taken.opset, "sees_all": taken.sees_all, "absent": sorted(taken.absent),
        "demands": [[one.kind, one.subject, one.op, one.bound] for one in taken.demands],
        **({"partial": sorted(taken.partial)} if taken.partial else {}),
    }  # fmt: skip


def from_record(record: Any) -> Snapshot:
    """The snapshot in a JSON document; refuses (E0011) what is none."""
    try:
        blocks = tuple(
            Application(str(name), _texts(s), _natural(p, i)) for i, (name, s, p) in enumerate(record["blocks"])
        )
        layers = tuple(_layers(record["layers"], len(blocks)))
        inputs, outputs, parameters = (_texts(record[key]) for key in ("inputs", "outputs", "parameters"))
        quantities = {str(name): _figure(value) for name, value in record["quantities"].items()}
        opset = _natural(record["opset"], 1_000)
        sees_all = None if record["sees_all"] is None else str(record["sees_all"])
        absent = frozenset(str(name) for name in record.get("absent", ()))
        demands = tuple(
            Demand(str(kind), str(subject), str(op), fixed(_figure(bound)))
            for kind, subject, op, bound in record.get("demands", ())
        )
        name, partial = str(record["name"]), frozenset(str(one) for one in record.get("partial", ()))
        return Snapshot(
            name, quantities, inputs, outputs, parameters, blocks, layers, opset, sees_all, absent, demands, partial
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Refusal(
            "E0011", "the file is not a baseline", help="`archdsl check --save-baseline FILE` writes one"
        ) from None


def _layers(records: Any, blocks: int) -> Iterator[Layer]:
    for path, op, config, output, params, macs, size, block in records:
        if any(n is not None and not isinstance(n, int) for n in (params, macs, size)):
            raise ValueError
        yield Layer(str(path), str(op), _texts(config), str(output), params, macs, size, _natural(block, blocks))


def _figure(value: Any, nested: bool = False) -> Any:
    """A figure as :func:`archdsl.analyses.measure.plain` makes it."""
    if value is None or isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, float) and value == value and abs(value) != float("inf"):
        return value
    if isinstance(value, list) and not nested:
        return [_figure(one, True) for one in value]
    raise ValueError


def fixed(bound: Any) -> Any:
    """A bound of several axes as a tuple: demands are compared and counted."""
    return tuple(bound) if isinstance(bound, list) else bound


def _texts(record: Any) -> dict[str, str]:
    return {str(k): str(v) for k, v in record.items()}


def _natural(index: Any, below: int) -> int | None:
    if index is not None and not (isinstance(index, int) and 0 <= index < below):
        raise ValueError
    return index
