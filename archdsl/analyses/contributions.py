"""The contributions of operators to a figure, for the notes of a budget that is not met."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from archdsl.analyses import memory
from archdsl.analyses.field import Field
from archdsl.analyses.measure import Measures, show
from archdsl.analyses.rows import Row, flops
from archdsl.diagnostics import Refusal
from archdsl.graph import Node
from archdsl.record import Record
from archdsl.source import Source, Span


class Share(Record):
    """One operator's part of a figure."""

    node: Node
    amount: int | Fraction


_COLUMNS: dict[str, Callable[[Row], object]] = {
    "params": lambda r: r.params,
    "buffers": lambda r: r.buffers,
    "weights": lambda r: r.weight_bytes,
    "macs": lambda r: r.work and r.work.mac,
    "adds": lambda r: r.work and r.work.add,
    "muls": lambda r: r.work and r.work.mul,
    "comparisons": lambda r: r.work and r.work.cmp,
    "specials": lambda r: r.work and r.work.special,
    "flops": lambda r: r.work and flops(r.work),
    "activations": lambda r: r.out_bytes,
    "activation_elements": lambda r: r.out_elements,
}
"""Figures that are sums over operators."""


def contributions(measures: Measures, quantity: str, part: str | None = None, tap: str | None = None) -> list[Share]:
    """The operators that make a figure, largest first; none where it is no sum of theirs (``depth``, ``stride``).

    For memory peaks these are the tensors alive at the peak, for a receptive field the windows that widen it.
    """
    return _largest(_amounts(measures, quantity, measures.nodes(part, tap)))


def _amounts(measures: Measures, quantity: str, nodes: Sequence[Node]) -> list[tuple[Node, object]]:
    if quantity in _COLUMNS:
        column = _COLUMNS[quantity]
        return [(node, column(measures.row_of[node])) for node in nodes]
    if quantity == "traffic":
        return [(node, memory.traffic(measures.bound, measures.schedule, node)) for node in nodes]
    if quantity in ("peak_activations", "arena"):
        steps = None if len(nodes) == len(measures.bound.nodes) else [measures.bound.steps[node] for node in nodes]
        try:
            live = memory.peak(measures.schedule, steps).buffers if steps != [] else ()
        except Refusal:
            return []
        return [(b.values[0].producer, b.size) for b in live if b.values[0].producer is not None]
    if quantity == "receptive_field":
        return [(node, _widening(measures, node)) for node in nodes]
    return []


def _widening(measures: Measures, node: Node) -> object:
    """How much larger the field of the node's first output is than that of its inputs, on the first spatial axis."""
    known = measures.fields
    if node.outputs[0] not in known or not known.axes:
        return None
    ahead = [known.at(v)[0] for v in node.inputs if v in known]
    own = known.at(node.outputs[0])[0]
    sizes = [f.size for f in ahead if isinstance(f, Field)]
    return own.size - max(sizes) if isinstance(own, Field) and sizes else None


def _largest(amounts: Sequence[tuple[Node, object]]) -> list[Share]:
    shares = [Share(node, amount) for node, amount in amounts if isinstance(amount, int | Fraction) and amount > 0]
    return sorted(shares, key=lambda share: -share.amount)


def line_of(node: Node, source: Source | None) -> Span | None:
    """The line of the reader's text that made a node: its own, or the application in ``source`` that led to it."""
    spans = [node.origin.span, *(frame.span for frame in node.origin.frames())]
    return next((span for span in spans if span is not None and span.source is source), node.origin.span)


def described(node: Node, source: Source | None) -> str:
    """``layer4.0.conv2 (line 17: `unit(c, stride = 2)`)``."""
    span = line_of(node, source)
    if span is None:
        return node.path
    text = " ".join(span.text.split())
    text = text if len(text) <= 60 else text[:59] + "…"
    place = f"line {span.line}" if span.source is source else str(span)
    return f"{node.path} ({place}: `{text}`)"


def contribution_notes(
    measures: Measures, quantity: str, part: str | None, tap: str | None, source: Source | None, most: int = 3
) -> tuple[str, ...]:
    """A note that names the operators that contribute most to a figure; none if there are none."""
    shares = contributions(measures, quantity, part, tap)
    if not shares:
        return ()
    total = sum(share.amount for share in shares)
    lines = [
        f"{show(quantity, s.amount)} ({float(s.amount / total):.1%}) from {described(s.node, source)}"
        for s in shares[:most]
    ]
    what = "live at the peak" if quantity in ("peak_activations", "arena") else "the largest parts"
    return (f"{what}:\n" + "\n".join(lines),)
